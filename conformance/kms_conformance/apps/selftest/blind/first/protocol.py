"""Blind faults about the protocol: statuses, XML, media types, internal errors, and requests without a reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import (
    empty,
    field,
    header,
    on,
    on_refusal,
    status,
    where,
)
from kms_conformance.emulator import Filter, Inbound, Outbound

_error = rows_of("errors")
_protocol = rows_of("protocol")


def _code(huawei: str, alibaba: str, aws: str) -> tuple[Callable[[Outbound], Outbound], ...]:
    return (
        field("error.error_code", lambda _: huawei),
        field("Code", lambda _: alibaba),
        field("__type", lambda _: aws),
    )


def _silent(reply: Outbound) -> Outbound:
    return replace(reply, silence="closed")


def _broken(reply: Outbound) -> Outbound:
    """An internal error in the form of the service."""
    changed = _code("KMS.0101", "InternalFailure", "KMSInternalException")
    for change in (status(500), *changed):
        reply = change(reply)
    return reply


def _xml(inbound: Inbound, outbound: Outbound) -> bool:
    return str(inbound.parameters.get("Format", "")).upper() == "XML" and outbound.refusal is None


def _xml_error(inbound: Inbound, outbound: Outbound) -> bool:
    return str(inbound.parameters.get("Format", "")).upper() == "XML" and outbound.refusal is not None


def _replaced(old: bytes, new: bytes) -> Callable[[Outbound], Outbound]:
    return lambda reply: replace(reply, body=reply.body.replace(old, new))


def _if_has(name: str, *changes: Any) -> Filter:  # noqa: ANN401 - rewrites
    """Change successes of requests with a parameter."""
    return where(lambda i, o: name in i.parameters and o.refusal is None, *changes)


PROTOCOL: tuple[Fault, ...] = (
    # --- internal errors, and no reply --------------------------------------------------------------------------------
    _error(
        "huge-window-breaks",
        "major",
        "A window beyond every integer type is answered with an internal error.",
        "reply.no-server-error",
        "schedule.window.huge",
        says=(on_refusal("window_huge", _broken),),
    ),
    _error(
        "text-window-breaks",
        "major",
        "A window that is no number is answered with an internal error.",
        "reply.no-server-error",
        "schedule.window.text",
        says=(on_refusal("window_malformed", _broken),),
    ),
    _error(
        "negative-window-breaks",
        "major",
        "A negative window is answered with an internal error.",
        "reply.no-server-error",
        "schedule.window.negative",
        says=(on_refusal("window_negative", _broken),),
    ),
    _error(
        "second-cancel-breaks",
        "major",
        "Cancelling on a disabled or enabled key is answered with an internal error.",
        "reply.no-server-error",
        "cancel.not-pending.enabled",
        says=(on_refusal("not_pending", _broken),),
    ),
    _error(
        "unknown-cancel-breaks",
        "major",
        "Cancelling on an unknown key is answered with an internal error.",
        "reply.no-server-error",
        "unknown-key.cancel",
        says=(on_refusal("unknown_key", _broken, operations="cancel"),),
    ),
    _error(
        "bad-ciphertext-breaks",
        "major",
        "A ciphertext that is none is answered with an internal error.",
        "reply.no-server-error",
        says=(on_refusal("invalid_parameter invalid_ciphertext", _broken, operations="decrypt"),),
    ),
    _error(
        "bad-limit-breaks",
        "major",
        "A list with a bad limit is answered with an internal error.",
        "reply.no-server-error",
        says=(on_refusal("invalid_parameter invalid_marker", _broken, operations="list"),),
    ),
    _error(
        "bad-create-breaks",
        "major",
        "A bad parameter of create is answered with an internal error.",
        "reply.no-server-error",
        says=(on_refusal("invalid_parameter invalid_alias missing_parameter", _broken, operations="create"),),
    ),
    _error(
        "malformed-body-no-reply",
        "major",
        "A body that is no JSON closes the connection without a reply.",
        "reply.answered",
        "protocol.malformed-json",
        of=(HUAWEI, AWS),
        says=(on_refusal("invalid_json", _silent),),
    ),
    _error(
        "empty-body-no-reply",
        "major",
        "An empty body closes the connection without a reply.",
        "reply.answered",
        "protocol.empty-body",
        of=(HUAWEI, AWS),
        says=(on_refusal("empty_body", _silent),),
    ),
    _error(
        "unknown-action-no-reply",
        "major",
        "An unknown operation closes the connection without a reply.",
        "reply.answered",
        "protocol.unknown-action",
        "protocol.unknown-path",
        says=(on_refusal("unknown_action unknown_path", _silent),),
    ),
    _error(
        "huge-window-no-reply",
        "major",
        "A window beyond every integer type closes the connection without a reply.",
        "reply.answered",
        "schedule.window.huge",
        says=(on_refusal("window_huge", _silent),),
    ),
    # --- protocol -----------------------------------------------------------------------------------------------------
    _protocol(
        "unknown-action-accepted",
        "minor",
        "An operation that does not exist is answered with success.",
        "protocol.unknown-action",
        "protocol.unknown-path",
        says=(
            where(
                lambda i, o: o.refusal in {"unknown_action", "unknown_path"} and i.operation is None,
                status(200),
                lambda r: r.with_value({"RequestId": r.value["RequestId"]} if "RequestId" in r.value else {}),
            ),
        ),
    ),
    _protocol(
        "xml-root-of-other-service",
        "minor",
        "XML replies have a root of another service.",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(where(_xml, _replaced(b"<KMS>", b"<Response>"), _replaced(b"</KMS>", b"</Response>")),),
    ),
    _protocol(
        "xml-declared-as-json",
        "minor",
        "XML replies are declared as JSON.",
        "reply.content-type",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(where(_xml, header("Content-Type", "application/json;charset=utf-8")),),
    ),
    _protocol(
        "xml-errors-nested",
        "minor",
        "In XML, the fields of an error are one level deeper.",
        "protocol.xml-error",
        "error.shape",
        of=(ALIBABA,),
        says=(where(_xml_error, _replaced(b"<Code>", b"<Errors><Code>"), _replaced(b"</Code>", b"</Code></Errors>")),),
    ),
    _protocol(
        "xml-without-request-id",
        "minor",
        "XML replies lack the request id.",
        "schedule.reply.xml",
        "reply.request-id",
        of=(ALIBABA,),
        says=(where(_xml, lambda r: r.with_value({n: v for n, v in r.value.items() if n != "RequestId"})),),
    ),
    _protocol(
        "xml-declared-in-utf-16",
        "minor",
        "XML replies are declared as UTF-16, and are in UTF-8.",
        "reply.encoding",
        "schedule.reply.xml",
        of=(ALIBABA,),
        says=(where(_xml, _replaced(b"encoding='UTF-8'", b"encoding='UTF-16'")),),
    ),
    _protocol(
        "sequence-answered-with-202",
        "minor",
        "A request with a sequence is answered with status 202.",
        "cancel.sequence",
        "cancel.status",
        of=(HUAWEI,),
        says=(_if_has("sequence", status(202)),),
    ),
    _protocol(
        "cancel-accepted-later",
        "minor",
        "A cancellation is answered with 202.",
        "cancel.status",
        "reply.status",
        of=(HUAWEI,),
        says=(on("cancel", status(202)),),
    ),
    _protocol(
        "schedule-no-content",
        "minor",
        "Scheduling is answered with 204 and no body.",
        "reply.status",
        "schedule.state-after",
        says=(on("schedule", status(204), empty),),
    ),
    _protocol(
        "media-type-of-rest",
        "minor",
        "Replies are declared as application/json.",
        "reply.content-type",
        of=(AWS,),
        says=(
            on("schedule cancel describe", lambda r: header("Content-Type", "application/json")(r) if r.body else r),
        ),
    ),
    _protocol(
        "version-status-unknown",
        "minor",
        "The version of the service has a status that no page lists.",
        "version.reply",
        "versions.reply",
        of=(HUAWEI,),
        says=(
            on(
                "version versions",
                field("version.status", lambda _: "ALPHA"),
                field("versions.status", lambda _: "ALPHA"),
            ),
        ),
    ),
    _protocol(
        "version-links-empty",
        "minor",
        "The version of the service has no links.",
        "version.reply",
        "versions.reply",
        of=(HUAWEI,),
        says=(on("version versions", field("version.links", lambda _: None), field("versions.links", lambda _: None)),),
    ),
    _protocol(
        "regions-as-names",
        "minor",
        "Regions are a list of names.",
        "regions.reply",
        of=(ALIBABA,),
        says=(on("regions", field("Regions.Region", lambda v: [r["RegionId"] for r in v])),),
    ),
    _protocol(
        "account-status-as-flag",
        "minor",
        "The status of the account is a boolean.",
        "account-status.reply",
        of=(ALIBABA,),
        says=(on("account_status", field("AccountStatus", lambda _: True)),),
    ),
)
