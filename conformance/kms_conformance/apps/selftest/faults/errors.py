"""Faults of error replies: they have a wrong format, no body, or the status of a success."""

from __future__ import annotations

from functools import partial
from typing import Any

from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, BOTH, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import (
    empty,
    field,
    on,
    on_errors,
    on_refusal,
    renamed,
    saying,
    status,
    text,
    without,
)
from kms_conformance.catalogue.requirement_ids import RequirementId

_SHAPE: frozenset[RequirementId] = frozenset({"error.shape"})
_fault = partial(Fault, fault_class="errors", severity="major", requirements=_SHAPE, families=("schedule",))
_HTML = "<html><head><title>Error</title></head><body><h1>Bad Request</h1></body></html>"
_TRACE = 'Traceback (most recent call last):\n  File "kms.py", line 7, in cancel\nKeyError: 7\n'


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    inner = value.get("error", value)
    return {**inner, "request_id": "0" * 32}


def _nested(value: dict[str, Any]) -> dict[str, Any]:
    return {"Error": value}


FAULTS = (
    _fault(
        name="error-flat",
        title="Errors of the service have the flat format of gateway errors.",
        dialects=(HUAWEI,),
        filters=(on_errors(saying(_flat)),),
    ),
    _fault(
        name="error-nested",
        title="Errors are wrapped in an object, as in another dialect.",
        dialects=(ALIBABA,),
        filters=(on_refusal("already_pending", saying(_nested)),),
    ),
    _fault(
        name="error-without-message",
        title="Errors have no message.",
        dialects=(HUAWEI,),
        severity="minor",
        filters=(on_errors(without("error.error_msg")),),
    ),
    _fault(
        name="error-without-message",
        title="Errors have no message.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on_errors(without("Message")),),
    ),
    _fault(
        name="error-without-code",
        title="The error for a second scheduling has no code.",
        dialects=(HUAWEI,),
        filters=(on_refusal("already_pending", without("error.error_code")),),
    ),
    _fault(
        name="error-without-code",
        title="The error for a second scheduling has no code.",
        dialects=(ALIBABA,),
        filters=(on_refusal("already_pending", without("Code")),),
    ),
    _fault(
        name="error-without-request-id",
        title="Errors have no request id.",
        dialects=(ALIBABA,),
        severity="minor",
        requirements=frozenset({"error.shape", "reply.request-id"}),
        filters=(on_errors(without("RequestId")),),
    ),
    _fault(
        name="error-code-is-a-number",
        title="The code of the error for a second scheduling is a number.",
        dialects=(HUAWEI,),
        filters=(on_refusal("already_pending", field("error.error_code", lambda _: 1402)),),
    ),
    _fault(
        name="error-status-is-text",
        title="The HttpStatus of errors is a string.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on_errors(field("HttpStatus", str)),),
    ),
    _fault(
        name="error-message-is-an-object",
        title="The message of errors is an object.",
        dialects=(HUAWEI,),
        severity="minor",
        filters=(on_errors(field("error.error_msg", lambda message: {"en": message})),),
    ),
    _fault(
        name="error-message-is-an-object",
        title="The message of errors is an object.",
        dialects=(ALIBABA,),
        severity="minor",
        filters=(on_errors(field("Message", lambda message: {"en": message})),),
    ),
    _fault(
        name="error-in-another-case",
        title="The error for a second scheduling has lower-case field names.",
        dialects=(ALIBABA,),
        filters=(on_refusal("already_pending", renamed("Code", "code"), renamed("Message", "message")),),
    ),
    _fault(
        name="error-empty",
        title="The error for a second scheduling has no body.",
        dialects=BOTH,
        requirements=frozenset({"reply.encoding"}),
        filters=(on_refusal("already_pending", empty),),
    ),
    _fault(
        name="error-html",
        title="The error for a second scheduling is an HTML page.",
        dialects=ALL,
        requirements=frozenset({"reply.content-type"}),
        filters=(on_refusal("already_pending", text(_HTML, "text/html")),),
    ),
    _fault(
        name="error-stack-trace",
        title="The error for a second scheduling is a stack trace.",
        dialects=ALL,
        requirements=frozenset({"reply.no-server-error"}),
        filters=(on_refusal("already_pending", text(_TRACE, "text/plain"), status(500)),),
    ),
    *(
        _fault(
            name=f"{operation}-fails-though-done",
            title=f"The operation {operation} is carried out, but answered with an internal error.",
            dialects=ALL,
            families=families,
            requirements=frozenset({"reply.no-server-error"}),
            filters=(on(operation, status(500), empty),),
        )
        for operation, families in {
            "schedule": ("schedule", "window"),
            "cancel": ("cancel",),
            "disable": ("states", "use"),
        }.items()
    ),
    _fault(
        name="error-with-status-200",
        title="The error for a second scheduling has the status 200.",
        dialects=ALL,
        requirements=frozenset({"schedule.twice"}),
        filters=(on_refusal("already_pending", status(200)),),
    ),
    _fault(
        name="error-with-undocumented-status",
        title="The error for a second scheduling has an undocumented status.",
        dialects=ALL,
        severity="minor",
        requirements=frozenset({"reply.status"}),
        filters=(on_refusal("already_pending", status(418)),),
    ),
    _fault(
        name="error-empty",
        title="The error for a second scheduling has no body.",
        dialects=(AWS,),
        filters=(on_refusal("already_pending", empty),),
    ),
    _fault(
        name="error-without-code",
        title="The error for a second scheduling has no type.",
        dialects=(AWS,),
        filters=(on_refusal("already_pending", without("__type")),),
    ),
    _fault(
        name="error-code-is-a-number",
        title="The type of the error for a second scheduling is a number.",
        dialects=(AWS,),
        filters=(on_refusal("already_pending", field("__type", lambda _: 400)),),
    ),
    _fault(
        name="error-message-is-an-object",
        title="The message of errors is an object.",
        dialects=(AWS,),
        severity="minor",
        filters=(on_errors(field("message", lambda message: {"en": message})),),
    ),
    _fault(
        name="error-nested",
        title="Errors are wrapped in an object, as in another dialect.",
        dialects=(AWS,),
        filters=(on_refusal("already_pending", saying(_nested)),),
    ),
)
