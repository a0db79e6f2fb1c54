"""Names what went wrong on the wire, from what the layers below raised; and what cannot go onto a wire at all."""

from __future__ import annotations

import http.client
import re
from typing import TYPE_CHECKING

import requests
import urllib3.exceptions as u3

from kms_conformance.wire.messages import Failure, FailureKind, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Everything that a call can raise for the network's or the endpoint's sake. ValueError: malformed numbers and text in
#: a reply, which the library below does not always wrap.
NETWORK_ERRORS = (requests.RequestException, u3.HTTPError, http.client.HTTPException, OSError, ValueError)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_URL = re.compile(r"[!-~]+")
# Each character is one byte on the wire, and none ends the line or the text.
_FIELD_VALUE = re.compile(r"[\x01-\t\x0b\x0c\x0e-\xff]*")


class HttpError(Exception):
    """A reply that cannot be used, as it was found while reading it."""

    def __init__(self, kind: FailureKind, text: str) -> None:
        super().__init__(kind, text)
        self.failure = Failure(kind, text)


def unsendable(request: Request) -> Failure | None:
    """Why this request cannot be put on a wire as it is; None if it can."""
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
    """The failure that an exception stands for. Its text names classes and system errors, never what was sent."""
    if isinstance(error, HttpError):
        return error.failure
    causes = tuple(_causes(error))
    for kinds, kind, text in _KINDS:
        found = next((cause for cause in causes if isinstance(cause, kinds)), None)
        if found is not None:
            return Failure(kind, text + _detail(found))
    return Failure("bad_http", f"the reply cannot be read ({type(causes[-1]).__name__})")


def closed_before_reply(error: BaseException) -> bool:
    """Whether the connection ended before any byte of a reply."""
    return any(isinstance(cause, http.client.RemoteDisconnected) for cause in _causes(error))


# The first row that fits decides, so what is specific stands first: a reset within a body is a ProtocolError, too.
_KINDS: tuple[tuple[tuple[type[BaseException], ...], FailureKind, str], ...] = (
    ((u3.SSLError, requests.exceptions.SSLError), "tls", "the TLS connection failed"),
    ((u3.NameResolutionError,), "refused", "the host name is not known"),
    ((u3.NewConnectionError,), "refused", "no connection"),  # before its base class, the next
    ((u3.ConnectTimeoutError,), "timeout", "no connection in time"),
    ((u3.ReadTimeoutError, TimeoutError), "timeout", "no whole reply in time"),
    ((http.client.RemoteDisconnected,), "reset", "the connection was closed without a reply"),
    ((u3.IncompleteRead, http.client.IncompleteRead), "truncated", "the body ended early, or its framing is broken"),
    ((ConnectionError,), "reset", "the connection broke"),
    ((u3.InvalidHeader, http.client.HTTPException, ValueError), "bad_http", "the reply is not HTTP"),
    ((OSError,), "reset", "the connection broke"),
)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those that it wraps in any of the ways in which its libraries do."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        found = waiting.pop(0)
        if any(found is known for known in seen):
            continue
        seen.append(found)
        # The libraries' own wrappers are OSErrors, which says nothing of what they wrap.
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
