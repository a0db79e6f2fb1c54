"""Variants in the writing of replies: fields, order, messages, media types and connections."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI, Variant
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on_all, on_errors, saying, where
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Inbound, Outbound


def _with_more(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Add an undocumented field to every object."""
    if isinstance(value, list):
        return [_with_more(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {"x_added": "1", **{name: _with_more(item) for name, item in value.items()}}


def _reversed(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Reverse the order of the fields of every object."""
    if isinstance(value, list):
        return [_reversed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _reversed(item) for name, item in reversed(value.items())}


def _is_xml(_: Inbound, outbound: Outbound) -> bool:
    return any(name == "Content-Type" and "xml" in value for name, value in outbound.headers)


def _empty_date(reply: Outbound) -> Outbound:
    value = reply.value
    if "KeyMetadata" not in value or "DeleteDate" in value["KeyMetadata"]:
        return reply
    return reply.with_value({**value, "KeyMetadata": {**value["KeyMetadata"], "DeleteDate": ""}})


def _a_minute_ago() -> str:
    return format_datetime(REAL.now() - timedelta(minutes=1), usegmt=True)


WRITING: tuple[Variant, ...] = (
    Variant("more-fields", "Every object has an undocumented field.", filters=(on_all(saying(_with_more)),)),
    Variant("other-order", "Fields have the opposite order.", filters=(on_all(saying(_reversed)),)),
    Variant(
        "spaces-and-lines",
        "JSON is spread over several lines.",
        filters=(
            where(
                lambda i, o: bool(o.body) and not _is_xml(i, o),
                body(lambda data: data.replace(b'", "', b'",\n\t "') + b"\n"),
            ),
        ),
    ),
    Variant(
        "other-messages",
        "Error messages are in another language.",
        filters=(
            on_errors(field("error.error_msg", lambda _: "参数错误"), field("Message", lambda _: "参数错误")),
            on_errors(field("error_msg", lambda _: "参数错误"), field("message", lambda _: "参数错误")),
        ),
    ),
    Variant("chunked", "Bodies are sent in chunks.", filters=(on_all(lambda reply: replace(reply, chunked=True)),)),
    Variant(
        "closing", "Each reply closes its connection.", filters=(on_all(lambda reply: replace(reply, close=True)),)
    ),
    Variant(
        "closing-untold",
        "Each connection is closed after its reply, without a Connection header.",
        filters=(on_all(lambda reply: replace(reply, close_unannounced=True)),),
    ),
    Variant(
        "slow",
        "Each reply takes 30 ms.",
        filters=(on_all(lambda reply: replace(reply, delay_seconds=0.03)),),
        families=("cancel", "window"),
        alone=True,
    ),
    Variant(
        "declared-with-charset",
        "The media type has a charset and is written in capitals.",
        dialects=(HUAWEI,),
        filters=(on_all(header("Content-Type", "Application/JSON; Charset=UTF-8")),),
    ),
    Variant(
        "declared-as-text-xml",
        "XML is declared as text/xml.",
        dialects=(ALIBABA,),
        filters=(where(_is_xml, header("Content-Type", "text/xml;charset=utf-8")),),
    ),
    Variant(
        "no-request-ids", "Replies have no request id.", (HUAWEI,), filters=(on_all(header("X-Request-Id", None)),)
    ),
    Variant(
        "gateway-fields",
        "Errors have the fields of the gateway, and no HttpStatus.",
        dialects=(ALIBABA,),
        filters=(
            on_errors(
                saying(
                    lambda value: {
                        **{name: item for name, item in value.items() if name != "HttpStatus"},
                        "HostId": "kms.example.com",
                        "Recommend": "https://example.com/",
                    }
                )
            ),
        ),
    ),
    Variant(
        "date-header-off",
        "The Date header is a minute behind.",
        filters=(on_all(header("Date", _a_minute_ago())),),
    ),
    Variant(
        "empty-delete-date", "A key that is not pending has an empty date.", (ALIBABA,), filters=(on_all(_empty_date),)
    ),
)
