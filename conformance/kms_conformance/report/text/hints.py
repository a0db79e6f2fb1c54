"""Where to look next: for each kind of failure, the part of an endpoint that usually explains it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.report.text.exchange import ExchangeView

# The longest prefix of the requirement's id decides.
_BY_PREFIX = {
    "auth": "Where the endpoint checks credentials: such a request must end there, before anything is done.",
    "cancel": "Where cancelling looks at the key's state, and which state it writes.",
    "create": "Where keys are created: which state a new key has, and what the reply says of it.",
    "disable": "Where disabling looks at the key's state, and which state it writes.",
    "enable": "Where enabling looks at the key's state, and which state it writes.",
    "error": "Where errors become replies: status, body and media type, in one place for all operations.",
    "expiry": "What deletes keys at their date, and how a key is looked up whose date has come.",
    "isolation": "What was written beyond the key that the request names.",
    "lifecycle": "Where each operation looks at the key's state, and which state it writes.",
    "malformed-key": "Where the key's id is checked and looked up: that comes first, and changes nothing.",
    "pending": "Where the operation looks at the key's state: a key that waits for its deletion is not to be used.",
    "protection": "Where scheduling looks at the key's deletion protection, before it writes anything.",
    "protocol": "What stands before the operations: routes, methods, and what reads bodies and parameters.",
    "refused": "The order of things: everything that can refuse comes before anything that writes.",
    "reply": "Where replies are written: one place often serves every operation, so one change may mend many failures.",
    "schedule": "Where scheduling looks at the key's state, and which state and date it writes.",
    "schedule.window": "Where the waiting period is read: is it there, is it a whole number, is it within both bounds?",
    "state": "Where the operation looks at the key's state before it uses the key.",
    "unknown-key": "Where the key is looked up: an id that names none ends there.",
}
_DEFAULT = "The part of the endpoint that serves this request, beside the source above."
_NO_REPLY = {
    "refused": "Is the endpoint still running? What does its log say at this time?",
    "timeout": "What did the endpoint wait for at this time?",
    "stale": "Did the endpoint, or a proxy before it, close a connection that it had said it would keep?",
    "reset": "Did the endpoint's process end, or drop the connection, at this time?",
    "truncated": "Does Content-Length, or the last chunk, agree with what was sent?",
    "too_large": "Why is the reply that large?",
    "bad_http": "What wrote these bytes: the endpoint, or a proxy before it?",
    "tls": "The certificate and the TLS versions of the endpoint.",
}


def look_next(requirement: str, exchanges: tuple[ExchangeView, ...]) -> str:
    """One or two sentences for whoever has to mend the endpoint."""
    last = exchanges[-1] if exchanges else None
    return " ".join(part for part in (_place(requirement, last), _log(exchanges)) if part)


def _place(requirement: str, last: ExchangeView | None) -> str:
    if last is not None and last.reply is None:
        return _NO_REPLY.get(last.failure.partition(":")[0], _DEFAULT)
    if last is not None and last.status is not None and last.status >= 500:
        return "The endpoint failed inside: its log has the error."
    parts = requirement.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_BY_PREFIX[prefix] for prefix in prefixes if prefix in _BY_PREFIX), _DEFAULT)


def _log(exchanges: tuple[ExchangeView, ...]) -> str:
    """How to find the first of the exchanges, which is what the check did, in the log of the endpoint."""
    if not exchanges:
        return ""
    first = exchanges[0]
    request = f"request {first.request_id}, " if first.request_id else ""
    return f"In its log: {request}{first.started}."
