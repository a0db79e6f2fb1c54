"""HTTP adapter that sends requests unchanged. It follows no redirects, stores no cookies, and logs nothing.

`requests.Session` is not used, because its conveniences would change requests: proxies and .netrc from the environment
(.netrc replaces the Authorization header), redirects (which send X-Auth-Token to another host), cookies, and re-encoded
URLs.
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
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
    """The headers of a request as written, with repeated names, as the mapping that http.client expects."""

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

    def items(self) -> Any:  # noqa: ANN401 - the view of a mapping cannot repeat a name
        return list(self._pairs)


#: A connection that was idle for this long is not used again. Some servers close connections that were idle for 5 s. A
#: request sent at that moment is lost, and nobody knows whether the request was carried out.
IDLE_SECONDS = 4.0


@dataclass
class ConnectionUse:
    """The use of connections by one call.

    - reused: whether the connection had served an earlier call.
    - connection: the connection of the call; None if none was made.
    - dropped: whether the server had closed an idle connection without notice.
    - start: is called when the connection is open, before anything is sent; None: nothing is waited for.
    """

    reused: bool = False
    dropped: bool = False
    connection: Connection | None = None
    start: Callable[[], None] | None = None


@dataclass(frozen=True)
class _Call:
    """Parameters of the current call, from which its connection takes what the call's arguments cannot carry."""

    target: str
    fields: _Fields
    deadline: Deadline
    use: ConnectionUse


_CALL: ContextVar[_Call] = ContextVar("call")


class Connection(HTTPConnection):
    """A connection that sends the target unchanged, and that the watchdog can shut down at any time.

    urllib3 would normalise the request target, and log it with its signature. So urllib3 gets "/" as the target, and
    this class sends the real one. The header dictionary of urllib3 cannot repeat names. It is passed only so that
    urllib3 adds no headers.
    """

    response_class = HeadReader
    _used_at = 0.0
    _served_at: float | None = None  # the time of the first reply

    @property
    def is_connected(self) -> bool:
        """Whether the connection can serve another request; the pool asks before each reuse."""
        if time.monotonic() - self._used_at >= IDLE_SECONDS:
            return False
        connected = super().is_connected
        if not connected and self.sock is not None:
            # This side has not closed its socket, so the server has closed the connection without notice.
            _CALL.get().use.dropped = True
        return connected

    @property
    def served_seconds(self) -> float | None:
        """Seconds since the first reply; None if there was none, or if this side has closed the connection."""
        return None if self.sock is None or self._served_at is None else time.monotonic() - self._served_at

    @property
    def is_open(self) -> bool:
        """Whether neither side has closed the connection."""
        return super().is_connected

    def _new_conn(self) -> socket.socket:
        connection = super()._new_conn()
        self._served_at = None
        _CALL.get().deadline.attach(connection)
        return connection

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as in `items`
        start = _CALL.get().use.start
        if start is not None:
            if self.sock is None:
                self.connect()
            start()
        try:
            super().request(method, url, *args, **{**kwargs, "headers": _CALL.get().fields})
        except BrokenPipeError:
            # urllib3 handles this case: the server may have replied before it closed the connection.
            raise
        except (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError) as error:
            if not _CALL.get().use.reused:
                raise
            raise http.client.RemoteDisconnected("closed while a request was sent") from error

    def putrequest(
        self,
        method: str,
        url: str,
        skip_host: bool = False,  # noqa: FBT001, FBT002 - the signature of http.client
        skip_accept_encoding: bool = False,  # noqa: FBT001, FBT002 - see skip_host
    ) -> None:
        self._used_at = time.monotonic()
        call = _CALL.get()
        if self.sock is not None:
            call.deadline.attach(self.sock)
        call.use.reused = self.sock is not None and self._served_at is not None
        call.use.connection = self
        super().putrequest(method, call.target, skip_host=skip_host, skip_accept_encoding=skip_accept_encoding)

    def getresponse(self) -> Any:  # noqa: ANN401 - the two base classes differ here
        response = super().getresponse()
        if self._served_at is None:
            self._served_at = time.monotonic()
        return response


class _TlsConnection(Connection, HTTPSConnection):
    """The same connection over TLS."""


# What `requests` and urllib3 see of the headers: whether a body has a length. `Connection` sends the real ones.
_FRAMED: CaseInsensitiveDict[str] = CaseInsensitiveDict({"Content-Length": ""})
_UNFRAMED: CaseInsensitiveDict[str] = CaseInsensitiveDict()


class _Pool(HTTPConnectionPool):
    ConnectionCls = Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Transport(HTTPAdapter):
    """Sends requests over persistent connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the signature of HTTPAdapter
        """Use `Connection` connections in all pools."""
        super().init_poolmanager(*args, **kwargs)
        self._pools: dict[tuple[str, bool | str | None], Any] = {}
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def get_connection_with_tls_context(
        self,
        request: PreparedRequest,
        verify: bool | str | None,  # noqa: FBT001 - the signature of HTTPAdapter
        proxies: Any = None,  # noqa: ANN401 - the signature of HTTPAdapter
        cert: Any = None,  # noqa: ANN401 - the signature of HTTPAdapter
    ) -> Any:  # noqa: ANN401 - the signature of HTTPAdapter
        """The pool of an origin; urllib3 would look it up by a key of some thirty values for each request."""
        place = str(request.url), verify
        if place not in self._pools:
            self._pools[place] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return self._pools[place]

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:  # noqa: ANN401 - the signature of HTTPAdapter
        """A placeholder; the connection knows the real target."""
        return "/"

    def build_response(self, req: PreparedRequest, resp: BaseHTTPResponse) -> Response:
        """The reply, without the cookie jar that HTTPAdapter would fill from its headers."""
        response = Response()
        response.status_code = resp.status
        response.raw = resp
        response.request = req
        return response

    def drop_idle(self) -> None:
        """Close all idle connections."""
        self._pools.clear()
        self.poolmanager.clear()

    def exchange(
        self, request: Request, deadline: Deadline, use: ConnectionUse, *, verify: bool | str
    ) -> BaseHTTPResponse:
        """Send the request and read the head of its reply; the caller reads the body from the result.

        The fields of `use` are set, also if an exception is raised.
        """
        prepared = PreparedRequest()
        prepared.method = request.method
        prepared.url = f"{origin(request.url)}/"
        fields = _Fields(_complete(request))
        prepared.headers = _FRAMED if "Content-Length" in fields else _UNFRAMED
        prepared.body = request.body or None
        token = _CALL.set(_Call(request.target, fields, deadline, use))
        try:
            raw: BaseHTTPResponse = self.send(prepared, timeout=deadline.remaining() or 0.001, verify=verify).raw
        finally:
            _CALL.reset(token)
        return raw


def _complete(request: Request) -> list[tuple[str, str]]:
    """The headers of the request, plus those that HTTP libraries would otherwise add with values of their own."""
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
