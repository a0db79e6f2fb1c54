"""An HTTP adapter that puts a request on the wire exactly as it is written, and follows, remembers and logs nothing.

It is used without `requests.Session`, whose conveniences all spoil a measurement: proxies and .netrc from the
environment (the latter replaces an Authorization header), redirects (which hand X-Auth-Token to the other host),
cookies, and re-encoded URLs.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from kms_conformance.wire.head import HeadReader
from kms_conformance.wire.messages import Request, origin

if TYPE_CHECKING:
    import socket

    from urllib3 import BaseHTTPResponse

    from kms_conformance.wire.watchdog import Deadline


class _Fields(Mapping[str, str]):
    """A head as it is written, repeated names and all, in the little of a mapping that the layers below use."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def __getitem__(self, name: str) -> str:
        return next(value for known, value in self._pairs if known.lower() == name.lower())

    def __contains__(self, name: object) -> bool:
        return any(known.lower() == str(name).lower() for known, _ in self._pairs)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def items(self) -> Any:  # noqa: ANN401 - a mapping's view has no place for a repeated name
        return list(self._pairs)


#: Some servers close a connection that was idle for 5 s. A request that crosses with that is lost, and nobody can say
#: whether it was carried out; so a connection whose last request is almost as long ago is not used again.
IDLE_SECONDS = 4.0


@dataclass
class ConnectionUse:
    """What a call learned of connections: whether its own had served before, and whether an idle one was dropped."""

    reused: bool = False
    dropped: bool = False


@dataclass(frozen=True)
class _Call:
    """What a connection must know of the call that it serves."""

    target: str
    fields: _Fields
    deadline: Deadline
    use: ConnectionUse


_CALL: ContextVar[_Call] = ContextVar("call")


class _Exact(HTTPConnection):
    """A connection that sends the target as it is written, and that the watchdog can shut down at any time.

    The layers above only ever see "/": they would normalise the target, and they log it, signature and all. Their
    headers, which know each name once, only serve to tell them that nothing is to be added.
    """

    response_class = HeadReader
    _used_at = 0.0
    _has_served = False

    @property
    def is_connected(self) -> bool:
        """Whether the connection can serve another request: the pool asks before it hands it out again."""
        if time.monotonic() - self._used_at >= IDLE_SECONDS:
            return False
        connected = super().is_connected
        if not connected and self.sock is not None:
            # Nobody announced its end, or it would have been closed on our side as well.
            _CALL.get().use.dropped = True
        return connected

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._has_served = False
        _CALL.get().deadline.attach(connection)
        return connection

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as above
        try:
            super().request(method, url, *args, **{**kwargs, "headers": _CALL.get().fields})
        except BrokenPipeError:
            # The layer above reads on: there may be a reply that was sent before the connection was closed.
            raise
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if not _CALL.get().use.reused:
                raise
            raise http.client.RemoteDisconnected("closed while a request was sent") from error

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,  # noqa: FBT001, FBT002 - the signature of the class above
        skip_accept_encoding: bool = False,  # noqa: FBT001, FBT002 - see skip_host
    ) -> None:
        self._used_at = time.monotonic()
        call = _CALL.get()
        if self.sock is not None:
            call.deadline.attach(self.sock)
        call.use.reused = self.sock is not None and self._has_served
        super().putrequest(method, call.target, skip_host=skip_host, skip_accept_encoding=skip_accept_encoding)

    def getresponse(self) -> Any:  # noqa: ANN401 - the two classes above do not agree on it
        response = super().getresponse()
        self._has_served = True
        return response


class _ExactTls(_Exact, HTTPSConnection):
    """The same over TLS."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Exact


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _ExactTls


class Transport(HTTPAdapter):
    """Sends requests over connections that are kept alive."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the class above has it
        """Make every connection an exact one."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ANN401 - as above
        """Only a placeholder: the connection knows the target."""
        return "/"

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Response:
        """The reply alone, without the jar of cookies that the class above fills from it."""
        response = Response()
        response.status_code = resp.status
        response.raw = resp
        response.request = req
        return response

    def drop_idle(self) -> None:
        """Close the connections that wait for another request."""
        self.poolmanager.clear()

    def exchange(
        self, request: Request, deadline: Deadline, use: ConnectionUse, *, verify: bool | str
    ) -> BaseHTTPResponse:
        """Send the request and read the head of its reply; the body is still to be read from what is returned.

        `use` is told of the connection, also where this raises.
        """
        prepared = PreparedRequest()
        prepared.method = request.method
        prepared.url = f"{origin(request.url)}/"
        fields = _Fields(_complete(request))
        prepared.headers = CaseInsensitiveDict(fields)
        prepared.body = request.body or None
        token = _CALL.set(_Call(request.target, fields, deadline, use))
        try:
            raw: BaseHTTPResponse = self.send(prepared, timeout=deadline.remaining() or 0.001, verify=verify).raw
        finally:
            _CALL.reset(token)
        return raw


def _complete(request: Request) -> list[tuple[str, str]]:
    """The request's headers, and those without which HTTP libraries would make up their own."""
    headers = list(request.headers)
    if request.header("Host") is None:
        headers.insert(0, ("Host", request.authority))
    if request.header("Accept-Encoding") is None:
        headers.append(("Accept-Encoding", "identity"))
    if request.header("User-Agent") is None:
        headers.append(("User-Agent", "kms-conformance"))
    framed = request.header("Content-Length") is not None or request.header("Transfer-Encoding") is not None
    if not framed and (request.body or request.method not in ("GET", "HEAD")):
        headers.append(("Content-Length", str(len(request.body))))
    return headers
