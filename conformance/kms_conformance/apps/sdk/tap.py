"""What a vendor's client sends and receives, taken down where all of them meet: at the standard library's connections.

A proxy would change the Host header, which their signatures cover, and would see nothing of TLS. Every one of them ends
in `http.client`, so the bytes are copied there: nothing is re-encoded, and the client cannot tell.
"""

from __future__ import annotations

import http.client
import io
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from kms_conformance.wire.carrier import MAX_BODY, MAX_HEAD
from kms_conformance.wire.failures import NETWORK_ERRORS, HttpError, failure_of
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request, origin
from kms_conformance.wire.session import ForeignOrigin
from kms_conformance.wire.unpack import unpack

if TYPE_CHECKING:
    from types import TracebackType

_BLOCK = 1 << 16


@dataclass
class _Line:
    """One request on a connection, and what has come back so far."""

    origin: str
    method: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    error: BaseException | None = None
    given_up: Failure | None = None
    seconds: float = 0.0

    def exchange(self) -> Exchange:
        """The request and what became of it, read anew from the bytes."""
        request = _request(self.origin, bytes(self.sent))
        if self.given_up is not None:
            return Exchange(request, None, self.given_up, self.started)
        if not self.received:
            failure = Failure("reset", "no reply") if self.error is None else failure_of(self.error)
            return Exchange(request, None, failure, self.started)
        try:
            return Exchange(request, self._reply(), None, self.started)
        except (*NETWORK_ERRORS, HttpError) as error:
            return Exchange(request, None, failure_of(error), self.started)

    def _reply(self) -> Reply:
        response = http.client.HTTPResponse(_Bytes(bytes(self.received)), method=self.method)  # type: ignore[arg-type]
        response.begin()
        headers = tuple(response.headers.items())
        body = unpack(response.read(), response.headers.get_all("Content-Encoding", []), MAX_BODY)
        return Reply(response.status, response.reason or "", headers, body, self.seconds)


class _Bytes:
    """What looks like a socket to the standard library, and is bytes that were received earlier."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


class _Copied(io.RawIOBase):
    """A socket's file that copies what is read from it, up to a cap and a deadline that no honest reply meets."""

    def __init__(self, raw: io.RawIOBase, line: _Line, seconds: float) -> None:
        self._raw = raw
        self._line = line
        self._seconds = seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        count = self._raw.readinto(buffer)
        line = self._line
        line.received += bytes(memoryview(buffer)[: count or 0])
        line.seconds = time.perf_counter() - line.clock
        if len(line.received) > MAX_BODY + MAX_HEAD:
            line.given_up = Failure("too_large", f"the reply is longer than {MAX_BODY + MAX_HEAD} bytes")
            raise OSError(line.given_up.text)
        if line.seconds > self._seconds:
            line.given_up = Failure("timeout", "no whole reply in time")
            raise TimeoutError(line.given_up.text)
        return count

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Wire:
    """A socket as `http.client` reads it: it asks for one file."""

    def __init__(self, sock: Any, line: _Line, seconds: float) -> None:  # noqa: ANN401 - a socket, or what stands for one
        self._sock = sock
        self._line = line
        self._seconds = seconds

    def makefile(self, *_: object) -> io.BufferedReader:
        raw = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_Copied(raw, self._line, self._seconds), _BLOCK)


class Tap:
    """A context in which every exchange of this process's HTTP clients is taken down. Not to be nested or shared.

    Nothing of a request leaves before the whole of it was seen: `admit` is called with it, and may wait, or raise to
    keep it here. Requests to any origin that `urls` do not name are kept here in any case: a client that looks for
    credentials or an endpoint of its own accord would carry ours there. `refused` says why the last one was. `seconds`
    bounds a whole reply.
    """

    def __init__(self, urls: Iterable[str], admit: Callable[[Request], None], seconds: float) -> None:
        self._origins = frozenset(origin(url) for url in urls)
        self._admit = admit
        self._seconds = seconds
        self._lines: list[_Line] = []
        self._open: dict[int, _Line] = {}
        self._restore: list[tuple[type, str, Any]] = []
        self._reading: _Line | None = None
        self._really_send: Any = None
        self.refused: str | None = None

    def exchanges(self) -> tuple[Exchange, ...]:
        """What went over the wire so far, oldest first."""
        return tuple(line.exchange() for line in self._lines)

    def __enter__(self) -> Self:
        connection, response = http.client.HTTPConnection, http.client.HTTPResponse
        self._replace(connection, "putrequest", self._putrequest)
        self._replace(connection, "send", self._send)
        self._replace(connection, "getresponse", self._getresponse)
        self._replace(response, "__init__", self._begin)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for owner, name, original in reversed(self._restore):
            setattr(owner, name, original)
        self._restore.clear()

    def _replace(self, owner: type, name: str, wrap: Callable[[Any], Any]) -> None:
        original = getattr(owner, name)
        self._restore.append((owner, name, original))
        setattr(owner, name, wrap(original))

    def _putrequest(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def putrequest(connection: Any, method: str, *rest: Any, **options: Any) -> None:  # noqa: ANN401
            scheme = "https" if connection.default_port == http.client.HTTPS_PORT else "http"
            host = f"[{connection.host}]" if ":" in connection.host else connection.host
            destination = origin(f"{scheme}://{host}:{connection.port}")
            if destination not in self._origins:
                self.refused = f"a request to {destination}, which the target file does not name"
                raise ForeignOrigin(self.refused)
            line = _Line(destination, method)
            self._lines.append(line)
            self._open[id(connection)] = line
            original(connection, method, *rest, **options)

        return putrequest

    def _send(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def send(connection: Any, data: Any) -> None:  # noqa: ANN401
            line = self._open.get(id(connection))
            if line is None:
                original(connection, data)
                return
            # What would be its first effect: a connection that cannot be made is told here.
            if connection.sock is None and connection.auto_open:
                _noting(line, connection.connect)
            if hasattr(data, "read"):
                data = data.read()
            for piece in [data] if isinstance(data, (bytes, bytearray, memoryview)) else data:
                line.sent += piece

        self._really_send = original
        return send

    def _release_key(self, line: _Line, connection: Any) -> None:  # noqa: ANN401 - any of the libraries' connections
        """Send what was held back, if it may leave."""
        try:
            self._admit(_request(line.origin, bytes(line.sent)))
        except Exception as error:
            self.refused = str(error)
            self._lines.remove(line)
            raise
        _noting(line, self._really_send, connection, bytes(line.sent))

    def _getresponse(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def getresponse(connection: Any) -> Any:  # noqa: ANN401
            line = self._open.get(id(connection))
            if line is None:
                return original(connection)
            self._release_key(line, connection)
            self._reading = line
            try:
                return _noting(line, original, connection)
            finally:
                self._reading = None

        return getresponse

    def _begin(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def begin(response: Any, sock: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401
            line = self._reading
            original(response, sock if line is None else _Wire(sock, line, self._seconds), *rest, **options)

        return begin


def _noting(line: _Line, original: Any, *arguments: Any) -> Any:  # noqa: ANN401
    """Call, and note on the line what was raised."""
    try:
        return original(*arguments)
    except BaseException as error:
        line.error = error
        raise


def _request(origin_of: str, raw: bytes) -> Request:
    """The request that these bytes are."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0] or rest
    parts = urlsplit(target)
    path = target if not parts.scheme else parts._replace(scheme="", netloc="").geturl()
    pairs = (line.partition(":") for line in lines if line)
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    return Request(method, origin_of + path, headers, body)
