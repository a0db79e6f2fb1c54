"""The second blind set: forms of replies, and lists."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kms_conformance.apps.selftest.blind.memory import in_state_of, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    field,
    header,
    on,
    on_all,
    on_errors,
    on_refusal,
    saying,
    status,
    where,
    without,
)
from kms_conformance.emulator import Inbound, Outbound

_reply = rows_of("replies")
_error = rows_of("errors")
_list = rows_of("lists")
_ID = "00000000-0000-4000-8000-000000000000"


def _full_last_page(inbound: Inbound, outbound: Outbound) -> Outbound:
    """Drop the last key of a last page that is full."""
    if inbound.operation != "list" or outbound.refusal is not None:
        return outbound
    value: dict[str, Any] = dict(outbound.value)
    match value:
        case {"keys": [*ids], "key_details": [*rows], "truncated": "false"}:
            if str(inbound.parameters.get("limit")) == str(len(ids)):
                value |= {"keys": ids[:-1], "key_details": rows[:-1]}
        case {"Keys": {"Key": [*rows]}, "PageNumber": int(number), "PageSize": int(size), "TotalCount": int(total)}:
            if number * size == total and len(rows) == size:
                value |= {"Keys": {"Key": rows[:-1]}}
        case {"Keys": [*rows], "Truncated": False}:
            if inbound.parameters.get("Limit") == len(rows):
                value |= {"Keys": rows[:-1]}
    return outbound if value == outbound.value else outbound.with_value(value)


def _type_in_header(_: Inbound, outbound: Outbound) -> Outbound:
    if outbound.refusal is None:
        return outbound
    kind = str(outbound.value["__type"])
    return outbound.with_value({"message": outbound.value["message"]}).with_header("x-amzn-ErrorType", kind)


def _alias_repeated(inbound: Inbound, outbound: Outbound) -> Outbound:
    name = str(inbound.parameters.get("KeyId", ""))
    if inbound.operation != "encrypt" or outbound.refusal is not None or not name.startswith("alias/"):
        return outbound
    return outbound.with_value({**outbound.value, "KeyId": name})


def _described_by_arn(inbound: Inbound, outbound: Outbound) -> bool:
    name = str(inbound.parameters.get("KeyId", ""))
    return inbound.operation == "describe" and outbound.refusal is None and name.startswith(("arn:", "acs:"))


def _is_xml(_: Inbound, outbound: Outbound) -> bool:
    return outbound.body.startswith(b"<")


def _iso(millis: str) -> str:
    return f"{datetime.fromtimestamp(int(millis) / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}" if millis else ""


def _flat(value: Any) -> Any:  # noqa: ANN401 - JSON
    error = value.get("error")
    known = isinstance(error, dict) and str(error.get("error_code", "")).startswith("KMS.")
    return {**error, "request_id": _ID} if known else value


def _unescaped(text: bytes) -> bytes:
    return text.replace(b"&lt;", b"<").replace(b"&gt;", b">").replace(b"&amp;", b"&")


def _enabled_if_disabled(value: Any) -> Any:  # noqa: ANN401 - JSON
    meta = value["KeyMetadata"]
    return {"KeyMetadata": {**meta, "Enabled": meta["Enabled"] or meta["KeyState"] == "Disabled"}}


REPLIES = (
    _reply(
        "state-as-number",
        "major",
        "The description of a key has its state as a number.",
        "describe.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.key_state", int)),),
    ),
    _reply(
        "date-as-iso",
        "major",
        "The description of a key has its deletion date in ISO 8601.",
        "describe.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.scheduled_deletion_date", _iso)),),
    ),
    _reply(
        "cancel-of-disabled-says-enabled",
        "minor",
        "The reply to the cancellation of a key that was disabled before says that it is enabled.",
        "cancel.reply-agrees",
        of=(HUAWEI,),
        does=(
            shown_as({"cancel"}, lambda m, key, _now: in_state_of(key, enabled=True) if m.was_disabled(key) else key),
        ),
    ),
    _reply(
        "date-without-zone",
        "minor",
        "The description of a key has its deletion date without the `Z`.",
        "describe.reply",
        of=(ALIBABA,),
        says=(on("describe", field("KeyMetadata.DeleteDate", lambda date: date.removesuffix("Z"))),),
    ),
    _reply(
        "date-missing-by-arn",
        "major",
        "The description of a pending key by its ARN lacks the deletion date.",
        "describe.date-agrees",
        "describe.arn-agrees",
        "describe.reply",
        of=(ALIBABA, AWS),
        says=(where(_described_by_arn, without("KeyMetadata.DeleteDate"), without("KeyMetadata.DeletionDate")),),
    ),
    _reply(
        "xml-not-escaped",
        "minor",
        "An ampersand or an angle bracket in a description is not escaped in XML.",
        "reply.encoding",
        of=(ALIBABA,),
        says=(where(_is_xml, body(_unescaped)),),
    ),
    _reply(
        "xml-declared-as-json",
        "minor",
        "A reply in XML is declared as JSON.",
        "reply.content-type",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(where(_is_xml, header("Content-Type", "application/json;charset=utf-8")),),
    ),
    _reply(
        "empty-reply-is-null",
        "minor",
        "A reply that should be empty is `null`.",
        "enable.reply",
        "disable.reply",
        of=(AWS,),
        says=(where(lambda _, reply: reply.refusal is None and not reply.body, body(lambda _: b"null")),),
    ),
    _reply(
        "enabled-as-text",
        "major",
        "`Enabled` is a text.",
        "describe.reply",
        of=(AWS,),
        says=(on("describe", field("KeyMetadata.Enabled", lambda flag: str(flag).lower())),),
    ),
    _reply(
        "disabled-is-enabled",
        "major",
        "`Enabled` is true for a disabled key.",
        "describe.enabled-agrees",
        of=(AWS,),
        says=(on("describe", saying(_enabled_if_disabled)),),
    ),
    _reply(
        "encrypt-repeats-alias",
        "minor",
        "The reply to an encryption by alias has the alias as its key id.",
        "encrypt.reply",
        of=(AWS,),
        says=(_alias_repeated,),
    ),
    _reply(
        "latin-1",
        "minor",
        "Replies are in Latin-1.",
        "reply.encoding",
        says=(on_all(body(lambda text: text.decode().encode("latin-1", "replace"))),),
    ),
)

ERRORS = (
    _error(
        "refusals-share-request-id",
        "minor",
        "All refusals have the same request id.",
        "reply.request-id",
        of=(ALIBABA,),
        says=(on_errors(field("RequestId", lambda _: _ID), header("x-acs-request-id", _ID)),),
    ),
    _error(
        "not-pending-in-200",
        "major",
        "The refusal to cancel on a key that is not pending comes with status 200.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        "cancel.not-pending.cancelled",
        says=(on_refusal("not_pending", status(200)),),
    ),
    _error(
        "unknown-described-as-nothing",
        "major",
        "The description of an unknown key is an empty object, with status 200.",
        "unknown-key.describe",
        says=(on_refusal("unknown_key", status(200), saying(lambda _: {}), operations="describe"),),
    ),
    _error(
        "error-flat",
        "major",
        "Errors of the service itself are flat, without the object `error`.",
        "error.shape",
        of=(HUAWEI,),
        says=(on_errors(saying(_flat)),),
    ),
    _error(
        "code-without-prefix",
        "major",
        "Error codes lack `KMS.` at their beginning.",
        "error.shape",
        "unknown-key.cancel",
        "cancel.not-pending.enabled",
        of=(HUAWEI,),
        says=(on_errors(field("error.error_code", lambda code: str(code).removeprefix("KMS."))),),
    ),
    _error(
        "status-in-body-is-200",
        "minor",
        "The field `HttpStatus` of an error is always 200.",
        "error.shape",
        of=(ALIBABA,),
        says=(on_errors(field("HttpStatus", lambda _: 200)),),
    ),
    _error(
        "type-in-header-only",
        "major",
        "An error has its type in a header, not in its body.",
        "error.shape",
        of=(AWS,),
        says=(_type_in_header,),
    ),
    _error(
        "unknown-alias-404",
        "minor",
        "NotFoundException for an alias comes with status 404.",
        "reply.status",
        of=(AWS,),
        says=(on_refusal("unknown_alias", status(404)),),
    ),
)

LISTS = (
    _list(
        "full-last-page-cut",
        "major",
        "The last page of a list lacks its last key if it is full.",
        "list.complete",
        says=(_full_last_page,),
    ),
    _list(
        "truncated-is-no-text",
        "minor",
        "`truncated` is true or false, not a text.",
        "list.reply",
        of=(HUAWEI,),
        says=(on("list", field("truncated", lambda text: text == "true")),),
    ),
    _list(
        "alias-names-without-prefix",
        "major",
        "Aliases are listed without `alias/`.",
        "list-aliases.reply",
        of=(AWS,),
        says=(on("list_aliases", field("Aliases.AliasName", lambda name: name.removeprefix("alias/"))),),
    ),
    _list(
        "aliases-without-target",
        "major",
        "Listed aliases lack the id of their key.",
        "list-aliases.reply",
        of=(AWS,),
        says=(on("list_aliases", without("Aliases.TargetKeyId")),),
    ),
)
