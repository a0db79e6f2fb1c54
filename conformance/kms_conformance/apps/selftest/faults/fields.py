"""Faults of reply fields: in each fault, one field of one reply has a wrong type, is missing, null or renamed."""

from __future__ import annotations

from functools import partial
from typing import Any

from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import Rewrite, field, on, renamed, without
from kms_conformance.catalogue.requirement_ids import RequirementId

_fault = partial(Fault, fault_class="fields", severity="minor")

# Each row: dialect, operation, path of the field, requirement about the field, check family that reads the field.
_FIELDS: tuple[tuple[str, str, str, RequirementId, str], ...] = (
    (HUAWEI, "create", "key_info.domain_id", "create.reply", "entry"),
    (HUAWEI, "enable", "key_info.key_state", "enable.reply", "states"),
    (HUAWEI, "disable", "key_info.key_id", "disable.reply", "states"),
    (HUAWEI, "describe", "key_info.creation_date", "describe.reply", "entry"),
    (HUAWEI, "describe", "key_info.default_key_flag", "describe.reply", "entry"),
    (HUAWEI, "describe", "key_info.realm", "describe.reply", "entry"),
    (HUAWEI, "list", "key_details.key_type", "list.reply", "replies"),
    (HUAWEI, "list", "truncated", "list.reply", "replies"),
    (HUAWEI, "schedule", "key_id", "schedule.reply.key-id", "schedule"),
    (HUAWEI, "schedule", "key_state", "schedule.reply.key-state", "schedule"),
    (HUAWEI, "cancel", "key_id", "cancel.reply.key-id", "cancel"),
    (HUAWEI, "cancel", "key_state", "cancel.reply.key-state", "cancel"),
    (HUAWEI, "encrypt", "key_id", "encrypt.reply", "replies"),
    (HUAWEI, "decrypt", "key_id", "decrypt.reply", "replies"),
    (HUAWEI, "generate_data_key", "plain_text", "generate-data-key.reply", "replies"),
    (HUAWEI, "set_alias", "key_info.key_alias", "set-alias.reply", "replies"),
    (HUAWEI, "update_description", "key_info.key_id", "update-description.reply", "replies"),
    (HUAWEI, "instances", "instance_num", "instances.reply", "replies"),
    (HUAWEI, "quotas", "quotas.resources.used", "quotas.reply", "replies"),
    (HUAWEI, "versions", "versions.status", "versions.reply", "replies"),
    (HUAWEI, "version", "version.links", "version.reply", "replies"),
    (ALIBABA, "create", "KeyMetadata.KeyUsage", "create.reply", "entry"),
    (ALIBABA, "describe", "KeyMetadata.Arn", "describe.reply", "entry"),
    (ALIBABA, "describe", "KeyMetadata.CreationDate", "describe.reply", "entry"),
    (ALIBABA, "describe", "KeyMetadata.Origin", "describe.reply", "entry"),
    (ALIBABA, "list", "TotalCount", "list.reply", "replies"),
    (ALIBABA, "list", "Keys.Key.KeyArn", "list.reply", "replies"),
    (ALIBABA, "list", "PageSize", "list.reply", "replies"),
    (ALIBABA, "schedule", "RequestId", "schedule.reply.request-id", "schedule"),
    (ALIBABA, "cancel", "RequestId", "cancel.reply.request-id", "cancel"),
    (ALIBABA, "enable", "RequestId", "enable.reply", "states"),
    (ALIBABA, "encrypt", "KeyId", "encrypt.reply", "replies"),
    (ALIBABA, "decrypt", "KeyId", "decrypt.reply", "replies"),
    (ALIBABA, "generate_data_key", "CiphertextBlob", "generate-data-key.reply", "replies"),
    (ALIBABA, "list_tags", "Tags.Tag.TagValue", "list-tags.reply", "replies"),
    (ALIBABA, "regions", "Regions.Region.RegionId", "regions.reply", "replies"),
    (ALIBABA, "account_status", "AccountStatus", "account-status.reply", "replies"),
    (ALIBABA, "set_alias", "RequestId", "set-alias.reply", "replies"),
    (ALIBABA, "tag", "RequestId", "tag.reply", "replies"),
    (ALIBABA, "update_description", "RequestId", "update-description.reply", "replies"),
    (ALIBABA, "delete_alias", "RequestId", "delete-alias.reply", "pending_use"),
    (ALIBABA, "set_deletion_protection", "RequestId", "set-deletion-protection.reply", "schedule"),
    (AWS, "create", "KeyMetadata.Arn", "create.reply", "entry"),
    (AWS, "describe", "KeyMetadata.KeyId", "describe.reply", "entry"),
    (AWS, "list", "Keys.KeyArn", "list.reply", "replies"),
    (AWS, "describe", "KeyMetadata.KeySpec", "describe.fields", "agreement"),
    (AWS, "schedule", "KeyState", "schedule.reply.key-state", "schedule"),
    (AWS, "schedule", "DeletionDate", "schedule.reply.date", "schedule"),
    (AWS, "cancel", "KeyId", "cancel.reply.key-id", "cancel"),
    (AWS, "encrypt", "KeyId", "encrypt.reply", "replies"),
    (AWS, "decrypt", "KeyId", "decrypt.reply", "replies"),
    (AWS, "generate_data_key", "CiphertextBlob", "generate-data-key.reply", "replies"),
    (AWS, "re_encrypt", "SourceKeyId", "re-encrypt.reply", "belongings"),
    (AWS, "list_tags", "Tags", "list-tags.reply", "replies"),
    (AWS, "list_grants", "Grants", "list-grants.reply", "belongings"),
    (AWS, "get_policy", "Policy", "get-policy.reply", "belongings"),
)
_SHOULD: frozenset[RequirementId] = frozenset({"versions.reply", "version.reply", "describe.fields"})


def _other_type(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    """Change the type: a string of digits becomes a number, another string a list, any other value a string."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else [value]
    return str(value)


def _in_another_case(path: str) -> Rewrite:
    """`key_id` becomes `Key_id` and `KeyId` becomes `keyId`."""
    name = path.rpartition(".")[2]
    return renamed(path, name[0].swapcase() + name[1:])


_KINDS = (
    ("of-another-type", "has another type than documented", lambda path: field(path, _other_type)),
    ("missing", "is missing", without),
    ("null", "is null", lambda path: field(path, lambda _: None)),
    ("in-another-case", "has the first letter of its name in the other case", _in_another_case),
)


def _rows() -> tuple[Fault, ...]:
    """One fault for each row of `_FIELDS`; the kinds in `_KINDS` take turns."""
    return tuple(
        _fault(
            name=f"{operation.replace('_', '-')}-{path.rpartition('.')[2].lower().replace('_', '-')}-{kind}",
            title=f"In the reply to {operation.replace('_', ' ')}, {path} {words}.",
            dialects=(dialect,),
            requirements=frozenset({requirement}),
            families=(family,),
            filters=(on(operation, make(path)),),
            exit_code=0 if requirement in _SHOULD else 1,
        )
        for number, (dialect, operation, path, requirement, family) in enumerate(_FIELDS)
        for kind, words, make in (_KINDS[number % len(_KINDS)],)
    )


FAULTS = (
    *_rows(),
    _fault(
        name="describe-of-another-key",
        title="The description of a key shows the id of another key.",
        severity="critical",
        dialects=(HUAWEI,),
        requirements=frozenset({"describe.reply"}),
        families=("entry",),
        filters=(on("describe", field("key_info.key_id", lambda _: "0d0466b0-e727-4d9c-b35d-f84bb474a37f")),),
    ),
    _fault(
        name="describe-of-another-key",
        title="The description of a key shows the id of another key.",
        severity="critical",
        dialects=(ALIBABA,),
        requirements=frozenset({"describe.reply"}),
        families=("entry",),
        filters=(on("describe", field("KeyMetadata.KeyId", lambda _: "0d0466b0-e727-4d9c-b35d-f84bb474a37f")),),
    ),
    _fault(
        name="describe-as-a-list",
        title="The description of a key is a list with one entry, as in the tables of the documents.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"describe.reply"}),
        families=("contact",),
        filters=(on("describe", field("key_info", lambda info: [info])),),
    ),
    _fault(
        name="describe-state-in-words",
        title="The state is a word instead of a digit.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"describe.reply"}),
        families=("entry",),
        filters=(on("describe", field("key_info.key_state", lambda _: "ENABLED")),),
    ),
    _fault(
        name="describe-state-in-capitals",
        title="The state is written in capitals.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"describe.reply"}),
        families=("entry",),
        filters=(on("describe", field("KeyMetadata.KeyState", str.upper)),),
    ),
    _fault(
        name="schedule-reply-wrapped",
        title="The reply to scheduling is nested like the reply to enabling.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"schedule.reply.key-id", "schedule.reply.key-state"}),
        families=("schedule",),
        filters=(on("schedule", lambda reply: reply.with_value({"key_info": reply.value})),),
    ),
    _fault(
        name="enable-reply-flat",
        title="The reply to enabling is flat like the reply to scheduling.",
        severity="major",
        dialects=(HUAWEI,),
        requirements=frozenset({"enable.reply"}),
        families=("states",),
        filters=(on("enable", lambda reply: reply.with_value(reply.value["key_info"])),),
    ),
)
