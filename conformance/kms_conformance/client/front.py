"""Recognises replies that were given in front of the service: by a redirect, a firewall, a gateway or a balancer.

Such a reply says nothing about the service, so no requirement is judged by it. The recognition is narrow: a reply with
an error of the dialect is the service's own, and so is an HTML page with a status that is not listed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from kms_conformance.client.judge import Inconclusive
from kms_conformance.wire.messages import origin

if TYPE_CHECKING:
    from kms_conformance.client.answer import Answer
    from kms_conformance.dialects.base import ErrorView
    from kms_conformance.wire.messages import Reply

Kind = Literal["redirect", "firewall", "size", "gateway", "unavailable"]

#: Statuses of a service that is temporarily unavailable, or of the proxy before it.
UNAVAILABLE = frozenset({502, 503, 504})
#: Statuses by which servers and proxies refuse a request for its size, before the service sees it. No document of a
#: service lists these statuses. 494 is nginx's own number, which the gateway of Huawei Cloud documents.
SIZE_STATUSES = frozenset({413, 414, 431, 494})
_THROTTLED = 429
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Firewalls answer with an HTML page and one of these statuses: 403 most of them, 406 ModSecurity, 418 the one that was
# recorded in front of Open Telekom Cloud. Pages with 400, 404, 405 or 500 may be the service's own.
_FIREWALL_STATUSES = frozenset({403, 406, 418})
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
# Servers of HTTPS answer plain HTTP in these words: nginx, Go, Apache.
_PLAIN_TO_TLS = (
    b"plain HTTP request was sent to HTTPS port",
    b"Client sent an HTTP request to an HTTPS server",
    b"speaking plain HTTP to an SSL-enabled server port",
)
# Refusals of requests that are wrong in their form, whatever the state of the key. A firewall or a gateway may refuse
# these requests in place of the service. All others are requests as every client writes them.
_OF_FORM = frozenset(
    {
        "bad_sequence",
        "empty_body",
        "invalid_json",
        "malformed_key",
        "missing_action",
        "missing_key",
        "unknown_action",
        "unknown_field",
        "unknown_path",
        "unknown_version",
        "window_empty",
        "window_huge",
        "window_malformed",
        "window_missing",
        "window_other_type",
        "wrong_method",
    }
)


@dataclass(frozen=True)
class Front:
    """What answered in front of the service.

    - text: one sentence about the reply, without the final full stop.
    - next_step: what the user can do, in one or two sentences.
    """

    kind: Kind
    text: str
    next_step: str


class NotReached(Inconclusive):
    """A request that the service must answer was answered in front of it; `answer` is that reply."""

    def __init__(self, answer: Answer) -> None:
        front = answer.front
        assert front is not None
        super().__init__(f"The service was not reached: {front.text}.", front.next_step)
        self.answer = answer


def front_of(reply: Reply, error: ErrorView | None, value: object, url: str, *, served: bool) -> Front | None:
    """What gave the reply in front of the service; None if the service may have given it.

    - error: the error of the dialect in the body; None if there is none.
    - value: the decoded body; None if the body is no document of the dialect.
    - url: the URL of the request.
    - served: whether a request to this path was accepted before. No gateway says of this path that it has no API.
    """
    status, flat = reply.status, _is_flat(value)
    if status < 300:
        return None
    if status in _REDIRECTS:
        # A redirect with a document of the dialect as its body is a wrong status of the service.
        location = reply.header("Location")
        return None if value or location is None else _redirect(status, location, url)
    if status == 400 and any(words in reply.body for words in _PLAIN_TO_TLS):
        return Front(
            "gateway",
            "the port speaks TLS, and the request was sent in plain HTTP",
            "Write https:// in place of http:// in `base_url`.",
        )
    if error is not None and not error.of_gateway and not flat:
        return None
    if status in UNAVAILABLE or status == _THROTTLED:
        return Front("unavailable", f"a proxy or gateway answered {status}", "Run again later.")
    if status in SIZE_STATUSES:
        return Front(
            "size",
            f"a proxy or gateway refused the request for its size ({status})",
            "Raise its limits on headers, URLs and bodies, or give an address behind it in `base_url`.",
        )
    if error is not None and not flat:
        return None
    return _refusal(reply, flat=flat, no_path=flat and "request_id" in _names(value) and not served)


def stands_for(answer: Answer, refusal: str) -> bool:
    """Whether a firewall or gateway refused a request that must be refused for its form. Such a request has no effect.

    `refusal` is the name of the expected refusal in the profile. Raises `NotReached` if the reply was given in front of
    the service and the expected refusal depends on the state of keys, which only the service knows.
    """
    front = answer.front
    if front is None:
        return False
    if refusal not in _OF_FORM or front.kind not in {"firewall", "size", "gateway"}:
        raise NotReached(answer)
    return True


def _refusal(reply: Reply, *, flat: bool, no_path: bool) -> Front | None:
    """What refused the request in front of the service.

    - flat: whether the body is the flat form of gateways.
    - no_path: whether a 404 is a gateway's, which has no API at the path: such a 404 has a request id in its body.
    """
    status = reply.status
    if status in _FIREWALL_STATUSES and _HTML.match(reply.body):
        return Front(
            "firewall",
            f"a web application firewall refused the request ({status}, an HTML page)",
            "Allow-list this machine or the API's path in the firewall, or give an address behind it in `base_url`.",
        )
    if status == 403 and flat:
        return Front(
            "gateway",
            "a gateway refused the request (403, without an error code of the service)",
            "Permit this caller at the gateway, or give an address behind it in `base_url`.",
        )
    if status == 404 and no_path:
        return Front(
            "gateway",
            "a gateway has no API at this path (404, without an error code of the service)",
            "Check the host and the path in `base_url`: the region may not have this API.",
        )
    return None


def _redirect(status: int, location: str, url: str) -> Front:
    try:
        there = urlsplit(urljoin(url, location))
        here, new = origin(url), origin(there.geturl())
    except ValueError:
        return Front(
            "redirect",
            f"it answered with a redirect ({status}) to an address that is no URL",
            "Write the address of the API itself in `base_url`.",
        )
    # The query is left out, because it may hold a signature or a token.
    shown = f"{new}{there.path}"
    asked = urlsplit(url)
    if new != here and (there.hostname, there.path.rstrip("/")) == (asked.hostname, asked.path.rstrip("/")):
        step = f"Write {_short(new)} in place of {_short(here)} in `base_url`."
    elif new != here:
        step = (
            f"If {_short(new)} is the address of the API, write it in `base_url`; if it is a page to sign in, use an"
            " address without it. The suite follows no redirects, because they would carry credentials elsewhere."
        )
    else:
        step = "Write the path that the redirect names in `base_url`, or the address of the API itself."
    return Front("redirect", f"it redirects to {_short(shown)} ({status})", step)


def _short(address: str) -> str:
    """The address without the default port of its scheme."""
    for scheme, port in (("https://", ":443"), ("http://", ":80")):
        head, found, tail = address.partition(port)
        if address.startswith(scheme) and found and (not tail or tail.startswith("/")):
            return head + tail
    return address


def _is_flat(value: object) -> bool:
    """Whether a body has the flat form of gateways: a message, perhaps with a request id, and nothing else.

    Open Telekom Cloud's gateway was recorded with both fields; Amazon's API Gateway documents the message alone.
    """
    names = _names(value)
    return "message" in names and names <= {"message", "request_id"}


def _names(value: object) -> set[object]:
    return set(value) if isinstance(value, Mapping) else set()
