"""Blind faults about the fields of replies."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import shown_as
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, pending_read, renamed, where, without
from kms_conformance.emulator import Filter, Outbound

_reply = rows_of("replies")


def _date_of(operation: str, *changes: tuple[str, Callable[[Any], Any]]) -> Filter:
    return on(operation, *(field(name, change) for name, change in changes))


def _local(value: str) -> str:
    moment = datetime.fromisoformat(value)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _zero_date(reply: Outbound) -> Outbound:
    """The metadata of a key that is not pending have a deletion date: the beginning of 1970."""
    metadata = reply.value.get("KeyMetadata")
    if metadata is None:
        return reply
    date = {"DeletionDate": 0.0} if "AWSAccountId" in metadata else {"DeleteDate": "1970-01-01T00:00:00Z"}
    return reply.with_value({**reply.value, "KeyMetadata": {**date, **metadata}})


def _other_key(value: str) -> str:
    """The name of another key, of the same form."""
    return value[:-12] + secrets.token_hex(6)


REPLIES: tuple[Fault, ...] = (
    # --- fields of a key ----------------------------------------------------------------------------------------------
    _reply(
        "pending-without-date",
        "minor",
        "A pending key is described without its deletion date.",
        "schedule.window.start",
        "describe.reply",
        "describe.date-agrees",
        says=(
            where(
                pending_read,
                field("key_info.scheduled_deletion_date", lambda _: ""),
                without("KeyMetadata.DeleteDate"),
                without("KeyMetadata.DeletionDate"),
            ),
        ),
    ),
    _reply(
        "date-of-other-type",
        "minor",
        "The deletion date has another JSON type than documented.",
        "describe.reply",
        "schedule.window.start",
        says=(
            _date_of(
                "describe",
                ("key_info.scheduled_deletion_date", lambda v: int(v) if v else v),
                ("KeyMetadata.DeleteDate", lambda v: int(datetime.fromisoformat(v).timestamp())),
                ("KeyMetadata.DeletionDate", str),
            ),
        ),
    ),
    _reply(
        "date-in-other-unit",
        "minor",
        "The deletion date is in another unit: seconds for milliseconds and the reverse, or without a zone.",
        "describe.reply",
        "schedule.window.start",
        "schedule.reply.date",
        says=(
            _date_of(
                "describe",
                ("key_info.scheduled_deletion_date", lambda v: v[:-3]),
                ("KeyMetadata.DeleteDate", _local),
                ("KeyMetadata.DeletionDate", lambda v: v * 1000),
            ),
        ),
    ),
    _reply(
        "creation-in-other-unit",
        "minor",
        "The creation date is in another unit or without a zone.",
        "describe.reply",
        "create.date",
        says=(
            _date_of(
                "describe",
                ("key_info.creation_date", lambda v: v[:-3]),
                ("KeyMetadata.CreationDate", lambda v: _local(v) if isinstance(v, str) else v * 1000),
            ),
        ),
    ),
    _reply(
        "creation-at-midnight",
        "minor",
        "The creation date is the beginning of the day.",
        "create.date",
        of=(AWS,),
        says=(on("create describe", field("KeyMetadata.CreationDate", lambda v: v // 86400 * 86400)),),
    ),
    _reply(
        "no-date-is-zero",
        "minor",
        "A key that is not pending has a deletion date of zero.",
        "cancel.date-cleared",
        "describe.reply",
        "describe.date-agrees",
        says=(
            on(
                "describe",
                field("key_info.scheduled_deletion_date", lambda v: v or "0"),
                _zero_date,
            ),
        ),
    ),
    _reply(
        "disabled-in-capitals",
        "major",
        "The state of a disabled key is written in another way.",
        "state.disabled",
        "describe.reply",
        "cancel.state-after",
        of=(ALIBABA, AWS),
        says=(on("describe", field("KeyMetadata.KeyState", lambda v: "DISABLED" if v == "Disabled" else v)),),
    ),
    _reply(
        "state-as-number",
        "major",
        "The state is a number in the reply to describe.",
        "describe.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.key_state", int)),),
    ),
    _reply(
        "schedule-reply-old-state",
        "minor",
        "The reply to schedule has the state from before.",
        "schedule.reply-agrees",
        "schedule.reply.key-state",
        of=(HUAWEI, AWS),
        says=(on("schedule", field("key_state", lambda _: "3"), field("KeyState", lambda _: "Disabled")),),
    ),
    _reply(
        "cancel-reply-old-state",
        "minor",
        "The reply to cancel says that the key is enabled.",
        "cancel.reply-agrees",
        "cancel.reply.key-state",
        of=(HUAWEI,),
        says=(on("cancel", field("key_state", lambda _: "2")),),
    ),
    _reply(
        "enable-reply-old-state",
        "minor",
        "The reply to enable says that the key is disabled.",
        "enable.reply",
        of=(HUAWEI,),
        says=(on("enable", field("key_info.key_state", lambda _: "3")),),
    ),
    _reply(
        "disable-reply-other-key",
        "minor",
        "The reply to disable names another key.",
        "disable.reply",
        of=(HUAWEI,),
        says=(on("disable", field("key_info.key_id", _other_key)),),
    ),
    _reply(
        "create-without-wrapper",
        "major",
        "The reply to create lacks the object `key_info` around its fields.",
        "create.reply",
        of=(HUAWEI,),
        says=(on("create", lambda r: r.with_value(r.value["key_info"])),),
    ),
    _reply(
        "flag-as-boolean",
        "minor",
        "`default_key_flag` is a boolean.",
        "describe.reply",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.default_key_flag", lambda v: v == "1")),),
    ),
    _reply(
        "count-as-text",
        "minor",
        "The number of keys is a text.",
        "instances.reply",
        of=(HUAWEI,),
        says=(on("instances", field("instance_num", str)),),
    ),
    _reply(
        "quota-below-use",
        "minor",
        "The quota is smaller than what is used.",
        "quotas.reply",
        of=(HUAWEI,),
        says=(on("quotas", field("quotas.resources.quota", lambda _: 0)),),
    ),
    _reply(
        "quota-without-pending",
        "minor",
        "The number of used keys does not agree with the number of keys.",
        "quotas.reply",
        "instances.reply",
        of=(HUAWEI,),
        says=(on("quotas", field("quotas.resources.used", lambda v: max(0, v - 1))),),
    ),
    _reply(
        "pending-counts-as-enabled",
        "major",
        "`Enabled` is true for a pending key.",
        "describe.enabled-agrees",
        of=(AWS,),
        says=(where(pending_read, field("KeyMetadata.Enabled", lambda _: True)),),
    ),
    _reply(
        "import-counts-as-enabled",
        "minor",
        "`Enabled` is true for a key that waits for import.",
        "describe.enabled-agrees",
        of=(AWS,),
        says=(
            on(
                "create describe",
                lambda r: field("KeyMetadata.Enabled", lambda _: True)(r) if b"PendingImport" in r.body else r,
            ),
        ),
    ),
    _reply(
        "pending-key-of-the-vendor",
        "minor",
        "A pending key reads as managed by AWS.",
        "describe.reply",
        "lifecycle.sequence",
        of=(AWS,),
        says=(where(pending_read, field("KeyMetadata.KeyManager", lambda _: "AWS")),),
    ),
    _reply(
        "pending-key-other-spec",
        "minor",
        "A pending key reads with another key spec.",
        "lifecycle.sequence",
        "describe.reply",
        does=(
            shown_as(
                ("describe",),
                lambda _m, k, _: (
                    replace(k, spec={"AES_256": "SM4", "Aliyun_AES_256": "Aliyun_SM4"}.get(k.spec, "SM2"))
                    if k.state is PENDING
                    else k
                ),
            ),
        ),
    ),
    _reply(
        "arn-of-other-region",
        "minor",
        "The ARN of a key is of another region.",
        "describe.arn-agrees",
        "describe.reply",
        of=(ALIBABA, AWS),
        says=(
            on(
                "describe",
                field(
                    "KeyMetadata.Arn",
                    lambda v: v.replace("us-east-1", "us-west-2").replace("cn-hangzhou", "cn-shanghai"),
                ),
            ),
        ),
    ),
    _reply(
        "no-multi-region",
        "minor",
        "The metadata lack `MultiRegion`.",
        "describe.fields",
        of=(AWS,),
        says=(on("describe", without("KeyMetadata.MultiRegion")),),
    ),
    _reply(
        "origin-renamed",
        "minor",
        "The metadata have `KeyOrigin` for `Origin`.",
        "describe.reply",
        "describe.fields",
        of=(ALIBABA, AWS),
        says=(on("describe", renamed("KeyMetadata.Origin", "KeyOrigin")),),
    ),
    _reply(
        "protection-unknown",
        "minor",
        "Deletion protection reads as off while it is on.",
        "set-deletion-protection.reply",
        "describe.reply",
        of=(ALIBABA,),
        does=(shown_as(("describe",), lambda _m, k, _: replace(k, protected=False)),),
    ),
    _reply(
        "grant-token-empty",
        "minor",
        "A new grant has an empty token.",
        "create-grant.reply",
        of=(AWS,),
        says=(on("create_grant", field("GrantToken", lambda _: "")),),
    ),
    _reply(
        "policy-as-object",
        "minor",
        "The policy is a JSON object instead of a text.",
        "get-policy.reply",
        of=(AWS,),
        says=(on("get_policy", field("Policy", lambda _: {"Version": "2012-10-17", "Statement": []})),),
    ),
    _reply(
        "policy-of-pending-default",
        "major",
        "A pending key shows the default policy.",
        "pending.get-policy",
        "pending.put-policy",
        of=(AWS,),
        does=(shown_as(("get_policy",), lambda _m, k, _: replace(k, policy="") if k.state is PENDING else k),),
    ),
    _reply(
        "rotation-of-disabled-off",
        "minor",
        "The rotation of a disabled key reads as off.",
        "cancel.rotation-restored",
        "rotation-status.reply",
        of=(AWS,),
        does=(
            shown_as(("rotation_status",), lambda _m, k, _: replace(k, rotated=False) if k.state is DISABLED else k),
        ),
    ),
)
