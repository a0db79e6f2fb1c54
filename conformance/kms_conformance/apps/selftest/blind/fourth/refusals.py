"""The fourth blind set: refusals with another code or status, and requests that break the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import answering
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.blind.second.mixins import BROKEN
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    Rewrite,
    header,
    on_errors,
    on_refusal,
    saying,
    status,
    where,
)
from kms_conformance.emulator import Filter, Inbound, Outbound

_refusal = rows_of("refusals")
_break = rows_of("requests that break the service")
_STATES = "already_pending not_pending key_disabled pending_use pending_manage state_refused pending_update"


def _broken(refusals: str, operations: str = "") -> Filter:
    return on_refusal(refusals, BROKEN, status(500), operations=operations)


def _other_code(code: Mapping[str, str]) -> Rewrite:
    """Replace error codes in a body, by their names."""

    def rewrite(reply: Outbound) -> Outbound:
        body = reply.body
        for old, new in code.items():
            body = body.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
        return replace(reply, body=body)

    return rewrite


def _null_sent(inbound: Inbound, _: Outbound) -> bool:
    return any(value is None for value in inbound.parameters.values())


def _astral(inbound: Inbound, _: Outbound) -> bool:
    texts = (inbound.parameters.get(name) for name in ("key_description", "Description"))
    return any(isinstance(text, str) and any(ord(letter) > 0xFFFF for letter in text) for text in texts)


def _named_by_alias(inbound: Inbound, outbound: Outbound) -> bool:
    named = "alias/" in str(inbound.parameters.get("KeyId", ""))
    return named and outbound.refusal is not None and inbound.operation in {"schedule", "cancel"}


REFUSALS = (
    _refusal(
        "second-schedule-is-412",
        "minor",
        "Scheduling a pending key again is refused with status 412.",
        "schedule.twice",
        says=(on_refusal("already_pending", status(412)),),
    ),
    _refusal(
        "window-is-422",
        "minor",
        "A window out of range is refused with status 422, as web frameworks do.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        says=(on_refusal("window_out_of_range", status(422)),),
    ),
    _refusal(
        "disabled-use-is-423",
        "minor",
        "The use of a disabled key is refused with status 423.",
        "state.disabled",
        says=(on_refusal("key_disabled", status(423)),),
    ),
    _refusal(
        "unknown-schedule-as-window",
        "minor",
        "Scheduling an unknown key is refused as if the window were out of range.",
        "unknown-key.schedule",
        says=(
            on_refusal(
                "unknown_key",
                status(400),
                _other_code(
                    {
                        "KMS.0207": "KMS.1401",
                        "Forbidden.KeyNotFound": "InvalidPendingWindowInDays",
                        "NotFoundException": "LimitExceededException",
                    }
                ),
                operations="schedule",
            ),
        ),
    ),
    _refusal(
        "unknown-cancel-with-200",
        "major",
        "The refusal to cancel on an unknown key comes with status 200.",
        "unknown-key.cancel",
        says=(on_refusal("unknown_key", status(200), operations="cancel"),),
    ),
    _refusal(
        "not-found-is-404",
        "minor",
        "NotFoundException for keys comes with status 404.",
        "unknown-key.describe",
        "unknown-key.cancel",
        of=(AWS,),
        says=(on_refusal("unknown_key", status(404)),),
    ),
    _refusal(
        "pending-belongings-as-disabled",
        "minor",
        "Changes of the tags, aliases and rotation of a pending key are refused with DisabledException.",
        "pending.tag",
        "pending.untag",
        "pending.set-alias",
        "pending.enable-rotation",
        of=(AWS,),
        says=(
            on_refusal(
                "pending_manage",
                _other_code({"KMSInvalidStateException": "DisabledException"}),
                operations="tag untag set_alias update_alias enable_rotation disable_rotation",
            ),
        ),
    ),
    _refusal(
        "codes-of-enable-and-disable-swapped",
        "minor",
        "Enabling an enabled key has the code of disabling a disabled one, and the reverse.",
        "enable.not-disabled",
        "disable.not-enabled",
        of=(HUAWEI,),
        says=(
            on_refusal("not_disabled", _other_code({"KMS.1201": "KMS.1301"})),
            on_refusal("not_enabled", _other_code({"KMS.1301": "KMS.1201"})),
        ),
    ),
    _refusal(
        "pending-use-as-default-key",
        "minor",
        "The use of a pending key is refused with KMS.0211, as on a default key.",
        "pending.encrypt",
        "pending.decrypt",
        of=(HUAWEI,),
        does=(answering(400, "KMS.0211", "pending_use"),),
    ),
    _refusal(
        "pending-update-with-other-code",
        "minor",
        "Changing the description or alias of a pending key is refused with the code for a bad alias.",
        "pending.update-description",
        "pending.set-alias",
        of=(HUAWEI,),
        does=(answering(400, "KMS.1101", "pending_update"),),
    ),
    _refusal(
        "errors-in-a-list",
        "major",
        "Errors are written as a list of one.",
        "error.shape",
        says=(on_errors(saying(lambda value: [value])),),
    ),
    _refusal(
        "code-in-message-alone",
        "major",
        "Refusals for the state of a key have their code in the message alone.",
        "error.shape",
        "schedule.twice",
        says=(on_refusal(_STATES, saying(lambda value: {"message": str(value)})),),
    ),
    _refusal(
        "state-refused-as-throttling",
        "major",
        "Cancelling on a key that is not pending is refused as a throttled request.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        says=(
            on_refusal(
                "not_pending",
                status(429),
                _other_code(
                    {
                        "KMS.1501": "APIGW.0308",
                        "Rejected.StateModifiedFailed": "Rejected.Throttling",
                        "KMSInvalidStateException": "ThrottlingException",
                    }
                ),
            ),
        ),
    ),
    _refusal(
        "bad-window-redirected",
        "major",
        "A window out of range is answered with a redirect to a page of help.",
        "schedule.window.below-minimum",
        "reply.status",
        says=(on_refusal("window_out_of_range", status(302), header("Location", "/help")),),
    ),
)

BREAKS = (
    _break(
        "missing-key-breaks",
        "major",
        "A request that names no key is answered with an internal error.",
        "cancel.key-id.missing",
        "schedule.key-id.missing",
        "reply.no-server-error",
        says=(_broken("missing_key"),),
    ),
    _break(
        "wrong-context-breaks",
        "major",
        "Decrypting with another encryption context is answered with an internal error.",
        "decrypt.context",
        "reply.no-server-error",
        says=(_broken("invalid_parameter invalid_ciphertext", "decrypt"),),
    ),
    _break(
        "alias-for-id-breaks",
        "major",
        "Scheduling and cancelling by an alias are answered with an internal error.",
        "reply.no-server-error",
        "schedule.key-id.alias",
        of=NAMED,
        says=(where(_named_by_alias, BROKEN, status(500)),),
    ),
    _break(
        "taken-alias-breaks",
        "major",
        "An alias that another key has is answered with an internal error, as a violated index.",
        "reply.no-server-error",
        says=(_broken("duplicate_alias"),),
    ),
    _break(
        "emoji-breaks",
        "major",
        "A description with a letter beyond 16 bits is answered with an internal error.",
        "reply.no-server-error",
        "update-description.reply",
        says=(where(_astral, BROKEN, status(500)),),
    ),
    _break(
        "null-breaks",
        "major",
        "A request with a field that is null is answered with an internal error.",
        "reply.no-server-error",
        of=(HUAWEI, AWS),
        says=(where(_null_sent, BROKEN, status(500)),),
    ),
    _break(
        "pending-description-breaks",
        "major",
        "Changing the description of a pending key is answered with an internal error.",
        "pending.update-description",
        "reply.no-server-error",
        says=(_broken("pending_update pending_manage", "update_description"),),
    ),
    _break(
        "empty-window-breaks",
        "major",
        "An empty window is answered with an internal error.",
        "schedule.window.empty",
        "reply.no-server-error",
        of=(HUAWEI, ALIBABA),
        says=(_broken("window_empty"),),
    ),
    _break(
        "other-arn-breaks",
        "major",
        "A key that is named by the ARN of another region or account is answered with an internal error.",
        "other-arn.schedule",
        "reply.no-server-error",
        of=(AWS,),
        says=(
            where(
                lambda i, o: o.refusal == "unknown_key" and str(i.parameters.get("KeyId", "")).startswith("arn:"),
                BROKEN,
                status(500),
            ),
        ),
    ),
)
