"""Blind faults about errors: codes, statuses and forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import Mixin
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, Fault
from kms_conformance.apps.selftest.reply_mutations import (
    empty,
    field,
    on_refusal,
    status,
    text,
    where,
)
from kms_conformance.emulator import Decisions, Outbound, RefusalAnswer

_error = rows_of("errors")


def _code(huawei: str, alibaba: str, aws: str) -> tuple[Callable[[Outbound], Outbound], ...]:
    return (
        field("error.error_code", lambda _: huawei),
        field("Code", lambda _: alibaba),
        field("__type", lambda _: aws),
    )


def _status(number: int, *refusals: str) -> Mixin:
    """These refusals keep their code and get another status."""

    class Status(Decisions):
        def answer(self, refusal: str) -> RefusalAnswer:
            found = super().answer(refusal)
            return replace(found, status=number) if refusal in refusals else found

    return Status


def _flat(reply: Outbound) -> Outbound:
    """An error in the form of another service."""
    value = reply.value
    if "error" in value:
        return reply.with_value({"error_code": value["error"]["error_code"], "error_msg": value["error"]["error_msg"]})
    if "Code" in value:
        return reply.with_value({"Error": value, "RequestId": value["RequestId"]})
    return reply.with_value({"code": value["__type"], "message": value["message"]})


_BAD_WINDOWS = "window_out_of_range window_negative window_huge window_malformed window_empty"

ERRORS: tuple[Fault, ...] = (
    # --- codes and statuses -------------------------------------------------------------------------------------------
    _error(
        "twice-as-bad-window",
        "minor",
        "Scheduling a pending key is refused with the code for a bad window.",
        "schedule.twice",
        says=(on_refusal("already_pending", *_code("KMS.1401", "InvalidParameter", "ValidationException")),),
    ),
    _error(
        "not-pending-as-pending",
        "minor",
        "Cancelling on a key that is not pending is refused with the code for a pending key.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        says=(on_refusal("not_pending", *_code("KMS.1402", "Rejected.PendingDeletion", "AlreadyExistsException")),),
    ),
    _error(
        "not-pending-not-found",
        "minor",
        "Cancelling on a key that is not pending is refused with 404.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        does=(_status(404, "not_pending"),),
    ),
    _error(
        "not-pending-with-200",
        "major",
        "Cancelling on a key that is not pending is refused in the body, with status 200.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        "cancel.not-pending.cancelled",
        does=(_status(200, "not_pending"),),
    ),
    _error(
        "all-refusals-with-200",
        "major",
        "Refusals for the state of a key have status 200.",
        "pending.encrypt",
        "state.disabled",
        "schedule.twice",
        does=(_status(200, "pending_use", "key_disabled", "already_pending"),),
    ),
    _error(
        "pending-use-as-disabled",
        "minor",
        "The use of a pending key is refused as if it were disabled, or unknown.",
        "pending.encrypt",
        "pending.decrypt",
        says=(on_refusal("pending_use", *_code("KMS.0209", "Rejected.Disabled", "NotFoundException")),),
    ),
    _error(
        "disabled-use-as-pending",
        "minor",
        "The use of a disabled key is refused as if it were pending.",
        "state.disabled",
        says=(on_refusal("key_disabled", *_code("KMS.0210", "Rejected.PendingDeletion", "KMSInvalidStateException")),),
    ),
    _error(
        "data-key-refused-with-other-code",
        "minor",
        "Data keys of a pending key are refused as a denial of permission.",
        "pending.generate-data-key",
        says=(
            on_refusal(
                "pending_use",
                status(403),
                *_code("KMS.0306", "Forbidden.NoPermission", "AccessDeniedException"),
                operations="generate_data_key",
            ),
        ),
    ),
    _error(
        "bad-window-as-bad-state",
        "minor",
        "A window out of range is refused with the code for a state.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        says=(
            on_refusal(
                "window_out_of_range", *_code("KMS.1402", "Rejected.StateModifiedFailed", "KMSInvalidStateException")
            ),
        ),
    ),
    _error(
        "above-maximum-as-limit",
        "minor",
        "A window that is too large is refused as an exceeded quota.",
        "schedule.window.above-maximum",
        "schedule.window.below-minimum",
        says=(
            on_refusal("window_out_of_range", *_code("KMS.1105", "Rejected.LimitExceeded", "LimitExceededException")),
        ),
    ),
    _error(
        "unknown-as-denied-cancel",
        "minor",
        "Cancelling on an unknown key is refused with 403.",
        "unknown-key.cancel",
        says=(on_refusal("unknown_key", status(403), operations="cancel"),),
    ),
    _error(
        "unknown-gone",
        "minor",
        "An unknown key is answered with 410.",
        "unknown-key.describe",
        "reply.status",
        does=(_status(410, "unknown_key"),),
    ),
    _error(
        "gone-as-pending",
        "minor",
        "Cancelling on a deleted or unknown key is refused as if it were not pending.",
        "unknown-key.cancel",
        "expiry.no-cancel",
        says=(
            on_refusal(
                "unknown_key",
                status(400),
                *_code("KMS.1501", "Rejected.StateModifiedFailed", "KMSInvalidStateException"),
                operations="cancel",
            ),
        ),
    ),
    _error(
        "pending-enable-as-unknown",
        "minor",
        "Enabling a pending key is refused as if it did not exist.",
        "pending.enable",
        says=(
            on_refusal(
                "pending_enable state_refused pending_manage",
                status(404),
                *_code("KMS.0207", "Forbidden.KeyNotFound", "NotFoundException"),
                operations="enable",
            ),
        ),
    ),
    _error(
        "pending-update-as-disabled",
        "minor",
        "Changing the description of a pending key is refused as if it were disabled.",
        "pending.update-description",
        says=(
            on_refusal(
                "pending_update pending_manage",
                *_code("KMS.0209", "Rejected.Disabled", "DisabledException"),
                operations="update_description",
            ),
        ),
    ),
    _error(
        "code-in-lower-case",
        "minor",
        "The code of a refused cancellation is in lower case.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        says=(
            on_refusal(
                "not_pending",
                field("error.error_code", str.lower),
                field("Code", str.lower),
                field("__type", str.lower),
            ),
        ),
    ),
    _error(
        "code-with-space",
        "minor",
        "The code of a refused second scheduling has a trailing space.",
        "schedule.twice",
        says=(
            on_refusal(
                "already_pending",
                field("error.error_code", lambda v: f"{v} "),
                field("Code", lambda v: f"{v} "),
                field("__type", lambda v: f"{v} "),
            ),
        ),
    ),
    # --- the form of errors -------------------------------------------------------------------------------------------
    _error(
        "refused-cancel-in-other-form",
        "major",
        "The error of a refused cancellation has the form of another service.",
        "error.shape",
        says=(on_refusal("not_pending", _flat),),
    ),
    _error(
        "bad-window-in-other-form",
        "major",
        "The error of a bad window has the form of another service.",
        "error.shape",
        says=(on_refusal(_BAD_WINDOWS, _flat),),
    ),
    _error(
        "code-as-number",
        "minor",
        "The code of a refused use is a number.",
        "error.shape",
        "pending.encrypt",
        says=(
            on_refusal(
                "pending_use key_disabled",
                field("error.error_code", lambda _: 210),
                field("Code", lambda _: 409),
                field("__type", lambda _: 400),
            ),
        ),
    ),
    _error(
        "message-as-list",
        "minor",
        "The message of an unknown key is a list.",
        "error.shape",
        says=(
            on_refusal(
                "unknown_key",
                field("error.error_msg", lambda v: [v]),
                field("Message", lambda v: [v]),
                field("message", lambda v: [v]),
            ),
        ),
    ),
    _error(
        "empty-error",
        "major",
        "A refused second scheduling has no body.",
        "error.shape",
        "schedule.twice",
        says=(on_refusal("already_pending", empty),),
    ),
    _error(
        "errors-as-html",
        "minor",
        "An unknown key is answered with a page of HTML.",
        "reply.content-type",
        "error.shape",
        says=(on_refusal("unknown_key", text("<h1>404</h1>", "text/html")),),
    ),
    _error(
        "status-field-differs",
        "minor",
        "`HttpStatus` in an error differs from the status of the reply.",
        "error.shape",
        of=(ALIBABA,),
        says=(where(lambda _, o: o.refusal is not None, field("HttpStatus", lambda _: 200)),),
    ),
)
