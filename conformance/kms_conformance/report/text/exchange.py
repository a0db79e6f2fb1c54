"""A recorded exchange as reports show it: selected headers, printable text, bounded bodies, curl line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kms_conformance.core.text import capped, one_line, printable
from kms_conformance.wire.credentials import credential_places
from kms_conformance.wire.curl import curl
from kms_conformance.wire.exchange_log import Body, ExchangeRecord
from kms_conformance.wire.trace_context import PARENT

Headers = tuple[tuple[str, str], ...]

# Request headers that are not shown, because every client sends them.
_HIDDEN = frozenset({"accept-encoding", "connection", "content-length", "host", "user-agent"})
# Reply headers that are shown, because requirements are about them. Request ids have many names, see _REQUEST_ID.
_SHOWN = frozenset(
    {
        "allow",
        "content-encoding",
        "content-length",
        "content-type",
        "location",
        "retry-after",
        "transfer-encoding",
        "www-authenticate",
    }
)
_REQUEST_ID = re.compile(r"request-?id|trace-?id", re.IGNORECASE)
_REQUEST_ID_IN_BODY = re.compile(r"[\"<]RequestId(?:\"\s*:\s*\"|>)([^\"<]{1,100})")
_VARIABLE = re.compile(r"\"\$([A-Z0-9_]+)\"")
# Names of curl variables that stand for signatures. A signature is valid for one request only.
_SIGNATURES = frozenset({"AUTHORIZATION", "SIGNATURE"})
_HEADER_LIMIT = 500
# The first characters of a word that is longer than an ARN of a key.
_LONG_WORD = re.compile(r"([\w+/%-]{40})[\w+/%=-]{60,}")


@dataclass(frozen=True)
class Message:
    """The request or the reply of an exchange: first line, selected headers, number of other headers, and body."""

    line: str
    headers: Headers
    other_headers: int
    body: str
    body_note: str


@dataclass(frozen=True)
class ExchangeView:
    """One exchange as reports show it.

    - `reply`: None if the target sent no reply.
    - `failure`: why there is no reply.
    - `trace`: the value of the request's header `traceparent`; "" if it has none.
    - `curl`: a command line that repeats the request.
    - `needs`: an explanation of the variables in `curl`.
    """

    number: int
    operation: str
    started: str
    milliseconds: float | None
    request: Message
    reply: Message | None
    failure: str
    status: int | None
    request_id: str
    curl: str
    needs: str
    trace: str = ""


def record_of(raw: Mapping[str, Any]) -> ExchangeRecord:
    """The exchange record that a stored exchange was made from."""
    reply = raw["reply_body"]
    return ExchangeRecord(
        **(
            dict(raw)
            | {
                "request_headers": _pairs(raw["request_headers"]),
                "request_body": Body(**raw["request_body"]),
                "reply_headers": _pairs(raw["reply_headers"]),
                "reply_body": None if reply is None else Body(**reply),
            }
        )
    )


def view(raw: Mapping[str, Any], body_limit: int) -> ExchangeView:
    """Build the view of a stored exchange, with at most `body_limit` characters of each body."""
    record = record_of(raw)
    line = _curl(record)
    return ExchangeView(
        number=record.number,
        operation=one_line(record.operation),
        started=one_line(record.started),
        milliseconds=None if record.seconds is None else record.seconds * 1000,
        request=_request(record, body_limit),
        reply=None if record.status is None else _reply(record, body_limit),
        failure=one_line(f"{record.failure}: {record.failure_text}") if record.failure else "",
        status=record.status,
        request_id=_request_id(record),
        trace=one_line(trace_of(record.request_headers)),
        curl=line,
        needs=_needs(line),
    )


def asked(raw: Mapping[str, Any]) -> str:
    """A stored request in one line: method, path and query without the parameters of signatures, and body.

    Long words in it, such as ciphertexts, are cut, because parameters may stand behind them.
    """
    record = record_of(raw)
    split = urlsplit(record.url)
    places = credential_places()
    left_out = {*places.signing_parameters, *places.fresh_parameters}
    kept = [piece for piece in split.query.split("&") if piece and unquote(piece.partition("=")[0]) not in left_out]
    target = f"{split.path}{'?' if kept else ''}{'&'.join(kept)}"
    told = " ".join(filter(None, (record.method, target, record.request_body.text)))
    return one_line(_LONG_WORD.sub(r"\1…", told))


def trace_of(headers: Sequence[Sequence[str]]) -> str:
    """The value of the header `traceparent` among stored headers; "" if it is missing."""
    return next((value for name, value in headers if name.lower() == PARENT), "")


def _curl(record: ExchangeRecord) -> str:
    try:
        return curl(record)
    except UnicodeEncodeError:
        # The request was never sent, because HTTP headers cannot hold characters outside of Latin-1.
        return "# No curl line: HTTP cannot carry this request."


def _request(record: ExchangeRecord, limit: int) -> Message:
    shown = tuple(pair for pair in record.request_headers if pair[0].lower() not in _HIDDEN)
    return _message(f"{record.method} {record.url}", shown, len(record.request_headers), record.request_body, limit)


def _reply(record: ExchangeRecord, limit: int) -> Message:
    shown = tuple(
        (name, value) for name, value in record.reply_headers if name.lower() in _SHOWN or _REQUEST_ID.search(name)
    )
    line = f"{record.status} {record.reason or ''}".strip()
    return _message(line, shown, len(record.reply_headers), record.reply_body or Body(""), limit)


def _message(line: str, shown: Headers, headers: int, body: Body, limit: int) -> Message:
    text, left_out = capped(body.text, limit)
    notes = ["Not UTF-8: one character per byte."] if body.encoding != "utf-8" else []
    if left_out or body.cut:
        rest = f"{left_out:,}{' and more' if body.cut else ''}" if left_out else "more"
        notes.append(f"{rest} characters are not shown." if rest != "1" else "1 character is not shown.")
    if not body.text:
        notes.append("No body.")
    names = tuple((one_line(name), one_line(value[:_HEADER_LIMIT])) for name, value in shown)
    return Message(one_line(line), names, headers - len(shown), printable(text), " ".join(notes))


def _request_id(record: ExchangeRecord) -> str:
    found = next((value for name, value in record.reply_headers if _REQUEST_ID.search(name)), "")
    if not found and record.reply_body is not None:
        match = _REQUEST_ID_IN_BODY.search(record.reply_body.text)
        found = match[1] if match else ""
    return one_line(found[:100])


def _needs(line: str) -> str:
    names = tuple(dict.fromkeys(_VARIABLE.findall(line)))
    secrets = " and ".join(f"${name}" for name in names if name not in _SIGNATURES)
    signature = " and ".join(f"${name}" for name in names if name in _SIGNATURES)
    parts = [
        f"Set {secrets} first: secrets are replaced by variables." if secrets else "",
        f"{signature} is valid for one request and a few minutes: sign the request again." if signature else "",
    ]
    return " ".join(part for part in parts if part)


def _pairs(headers: Sequence[Sequence[str]]) -> Headers:
    return tuple((name, value) for name, value in headers)
