"""Maps the exceptions of HTTP libraries to failures of requests, and finds requests that HTTP cannot carry."""

from __future__ import annotations

import http.client
import re
import ssl
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions as u3

from kms_conformance.wire.head import TlsAlert
from kms_conformance.wire.messages import Failure, FailureKind, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

#: All exceptions that a call can raise because of the network or the endpoint. ValueError is one of them because
#: urllib3 does not wrap all errors about malformed numbers and text in a reply.
NETWORK_ERRORS = (requests.RequestException, u3.HTTPError, http.client.HTTPException, OSError, ValueError)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_URL = re.compile(r"[!-~]+")
# Header values, in which each character is one byte and none is NUL or a line break.
_FIELD_VALUE = re.compile(r"[\x01-\t\x0b\x0c\x0e-\xff]*")


#: Texts of the failure `tls` for a URL whose scheme is not that of the port.
NO_TLS = "the port does not speak TLS"
ONLY_TLS = "the port speaks TLS, and the request was sent in plain HTTP"
# The reasons that OpenSSL gives for a reply that is no TLS at all.
_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})


class HttpError(Exception):
    """The reply cannot be used, for example because its body is too large. `failure` is the reason."""

    def __init__(self, kind: FailureKind, text: str) -> None:
        super().__init__(kind, text)
        self.failure = Failure(kind, text)


def unsendable(request: Request) -> Failure | None:
    """Why HTTP cannot carry this request; None if it can."""
    if not _TOKEN.fullmatch(request.method):
        return Failure("unsendable", "the method is no HTTP token")
    if not _URL.fullmatch(request.url) or "#" in request.url:
        return Failure("unsendable", "the URL has blanks, control characters, non-ASCII characters, or a fragment")
    for name, value in request.headers:
        if not _TOKEN.fullmatch(name):
            return Failure("unsendable", f"the header name {name!a} is no HTTP token")
        if not _FIELD_VALUE.fullmatch(value):
            return Failure("unsendable", f"the value of the header {name} has characters that no header can carry")
    return None


def failure_of(error: BaseException) -> Failure:
    """Map an exception to a failure. The text names classes and system errors, never parts of the request."""
    if isinstance(error, HttpError):
        return error.failure
    causes = tuple(_causes(error))
    if any(isinstance(cause, TlsAlert) for cause in causes):
        return Failure("tls", ONLY_TLS)
    if any(isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS for cause in causes):
        return Failure("tls", NO_TLS)
    for kinds, kind, text in _KINDS:
        found = next((cause for cause in causes if isinstance(cause, kinds)), None)
        if found is not None:
            return Failure(kind, text + _detail(found))
    return Failure("bad_http", f"the reply cannot be read ({type(causes[-1]).__name__})")


def closed_before_reply(error: BaseException) -> bool:
    """Whether the connection was closed before the first byte of a reply."""
    return any(isinstance(cause, http.client.RemoteDisconnected) for cause in _causes(error))


# The first row that matches decides, so rows of specific exceptions stand before rows of general ones.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], FailureKind, str], ...] = (
    ((u3.SSLError, requests.exceptions.SSLError), "tls", "the TLS connection failed"),
    ((u3.NameResolutionError,), "refused", "the host name is not known"),
    ((u3.NewConnectionError,), "refused", "no connection"),  # must stand before its base class, ConnectTimeoutError
    ((u3.ConnectTimeoutError,), "timeout", "no connection in time"),
    ((u3.ReadTimeoutError, TimeoutError), "timeout", "no whole reply in time"),
    ((http.client.RemoteDisconnected,), "reset", "the connection was closed without a reply"),
    ((u3.IncompleteRead, http.client.IncompleteRead), "truncated", "the body ended early, or its framing is broken"),
    ((ConnectionError,), "reset", "the connection broke"),
    ((u3.InvalidHeader, http.client.HTTPException, ValueError), "bad_http", "the reply is not HTTP"),
    ((OSError,), "reset", "the connection broke"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and all exceptions that it wraps: in its arguments, as `reason`, cause or context."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        found = waiting.pop(0)
        if any(found is known for known in seen):
            continue
        seen.append(found)
        # Exceptions of the library requests are OSErrors, whatever they wrap, so only the wrapped exceptions matter.
        if not isinstance(found, requests.RequestException) or isinstance(found, requests.exceptions.SSLError):
            yield found
        waiting += [
            inner
            for inner in (*found.args, getattr(found, "reason", None), found.__cause__, found.__context__)
            if isinstance(inner, BaseException)
        ]


def _detail(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.strerror:
            return f" ({cause.strerror})"
    return f" ({type(error).__name__})"
