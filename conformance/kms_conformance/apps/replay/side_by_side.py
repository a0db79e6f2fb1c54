"""Rows of a table that compares two exchanges: request, status, and each field of the replies."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kms_conformance.core.text import one_line
from kms_conformance.report.text.exchange import trace_of
from kms_conformance.verdict.results import steady

Mark = Literal["", "≠", "~"]
_MOST_FIELDS = 24
_MOST_TEXT = 240
_NOTHING = "-"


@dataclass(frozen=True)
class ReplayRow:
    """Row of the table. `mark`: `≠` if the two values differ, `~` if they differ only in ids or dates, else ""."""

    name: str
    then: str
    now: str
    mark: Mark = ""


def rows(then: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterator[ReplayRow]:
    """The rows that compare an exchange of the run with one of the replay; each field of a JSON reply has its row."""
    yield ReplayRow("sent at", _moment(then), _moment(now))
    if trace_of(then["request_headers"]) or (now is not None and trace_of(now["request_headers"])):
        yield ReplayRow("traceparent", _trace(then), _trace(now))
    yield ReplayRow("request", _request(then), _request(now))
    yield ReplayRow("with", _short(then["request_body"]["text"]), _short(_text(now, "request_body")))
    sent = now is not None
    yield _compared("status", _status(then), _status(now), sent=sent)
    before, after = _fields(_text(then, "reply_body")), _fields(_text(now, "reply_body"))
    names = list(dict.fromkeys([*before, *after]))
    for name in names[:_MOST_FIELDS]:
        yield _compared(name, before.get(name, _NOTHING), after.get(name, _NOTHING), sent=sent)
    if len(names) > _MOST_FIELDS:
        yield ReplayRow("…", f"{len(names) - _MOST_FIELDS} more fields", "")


def _compared(name: str, then: str, now: str, *, sent: bool) -> ReplayRow:
    mark: Mark = "" if then == now or not sent else "~" if steady(then) == steady(now) else "≠"
    return ReplayRow(name, then, now, mark)


def _moment(exchange: Mapping[str, Any] | None) -> str:
    return _NOTHING if exchange is None else one_line(exchange["started"][:19].replace("T", " "))


def _trace(exchange: Mapping[str, Any] | None) -> str:
    return _NOTHING if exchange is None else one_line(trace_of(exchange["request_headers"])) or _NOTHING


def _request(exchange: Mapping[str, Any] | None) -> str:
    if exchange is None:
        return "not sent"
    return _short(f"{exchange['method']} {exchange['operation'] or exchange['url']}")


def _status(exchange: Mapping[str, Any] | None) -> str:
    if exchange is None:
        return _NOTHING
    if exchange["status"] is None:
        return one_line(f"no reply ({exchange['failure']})")
    return one_line(f"{exchange['status']} {exchange['reason'] or ''}")


def _text(exchange: Mapping[str, Any] | None, name: str) -> str:
    body = None if exchange is None else exchange[name]
    return "" if body is None else str(body["text"])


def _fields(text: str) -> dict[str, str]:
    """Every leaf value of a JSON document by its dotted path; any other text as `body`."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {"body": _short(text)} if text else {}
    return dict(_flat(value)) or {"body": _short(text)}


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, (dict, list)) and value:
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, child in items:
            yield from _flat(child, f"{path}.{key}" if path else str(key))
        return
    yield one_line(path) or "body", _short(value if isinstance(value, str) else json.dumps(value))


def _short(text: str) -> str:
    shown = one_line(text)
    return (shown if len(shown) <= _MOST_TEXT else f"{shown[:_MOST_TEXT]} …") or _NOTHING
