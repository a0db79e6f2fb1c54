"""The fourth blind set: replies with other fields and types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import (
    body,
    empty,
    field,
    on,
    renamed,
    saying,
    where,
    without,
)
from kms_conformance.emulator import Inbound, Outbound

_reply = rows_of("replies")


def _bare(arn: str) -> str:
    return str(arn).rpartition("/")[2]


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _flat(value: dict[str, Any]) -> dict[str, Any]:
    others = {name: item for name, item in value.items() if name != "KeyMetadata"}
    return {**value["KeyMetadata"], **others}


class _FlagStaysFalse:
    """`Enabled` of a key that was ever disabled stays false."""

    def __init__(self) -> None:
        self._disabled: set[str] = set()

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.refusal is not None:
            return outbound
        if inbound.operation == "disable":
            self._disabled.add(_bare(str(inbound.parameters.get("KeyId", ""))))
        if inbound.operation != "describe" or outbound.value["KeyMetadata"]["KeyId"] not in self._disabled:
            return outbound
        return field("KeyMetadata.Enabled", lambda _: False)(outbound)


class _EncryptionRepeated:
    """Every third encryption is answered with the reply before it."""

    def __init__(self) -> None:
        self._count = 0
        self._before: Outbound | None = None

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.refusal is not None or inbound.operation != "encrypt":
            return outbound
        self._count += 1
        before, self._before = self._before, outbound
        return before if before is not None and self._count % 3 == 0 else outbound


REPLIES = (
    _reply(
        "schedule-and-cancel-wrapped",
        "major",
        "The replies to schedule and cancel have the object `key_info` around their fields.",
        "schedule.reply.key-id",
        "cancel.reply.key-id",
        of=(HUAWEI,),
        says=(on("schedule cancel", saying(lambda value: {"key_info": value})),),
    ),
    _reply(
        "cancel-says-pending",
        "major",
        "The reply to cancel has the state from before.",
        "cancel.reply-agrees",
        "cancel.reply.key-state",
        of=(HUAWEI,),
        says=(on("cancel", field("key_state", lambda _: "4")),),
    ),
    _reply(
        "states-with-zero",
        "major",
        "States are written with two digits.",
        "describe.reply",
        "pending.describe",
        "list.row-agrees",
        of=(HUAWEI,),
        says=(on("describe", field("key_info.key_state", lambda state: f"0{state}")),),
    ),
    _reply(
        "truncated-in-capitals",
        "minor",
        "`truncated` is written as `True` or `False`.",
        "list.reply",
        of=(HUAWEI,),
        says=(on("list", field("truncated", str.capitalize)),),
    ),
    _reply(
        "next-marker-is-number",
        "minor",
        "The next marker of a list is a number, and null on the last page.",
        "list.reply",
        of=(HUAWEI,),
        says=(on("list", field("next_marker", lambda marker: int(marker) if marker else None)),),
    ),
    _reply(
        "quota-type-renamed",
        "minor",
        "The quota of keys has the type `cmk` for `CMK`, and its numbers are null.",
        "quotas.reply",
        of=(HUAWEI,),
        says=(
            on("quotas", field("quotas.resources.type", str.lower), field("quotas.resources.quota", lambda _: None)),
        ),
    ),
    _reply(
        "rows-without-state",
        "minor",
        "The details in lists lack the states of keys.",
        "list.reply",
        "list.row-agrees",
        of=(HUAWEI,),
        says=(on("list", without("key_details.key_state")),),
    ),
    _reply(
        "created-id-in-capitals",
        "major",
        "The reply to create writes the key id in capitals.",
        "create.reply",
        of=(HUAWEI,),
        says=(on("create", field("key_info.key_id", str.upper)),),
    ),
    _reply(
        "alias-of-disabled-hidden",
        "minor",
        "The description of a disabled key has an empty alias.",
        "disable.keeps.name",
        "describe.reply",
        of=(HUAWEI,),
        says=(
            where(
                lambda i, o: i.operation == "describe" and b'"key_state": "3"' in o.body,
                field("key_info.key_alias", lambda _: ""),
            ),
        ),
    ),
    _reply(
        "schedule-names-bare-id",
        "minor",
        "The reply to schedule has the id of the key where its ARN is due.",
        "schedule.reply.key-id",
        of=(AWS,),
        says=(on("schedule", field("KeyId", _bare)),),
    ),
    _reply(
        "cancel-names-bare-id",
        "minor",
        "The reply to cancel has the id of the key where its ARN is due.",
        "cancel.reply.key-id",
        of=(AWS,),
        says=(on("cancel", field("KeyId", _bare)),),
    ),
    _reply(
        "encrypt-names-bare-id",
        "minor",
        "The replies to Encrypt and GenerateDataKey have the id of the key where its ARN is due.",
        "encrypt.reply",
        "generate-data-key.reply",
        of=(AWS,),
        says=(on("encrypt generate_data_key", field("KeyId", _bare)),),
    ),
    _reply(
        "reply-date-as-text",
        "major",
        "The reply to schedule has its date as ISO 8601.",
        "schedule.reply.date",
        of=(AWS,),
        says=(on("schedule", field("DeletionDate", _iso)),),
    ),
    _reply(
        "cancel-replies-nothing",
        "minor",
        "The reply to cancel is empty.",
        "cancel.reply.key-id",
        of=(AWS,),
        says=(on("cancel", empty),),
    ),
    _reply(
        "enabled-flag-stays-false",
        "minor",
        "`Enabled` stays false when a key that was disabled is enabled again.",
        "describe.enabled-agrees",
        of=(AWS,),
        says=(_FlagStaysFalse(),),
    ),
    _reply(
        "arn-of-other-account",
        "minor",
        "The ARN in the description of a key is of account 000000000000.",
        "describe.arn-agrees",
        of=(AWS,),
        says=(on("describe", field("KeyMetadata.Arn", lambda arn: arn.replace(arn.split(":")[4], "000000000000"))),),
    ),
    _reply(
        "re-encrypt-keys-swapped",
        "minor",
        "The reply to ReEncrypt has the old and the new key in each other's place.",
        "re-encrypt.reply",
        of=(AWS,),
        says=(on("re_encrypt", saying(lambda v: {**v, "KeyId": v["SourceKeyId"], "SourceKeyId": v["KeyId"]})),),
    ),
    _reply(
        "grants-without-ids",
        "minor",
        "Grants are listed without their ids and the ARN of their key.",
        "list-grants.reply",
        of=(AWS,),
        says=(on("list_grants", without("Grants.KeyId"), without("Grants.GrantId")),),
    ),
    _reply(
        "state-with-blank",
        "major",
        "The state of a pending key is written as two words.",
        "pending.describe",
        of=NAMED,
        says=(on("describe", body(lambda raw: raw.replace(b"PendingDeletion", b"Pending Deletion"))),),
    ),
    _reply(
        "regions-null",
        "minor",
        "The list of regions is null.",
        "regions.reply",
        of=(ALIBABA,),
        says=(on("regions", field("Regions.Region", lambda _: None)),),
    ),
    _reply(
        "account-status-as-number",
        "minor",
        "The status of the account is a number.",
        "account-status.reply",
        of=(ALIBABA,),
        says=(on("account_status", field("AccountStatus", lambda _: 1)),),
    ),
    _reply(
        "creation-date-with-offset",
        "minor",
        "The creation date of a key has `+00:00` and a blank where the documents have `T` and `Z`.",
        "describe.reply",
        of=(ALIBABA,),
        says=(on("describe", field("KeyMetadata.CreationDate", lambda t: t.replace("T", " ").replace("Z", "+00:00"))),),
    ),
    _reply(
        "metadata-flat",
        "major",
        "The description of a key lacks the object `KeyMetadata` around its fields.",
        "describe.reply",
        of=NAMED,
        says=(on("describe", saying(_flat)),),
    ),
    _reply(
        "tags-renamed",
        "minor",
        "Listed tags have `Key` and `Value` for `TagKey` and `TagValue`.",
        "list-tags.reply",
        of=NAMED,
        says=(
            on(
                "list_tags",
                renamed("Tags.TagKey", "Key"),
                renamed("Tags.TagValue", "Value"),
                renamed("Tags.Tag.TagKey", "Key"),
                renamed("Tags.Tag.TagValue", "Value"),
            ),
        ),
    ),
    _reply(
        "arn-in-capitals",
        "minor",
        "The rows of a list have their ARNs in capitals.",
        "list.reply",
        "list.row-agrees",
        of=NAMED,
        says=(on("list", field("Keys.KeyArn", str.upper), field("Keys.Key.KeyArn", str.upper)),),
    ),
    _reply(
        "every-third-ciphertext-repeated",
        "critical",
        "Every third encryption is answered with the ciphertext of the encryption before it.",
        "encrypt.reply",
        "decrypt.reply",
        says=(_EncryptionRepeated(),),
    ),
)
