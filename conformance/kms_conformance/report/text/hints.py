"""Hints for the developer of an endpoint: for each kind of failure, the part of the endpoint that usually causes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.report.text.exchange import ExchangeView

# By prefix of a requirement's id, the hint. If several prefixes match, the longest one counts.
_BY_PREFIX = {
    "auth": (
        "Check where credentials are verified: refuse this request there, before any change. For an endpoint that lets"
        " in whoever asks on purpose, see the profiles of the dialect: docs/certify-your-emulator.md#the-profiles."
    ),
    "cancel": "Check how the cancel operation reads the key's state, and which state it writes.",
    "create": "Check the create operation: the state of a new key, and the fields of the reply.",
    "decrypt": "Check what a ciphertext keeps, its key and its context, and that decrypt compares both.",
    "disable": "Check how the disable operation reads the key's state, and which state it writes.",
    "enable": "Check how the enable operation reads the key's state, and which state it writes.",
    **dict.fromkeys(
        ("enabled.every-form", "disabled.every-form", "pending.every-form"),
        "Check that every form of a request is parsed before the same code serves it.",
    ),
    **dict.fromkeys(
        ("enabled.every-name", "disabled.every-name", "pending.every-name"),
        "Check the look-up of the key: every name that the page lists leads to the same key.",
    ),
    **dict.fromkeys(
        ("cancel.key-id", "schedule.key-id"),
        "Check the validation of the key id: refuse this request before the key is looked up.",
    ),
    "error": "Check how errors become replies: status, body and media type.",
    "expiry": "Check the job that deletes keys at their date, and the look-up of keys whose date has passed.",
    "isolation": "Check for writes to keys other than the one in the request.",
    "describe": "Check which fields a description has in each state, and that they agree.",
    "list": "Check what a list reads: every key of the account once, in its present state, by the filters sent.",
    "lifecycle": "Check how each operation reads the key's state, and which state it writes.",
    "malformed-key": "Check the validation and look-up of the key id: refuse this id there, before any change.",
    "pending": "Check how the operation reads the key's state: refuse keys that are pending deletion.",
    "protection": "Check that the schedule operation reads the deletion protection before any change.",
    "protocol": "Check the code before the operations: routes, methods, and parsing of bodies and parameters.",
    "refused": "Check the order of steps: all validation must come before the first change.",
    "reply": "Check where replies are written; one change there may repair several failures.",
    "schedule": "Check how the schedule operation reads the key's state, and which state and date it writes.",
    "schedule.window": "Check how the waiting period is parsed: present, a whole number, within both bounds.",
    "state": "Check that the operation reads the key's state before it uses the key.",
    "unknown-key": "Check the look-up of the key: refuse an unknown id there, before any change.",
}
_DEFAULT = "Check the code that serves this request against the source above."
_NOT_IMPLEMENTED = (
    "No document has the status 501. Serve the operation, or refuse it as an unknown one (see protocol.unknown-action"
    " or protocol.unknown-path) and name it in `lacks` of a profile of your own (docs/certify-your-emulator.md)."
)
_NO_REPLY = {
    "refused": "Check that the endpoint is running, and read its log at this time.",
    "timeout": "Check why the endpoint did not reply in time.",
    "stale": "Check whether the endpoint, or a proxy before it, closed a connection that it had kept alive.",
    "reset": (
        "Check whether the endpoint's process ended at this time, or an exception that nothing catches closed the"
        " connection: answer what cannot be served with an error of the dialect."
    ),
    "truncated": "Check that Content-Length, or the last chunk, matches the bytes sent.",
    "too_large": "Check why the reply is so large.",
    "bad_http": "Check which program wrote these bytes: the endpoint, or a proxy before it.",
    "tls": "Check the certificate and the TLS versions of the endpoint.",
}

# The HTTP status of a server that does not implement a request.
_STATUS_NOT_IMPLEMENTED = 501


def look_next(requirement: str, exchanges: tuple[ExchangeView, ...]) -> str:
    """The next step for the developer of the endpoint, in one or two sentences."""
    return " ".join(part for part in (place(requirement, exchanges), _log(exchanges)) if part)


def place(requirement: str, exchanges: tuple[ExchangeView, ...]) -> str:
    """The part of the endpoint that usually causes the failure, and what to check there."""
    last = exchanges[-1] if exchanges else None
    if last is not None and last.reply is None:
        # A connection that was closed before the request came says nothing about the request: others tell more.
        kinds = [each.failure.partition(":")[0] for each in exchanges if each.reply is None]
        return _NO_REPLY.get(next((kind for kind in kinds if kind != "stale"), "stale"), _DEFAULT)
    if last is not None and last.status == _STATUS_NOT_IMPLEMENTED and not requirement.startswith("protocol."):
        return _NOT_IMPLEMENTED
    if last is not None and last.status not in (None, _STATUS_NOT_IMPLEMENTED) and last.status >= 500:
        return "Read the endpoint's log: the endpoint had an internal error."
    parts = requirement.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((_BY_PREFIX[prefix] for prefix in prefixes if prefix in _BY_PREFIX), _DEFAULT)


def _log(exchanges: tuple[ExchangeView, ...]) -> str:
    """A sentence by which the first exchange is found in the endpoint's log: request id, `traceparent` and time."""
    if not exchanges:
        return ""
    first = exchanges[0]
    request = f"request {first.request_id}, " if first.request_id else ""
    trace = f"traceparent {first.trace}, " if first.trace else ""
    return f"In the log: {request}{trace}{first.started}."
