"""Requests, replies, failures and exchanges as frozen values, independent of sockets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

Headers = tuple[tuple[str, str], ...]

_DEFAULT_PORTS = {"http": 80, "https": 443}


def values_of(headers: Headers, name: str) -> tuple[str, ...]:
    """All values of a header, in their order; names are compared without regard to case."""
    wanted = name.lower()
    return tuple(value for known, value in headers if known.lower() == wanted)


@lru_cache(maxsize=64)
def origin(url: str) -> str:
    """`scheme://host:port` of a URL, in lower case and with an explicit port.

    Raises ValueError for a URL without a host.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an http(s) URL with a host")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{host}:{port_of(url)}"


def port_of(url: str) -> int:
    """The port of an http or https URL: the one that it names, else the default port of its scheme."""
    parts = urlsplit(url)
    return _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port


@dataclass(frozen=True)
class Request:
    """One request, exactly as it is sent: nothing is re-encoded or sorted.

    `url` is absolute, percent-encoded ASCII. The transport adds only headers that HTTP requires (Host, Content-Length),
    and only if they are missing.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""

    @property
    def authority(self) -> str:
        """Default value of the Host header: the host, with its port unless it is the default port of the scheme."""
        scheme, _, address = origin(self.url).partition("://")
        host, _, port = address.rpartition(":")
        return host if int(port) == _DEFAULT_PORTS[scheme] else address

    @cached_property
    def target(self) -> str:
        """The request target (path and query) as in the request line."""
        written = self.url[self._target_start :]
        return written if written.startswith("/") else f"/{written}"

    @property
    def path(self) -> str:
        """The path as sent, percent-encoded."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query as sent, percent-encoded, without its question mark."""
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header."""
        return values_of(self.headers, name)

    def with_header(self, name: str, value: str) -> Request:
        """The request with this header once, as the last one."""
        return self.with_headers((name, value))

    def with_headers(self, *pairs: tuple[str, str]) -> Request:
        """The request with each of these headers once, as the last ones."""
        return Request(self.method, self.url, (*self._headers_without(name for name, _ in pairs), *pairs), self.body)

    def without_headers(self, *names: str) -> Request:
        """The request without headers of these names."""
        return Request(self.method, self.url, tuple(self._headers_without(names)), self.body)

    def with_target(self, path: str, query: str | None) -> Request:
        """The request with another path and query, both percent-encoded; without `query`, there is no question mark."""
        query_part = "" if query is None else f"?{query}"
        return replace(self, url=self.url[: self._target_start] + path + query_part)

    def _headers_without(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        unwanted = {name.lower() for name in names}
        return (pair for pair in self.headers if pair[0].lower() not in unwanted)

    @property
    def _target_start(self) -> int:
        after_scheme = self.url.find("://") + 3
        found = (self.url.find(mark, after_scheme) for mark in "/?#")
        return min((index for index in found if index >= 0), default=len(self.url))


@dataclass(frozen=True)
class Reply:
    """One reply as received, with its body decompressed.

    `seconds` is the time from the first byte of the request to the last byte of the reply.
    """

    status: int
    reason: str
    headers: Headers
    body: bytes = field(repr=False)
    seconds: float

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return next(iter(self.header_values(name)), None)

    def header_values(self, name: str) -> tuple[str, ...]:
        """All values of a header; endpoints may repeat one."""
        return values_of(self.headers, name)

    @property
    def media_type(self) -> str:
        """The media type of Content-Type in lower case, without parameters; "" if there is none."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()


FailureKind = Literal["refused", "timeout", "stale", "reset", "truncated", "too_large", "bad_http", "tls", "unsendable"]


@dataclass(frozen=True)
class Failure:
    """The reason why a request has no usable reply, by its kind:

    - refused: no connection was made, for example to an unknown host, so no request was sent.
    - timeout: no complete reply came in time.
    - stale: a reused connection was closed before any byte of a reply, perhaps before the request arrived.
    - reset: the connection broke before the head of a reply was complete.
    - truncated: the connection or the framing broke within the body.
    - too_large: the body or the head is larger than its limit.
    - bad_http: the reply is not HTTP.
    - tls: the certificate is not trusted, or only one side speaks TLS.
    - unsendable: HTTP cannot carry the request.
    """

    kind: FailureKind
    text: str


@dataclass(frozen=True)
class Exchange:
    """One request with its reply or its failure, in memory only: it contains secrets."""

    request: Request
    reply: Reply | None
    failure: Failure | None
    started: datetime  # aware, UTC
