"""Capture of the bytes that vendors' clients send and receive, by replaced functions of `http.client`.

All these clients send their requests through `http.client`, where the bytes are copied as they are. A proxy could not
capture them: it would change the Host header, which the signatures cover, and could not read TLS.
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

from kms_conformance.wire.failures import NETWORK_ERRORS, HttpError, failure_of
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request, origin
from kms_conformance.wire.network import MAX_BODY, MAX_HEAD, unpack
from kms_conformance.wire.session import ForeignOrigin

if TYPE_CHECKING:
    from types import TracebackType

_BLOCK = 1 << 16


@dataclass
class _TappedExchange:
    """One request on a connection, and the bytes received so far."""

    origin: str
    method: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    clock: float = field(default_factory=time.perf_counter)
    sent: bytearray = field(default_factory=bytearray)
    received: bytearray = field(default_factory=bytearray)
    error: BaseException | None = None
    aborted: Failure | None = None
    seconds: float = 0.0

    def exchange(self) -> Exchange:
        """The request and its reply or failure, parsed from the bytes."""
        request = _request(self.origin, bytes(self.sent))
        if self.aborted is not None:
            return Exchange(request, None, self.aborted, self.started)
        if not self.received:
            failure = Failure("reset", "no reply") if self.error is None else failure_of(self.error)
            return Exchange(request, None, failure, self.started)
        try:
            return Exchange(request, self._reply(), None, self.started)
        except (*NETWORK_ERRORS, HttpError) as error:
            return Exchange(request, None, failure_of(error), self.started)

    def _reply(self) -> Reply:
        response = http.client.HTTPResponse(_ReceivedBytes(bytes(self.received)), method=self.method)  # type: ignore[arg-type]
        response.begin()
        headers = tuple(response.headers.items())
        body = unpack(response.read(), response.headers.get_all("Content-Encoding", []), MAX_BODY)
        return Reply(response.status, response.reason or "", headers, body, self.seconds)


class _ReceivedBytes:
    """Replacement of a socket; it returns bytes that were received earlier."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self._data)


class _CopyingFile(io.RawIOBase):
    """File of a socket that copies the bytes read from it, and raises an error beyond a size limit or a deadline."""

    def __init__(self, raw: io.RawIOBase, tapped: _TappedExchange, seconds: float) -> None:
        self._raw = raw
        self._tapped = tapped
        self._seconds = seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - any writable buffer
        count = self._raw.readinto(buffer)
        tapped = self._tapped
        tapped.received += bytes(memoryview(buffer)[: count or 0])
        tapped.seconds = time.perf_counter() - tapped.clock
        if len(tapped.received) > MAX_BODY + MAX_HEAD:
            tapped.aborted = Failure("too_large", f"the reply is longer than {MAX_BODY + MAX_HEAD} bytes")
            raise OSError(tapped.aborted.text)
        if tapped.seconds > self._seconds:
            tapped.aborted = Failure("timeout", "no complete reply in time")
            raise TimeoutError(tapped.aborted.text)
        return count

    def fileno(self) -> int:
        return self._raw.fileno()

    def close(self) -> None:
        self._raw.close()
        super().close()


class _CopyingSocket:
    """Replacement of a socket, from which `http.client` reads by a `_CopyingFile`."""

    def __init__(self, sock: Any, tapped: _TappedExchange, seconds: float) -> None:  # noqa: ANN401 - a socket or a TLS object
        self._sock = sock
        self._tapped = tapped
        self._seconds = seconds

    def makefile(self, *_: object) -> io.BufferedReader:
        raw = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_CopyingFile(raw, self._tapped, self._seconds), _BLOCK)


class Tap:
    """Context manager that captures all exchanges of `http.client` in this process; not reentrant, not thread-safe.

    - `urls`: the URLs of the target. Requests to any other origin are stopped: a client that looks up credentials or
      endpoints elsewhere would send our credentials there.
    - `admit`: called with each request when it is complete and before it is sent; may wait, or raise an exception to
      stop the request.
    - `seconds`: the time within which a reply must be complete.
    - `refused`: the reason why the last stopped request was stopped; None if no request was.
    """

    def __init__(self, urls: Iterable[str], admit: Callable[[Request], None], seconds: float) -> None:
        self._origins = frozenset(origin(url) for url in urls)
        self._admit = admit
        self._seconds = seconds
        self._exchanges: list[_TappedExchange] = []
        self._open: dict[int, _TappedExchange] = {}
        self._restore: list[tuple[type, str, Any]] = []
        self._reading: _TappedExchange | None = None
        self._original_send: Any = None
        self.refused: str | None = None

    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges so far, oldest first."""
        return tuple(tapped.exchange() for tapped in self._exchanges)

    def __enter__(self) -> Self:
        connection, response = http.client.HTTPConnection, http.client.HTTPResponse
        self._replace(connection, "putrequest", self._putrequest)
        self._replace(connection, "send", self._send)
        self._replace(connection, "getresponse", self._getresponse)
        self._replace(response, "__init__", self._init_response)
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
            tapped = _TappedExchange(destination, method)
            self._exchanges.append(tapped)
            self._open[id(connection)] = tapped
            original(connection, method, *rest, **options)

        return putrequest

    def _send(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def send(connection: Any, data: Any) -> None:  # noqa: ANN401
            tapped = self._open.get(id(connection))
            if tapped is None:
                original(connection, data)
                return
            # The connection is made now, as by the original function, so that connection errors are raised here.
            if connection.sock is None and connection.auto_open:
                _recording_error(tapped, connection.connect)
            if hasattr(data, "read"):
                data = data.read()
            for piece in [data] if isinstance(data, (bytes, bytearray, memoryview)) else data:
                tapped.sent += piece

        self._original_send = original
        return send

    def _send_held_back(self, tapped: _TappedExchange, connection: Any) -> None:  # noqa: ANN401 - any of the libraries' connections
        """Send the request that was held back, if `admit` allows it."""
        try:
            self._admit(_request(tapped.origin, bytes(tapped.sent)))
        except Exception as error:
            self.refused = str(error)
            self._exchanges.remove(tapped)
            raise
        _recording_error(tapped, self._original_send, connection, bytes(tapped.sent))

    def _getresponse(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def getresponse(connection: Any) -> Any:  # noqa: ANN401
            tapped = self._open.get(id(connection))
            if tapped is None:
                return original(connection)
            self._send_held_back(tapped, connection)
            self._reading = tapped
            try:
                return _recording_error(tapped, original, connection)
            finally:
                self._reading = None

        return getresponse

    def _init_response(self, original: Any) -> Any:  # noqa: ANN401 - a method of the standard library
        def begin(response: Any, sock: Any, *rest: Any, **options: Any) -> None:  # noqa: ANN401
            tapped = self._reading
            original(
                response, sock if tapped is None else _CopyingSocket(sock, tapped, self._seconds), *rest, **options
            )

        return begin


def _recording_error(tapped: _TappedExchange, original: Any, *arguments: Any) -> Any:  # noqa: ANN401
    """Call `original`; an exception is stored in the tapped exchange and raised again."""
    try:
        return original(*arguments)
    except BaseException as error:
        tapped.error = error
        raise


def _request(origin_of: str, raw: bytes) -> Request:
    """Parse the bytes of a request."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    target = rest.rpartition(" ")[0] or rest
    parts = urlsplit(target)
    path = target if not parts.scheme else parts._replace(scheme="", netloc="").geturl()
    pairs = (line.partition(":") for line in lines if line)
    headers = tuple((name.strip(), value.strip()) for name, _, value in pairs)
    return Request(method, origin_of + path, headers, body)
