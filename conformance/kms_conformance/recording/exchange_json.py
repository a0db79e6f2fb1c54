"""The JSON form of an exchange, which is one line of `exchanges.jsonl.gz`.

In a playback, the request of a line is compared with that of the suite, and the reply is judged again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.wire.credentials import credential_places
from kms_conformance.wire.messages import Exchange, Failure, Reply, Request

if TYPE_CHECKING:
    from kms_conformance.recording.placeholders import Placeholders
    from kms_conformance.wire.secrets.redactor import Redactor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class NumberedExchange:
    """An exchange, its operation, and its number in reports (None if reports do not count it)."""

    exchange: Exchange
    number: int | None = None
    operation: str = ""


@dataclass(frozen=True)
class ClockReadings:
    """Readings of the clock between two exchanges, as differences in microseconds."""

    now: tuple[int, ...] = ()
    monotonic: tuple[int, ...] = ()


def to_json(
    named: NumberedExchange, readings: ClockReadings, redactor: Redactor, placeholders: Placeholders
) -> dict[str, Any]:
    """The line of an exchange."""
    exchange = placeholders.exchange(named.exchange)
    request = request_json(exchange.request, redactor)
    if exchange.reply is not None:
        redactor.learn_from(exchange.reply)
    return {
        "number": named.number,
        "operation": named.operation,
        "started": exchange.started.isoformat(timespec="microseconds"),
        "now": list(readings.now),
        "monotonic": list(readings.monotonic),
        "request": request,
        "reply": exchange.reply and _reply_json(exchange.reply, redactor),
        "failure": exchange.failure and {"kind": exchange.failure.kind, "text": redactor.text(exchange.failure.text)},
    }


def request_json(request: Request, redactor: Redactor) -> dict[str, Any]:
    """The request without secrets."""
    clean = redactor.request(request)
    return {
        "method": _writable(clean.method),
        "url": _writable(clean.url),
        "headers": [[_writable(name), _writable(value)] for name, value in clean.headers],
        **_body_json(clean.body),
    }


def difference(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """The first part in which two requests in the form of `request_json` differ; empty if they are equal."""
    for part in ("method", "url", "encoding", "body"):
        if recorded[part] != asked[part]:
            return part
    ours, theirs = _compared(asked["headers"]), _compared(recorded["headers"])
    if ours == theirs:
        return ""
    names = sorted({name for name, _ in {*ours} ^ {*theirs}})
    return f"header {names[0]}" if names else "headers"


def has_marks(raw: Mapping[str, Any]) -> bool:
    """Whether a line has the first recording format of version 0.1.0, in which marks replaced plaintexts."""
    return "stand_ins" in (raw["reply"] or {})


def reply_of(raw: Mapping[str, Any], marks: Mapping[str, str]) -> Reply:
    """The reply of a line. The values that the line lists as `stand_ins` replace `marks` in the body, in order."""
    text, stand_ins = raw["body"], iter(raw.get("stand_ins") or ())
    if marks:
        any_mark = "|".join(map(re.escape, sorted(marks, key=len, reverse=True)))
        text = re.sub(any_mark, lambda found: next(stand_ins, found[0]), text)
    return Reply(
        raw["status"],
        raw["reason"],
        tuple((name, value) for name, value in raw["headers"]),
        text.encode(raw["encoding"]),
        raw["seconds"],
    )


def failure_of(raw: Mapping[str, Any]) -> Failure:
    """The failure of a line."""
    return Failure(raw["kind"], raw["text"])


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(since_epoch: int) -> datetime:
    """The time that is so many microseconds after the beginning of 1970."""
    return _EPOCH + since_epoch * _MICROSECOND


def _reply_json(reply: Reply, redactor: Redactor) -> dict[str, Any]:
    clean = redactor.reply(reply)
    return {
        "status": clean.status,
        "reason": clean.reason,
        "headers": [list(pair) for pair in clean.headers],
        **_body_json(clean.body),
        "seconds": clean.seconds,
    }


def _body_json(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode("utf-8"), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"body": body.decode("latin-1"), "encoding": "latin-1"}


def _compared(headers: list[list[str]]) -> list[tuple[str, str]]:
    # Headers with the id of an access key are not compared: the id is hidden if it comes from the target file, and
    # shown if a check made it up.
    left_out = credential_places().key_id_headers
    return [(name, value) for name, value in headers if name.lower() not in left_out]


def _writable(text: str) -> str:
    # Fuzzers may generate halves of surrogate pairs, which cannot be encoded.
    return text.encode("utf-8", "replace").decode("utf-8")
