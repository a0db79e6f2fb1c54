"""Blind faults about encodings: letters, bytes, media types, and request ids."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.blind.memory import changing
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, Fault
from kms_conformance.apps.selftest.reply_mutations import body, field, header, on, pending_read, text, where, without
from kms_conformance.emulator import Filter, Outbound

_reply = rows_of("replies")
_encoding = rows_of("encodings")


def _described(change: Callable[[str], str]) -> Any:  # noqa: ANN401 - a mixin
    return changing("update_description", lambda _m, _b, k: replace(k, description=change(k.description)))


def _garbled(value: str) -> str:
    return value.encode().decode("latin-1")


def _request_id(value: str) -> Callable[[Outbound], Outbound]:
    """Set the request id, wherever the reply has it."""

    def changed(reply: Outbound) -> Outbound:
        for name, _ in reply.headers:
            if name.lower() in {"x-request-id", "x-amzn-requestid", "x-acs-request-id"}:
                reply = reply.with_header(name, value)
        return field("RequestId", lambda _: value)(reply)

    return changed


def _nth(number: int, operations: str, *changes: Callable[[Outbound], Outbound]) -> Filter:
    """Change successes of these operations in requests whose number is a multiple of `number`."""
    return where(
        lambda i, o: o.refusal is None and i.operation in operations.split() and i.number % number == 0, *changes
    )


def _repeats_key_state(reply: Outbound) -> Outbound:
    """The state stands twice in the object, first with an old value."""
    raw = reply.body
    for name, old in (("key_state", '"2"'), ("KeyState", '"Enabled"')):
        raw = raw.replace(f'"{name}"'.encode(), f'"{name}": {old}, "{name}"'.encode(), 1)
    return replace(reply, body=raw)


ENCODINGS: tuple[Fault, ...] = (
    # --- request ids --------------------------------------------------------------------------------------------------
    _reply(
        "request-id-sometimes-repeated",
        "minor",
        "Some twenty requests in a hundred share one request id.",
        "reply.request-id",
        says=(
            where(
                lambda i, _: i.number % 5 == 0,
                _request_id("ffffffff-0000-4000-8000-ffffffffffff"),
            ),
        ),
    ),
    _reply(
        "request-id-empty-on-errors",
        "minor",
        "Errors have an empty request id.",
        "reply.request-id",
        "error.shape",
        says=(
            where(
                lambda _, o: o.refusal is not None,
                _request_id(""),
            ),
        ),
    ),
    _reply(
        "request-id-lacks-on-schedule",
        "minor",
        "The reply to schedule lacks its request id.",
        "reply.request-id",
        "schedule.reply.request-id",
        of=(ALIBABA, AWS),
        says=(on("schedule", header("x-amzn-RequestId", None), without("RequestId")),),
    ),
    # --- encodings ----------------------------------------------------------------------------------------------------
    _encoding(
        "descriptions-garbled",
        "minor",
        "Letters beyond ASCII come back as two letters each.",
        "update-description.reply",
        "create.reply",
        does=(_described(_garbled),),
    ),
    _encoding(
        "descriptions-cut",
        "minor",
        "Descriptions are cut to 16 characters.",
        "update-description.reply",
        does=(_described(lambda v: v[:16]),),
    ),
    _encoding(
        "descriptions-trimmed",
        "minor",
        "Descriptions lose surrounding and double spaces.",
        "update-description.reply",
        does=(_described(lambda v: " ".join(v.split())),),
    ),
    _encoding(
        "descriptions-escaped",
        "minor",
        "Descriptions come back escaped as in HTML.",
        "update-description.reply",
        does=(_described(html.escape),),
    ),
    _encoding(
        "descriptions-in-lower-case",
        "minor",
        "Descriptions come back in lower case.",
        "update-description.reply",
        does=(_described(str.lower),),
    ),
    _encoding(
        "created-description-lost",
        "minor",
        "A description that is given with a new key is lost.",
        "create.reply",
        "describe.reply",
        does=(changing("create", lambda _m, _b, k: replace(k, description="")),),
    ),
    _encoding(
        "byte-order-mark-on-lists",
        "minor",
        "Lists begin with a byte order mark.",
        "reply.encoding",
        says=(on("list", body(lambda raw: b"\xef\xbb\xbf" + raw)),),
    ),
    _encoding(
        "state-twice",
        "major",
        "The state of a pending key stands twice in the object, with two values.",
        "reply.encoding",
        says=(where(pending_read, _repeats_key_state),),
    ),
    _encoding(
        "list-cut-at-4096",
        "major",
        "A list is cut after 4096 bytes.",
        "reply.encoding",
        "list.reply",
        says=(on("list", body(lambda raw: raw[:4096])),),
    ),
    _encoding(
        "list-cut-at-600",
        "major",
        "A list is cut after 600 bytes.",
        "reply.encoding",
        "list.reply",
        says=(on("list", body(lambda raw: raw[:600])),),
    ),
    _encoding(
        "cancel-as-plain-text",
        "minor",
        "The reply to cancel is declared as text/plain.",
        "reply.content-type",
        says=(on("cancel", lambda r: header("Content-Type", "text/plain")(r) if r.body else r),),
    ),
    _encoding(
        "html-now-and-then",
        "major",
        "One description in twenty is a page of HTML.",
        "reply.content-type",
        "reply.encoding",
        "describe.reply",
        says=(_nth(20, "describe", text("<html>busy</html>", "text/html")),),
    ),
    _encoding(
        "errors-in-latin",
        "minor",
        "Messages of errors are not in UTF-8.",
        "reply.encoding",
        says=(
            where(
                lambda _, o: o.refusal is not None,
                body(lambda raw: raw.replace(b"The ", "Th\u00e9 ".encode("latin-1"))),
            ),
        ),
    ),
    _encoding(
        "trailing-zero-byte",
        "minor",
        "Replies to encrypt end in a zero byte.",
        "reply.encoding",
        says=(on("encrypt generate_data_key", body(lambda raw: raw + b"\0")),),
    ),
)
