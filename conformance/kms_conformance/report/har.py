"""HAR 1.2, the HTTP Archive (http://www.softwareishard.com/blog/har-12-spec/): exchanges for browsers and proxies.

Secrets are marks such as `[redacted:TOKEN]`, as in all reports. Names that begin with an underscore are fields of this
suite; the format allows them.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from kms_conformance import __version__
from kms_conformance.wire.messages import values_of

if TYPE_CHECKING:
    from kms_conformance.report.recorded_exchanges import TargetExchanges
    from kms_conformance.wire.exchange_log import Body, ExchangeRecord
    from kms_conformance.wire.messages import Headers

_HTTP = "HTTP/1.1"
_UNKNOWN = -1
_SECRETS = "Secrets are replaced by [redacted:NAME], and plaintexts by placeholders."
_PART = "Only the exchanges that the results name are here: this run has no recording."


def document(found: Sequence[TargetExchanges]) -> dict[str, Any]:
    """The archive as JSON values: a page for each target, an entry for each exchange."""
    comment = _SECRETS if all(each.whole for each in found) else f"{_SECRETS} {_PART}"
    return {
        "log": {
            "version": "1.2",
            "creator": {"name": "kms-conformance", "version": __version__},
            "pages": [
                {"startedDateTime": each.started, "id": each.name, "title": each.name, "pageTimings": {}}
                for each in found
            ],
            "entries": [_entry(each.name, record) for each in found for record in each.records],
            "comment": comment,
        }
    }


def _entry(page: str, record: ExchangeRecord) -> dict[str, Any]:
    milliseconds = 0.0 if record.seconds is None else round(record.seconds * 1000, 3)
    entry: dict[str, Any] = {
        "pageref": page,
        "startedDateTime": record.started,
        "time": milliseconds,
        "request": _request(record),
        "response": _response(record),
        "cache": {},
        # Only the whole time is measured.
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }
    if record.number:
        entry["_number"] = record.number
    if record.operation:
        entry["_operation"] = entry["comment"] = record.operation
    return entry


def _request(record: ExchangeRecord) -> dict[str, Any]:
    body = record.request_body
    request = {
        "method": record.method,
        "url": record.url,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": list(_pairs(record.request_headers)),
        "queryString": list(_pairs(parse_qsl(urlsplit(record.url).query, keep_blank_values=True))),
        "headersSize": _UNKNOWN,
        "bodySize": _size(body),
    }
    if body.text:
        request["postData"] = {"mimeType": _media_type(record.request_headers), "text": body.text, **_note(body)}
    return request


def _response(record: ExchangeRecord) -> dict[str, Any]:
    if record.status is None:
        # Browsers write a missing reply in this form too.
        return _reply(0, "", (), {"size": 0, "mimeType": ""}) | {"_error": f"{record.failure}: {record.failure_text}"}
    body = record.reply_body
    content: dict[str, Any] = {"size": 0, "mimeType": _media_type(record.reply_headers)}
    if body is not None and body.text:
        content["size"] = len(body.text.encode(body.encoding, "replace"))
        if body.encoding == "utf-8":
            content["text"] = body.text
        else:
            content |= {"text": base64.b64encode(body.text.encode(body.encoding)).decode(), "encoding": "base64"}
        content |= {name: text for name, text in _note(body).items() if body.cut}
    return _reply(record.status, record.reason or "", record.reply_headers, content)


def _reply(status: int, reason: str, headers: Headers, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": status,
        "statusText": reason,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": list(_pairs(headers)),
        "content": content,
        "redirectURL": next(iter(values_of(headers, "Location")), ""),
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _pairs(pairs: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    return ({"name": name, "value": value} for name, value in pairs)


def _media_type(headers: Headers) -> str:
    return next(iter(values_of(headers, "Content-Type")), "")


def _size(body: Body) -> int:
    """The length of a body in bytes; unknown if it is cut, or if a mark replaces a secret."""
    return _UNKNOWN if body.cut or "[redacted:" in body.text else len(body.text.encode(body.encoding, "replace"))


def _note(body: Body) -> dict[str, str]:
    notes = ["One character is one byte."] if body.encoding != "utf-8" else []
    notes += ["The body was longer."] if body.cut else []
    return {"comment": " ".join(notes)} if notes else {}
