"""Blind faults about the names of keys: ids, ARNs, aliases, and names that belong to no key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import (
    cancelled,
    inventing_for,
    naming,
    refused_but_others,
    scheduled,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on, on_refusal, status, text, where
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, State

_name = rows_of("names of keys")


class _AliasArnAccepted(Decisions):
    """Where only an id or a key ARN is allowed, the ARN of an alias is accepted too."""

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        if found == "alias_as_key" and isinstance(value, str) and value.startswith("arn:"):
            return None
        return super().parameter_problem(found, name, value)


def _made_up(state: State) -> Callable[[str, datetime], Key]:
    return lambda key_id, now: Key(id=key_id, state=state, created=now, spec="AES_256", usage="ENCRYPT_DECRYPT")


def _sent(inbound: Inbound) -> str:
    value = inbound.parameters.get("key_id", inbound.parameters.get("KeyId", ""))
    return value if isinstance(value, str) else ""


def _for_names(matches: Callable[[str], bool], operations: str, refusals: str, *changes: Any) -> Filter:  # noqa: ANN401
    """Rewrite the refusals of these operations for names with a property."""
    return where(
        lambda i, o: i.operation in operations.split() and o.refusal in refusals.split() and matches(_sent(i)), *changes
    )


def _by_arn_not_found(operation: str) -> Filter:
    """The operation is answered with NotFoundException if the request named the key by its ARN."""
    return where(
        lambda i, o: i.operation == operation and o.refusal is None and _sent(i).startswith("arn:"),
        status(400),
        lambda reply: reply.with_value({"__type": "NotFoundException", "message": "Invalid keyId"}),
    )


def _echo(inbound: Inbound, outbound: Outbound) -> Outbound:
    """The reply repeats the name of the key as it was sent."""
    if outbound.refusal is not None or inbound.operation not in {"schedule", "cancel"}:
        return outbound
    return field("KeyId", lambda _: _sent(inbound))(outbound)


def _alias_as_id(inbound: Inbound, outbound: Outbound) -> Outbound:
    """A key that is described by its alias has the alias as its id."""
    if outbound.refusal is not None or inbound.operation != "describe" or "alias/" not in _sent(inbound):
        return outbound
    return field("KeyMetadata.KeyId", lambda _: _sent(inbound))(outbound)


_UNKNOWN_AS_INVALID = (
    status(400),
    field("error.error_code", lambda _: "KMS.0205"),
    field("Code", lambda _: "InvalidParameter"),
    field("__type", lambda _: "ValidationException"),
)

NAMES: tuple[Fault, ...] = (
    _name(
        "ids-without-case",
        "minor",
        "Key ids in capitals name the key too.",
        "malformed-key.describe",
        "malformed-key.schedule",
        "malformed-key.cancel",
        "unknown-key.describe",
        does=(naming(lambda name, key_id: name.lower() == key_id),),
    ),
    _name(
        "ids-trimmed",
        "minor",
        "Spaces around a key id are ignored.",
        "malformed-key.describe",
        "malformed-key.schedule",
        "malformed-key.cancel",
        does=(naming(lambda name, key_id: name.strip() == key_id),),
    ),
    _name(
        "ids-cut",
        "critical",
        "Of a longer name, only the first 36 characters count.",
        "malformed-key.schedule",
        "malformed-key.cancel",
        "malformed-key.describe",
        does=(naming(lambda name, key_id: name[:36] == key_id),),
    ),
    _name(
        "ids-by-beginning",
        "critical",
        "The beginning of an id names the key, as in a version control system.",
        "malformed-key.schedule",
        "malformed-key.cancel",
        "malformed-key.describe",
        does=(naming(lambda name, key_id: 0 < len(name) < 36 and key_id.startswith(name)),),
    ),
    _name(
        "ids-without-dashes",
        "minor",
        "An id without its dashes names the key.",
        "malformed-key.describe",
        "malformed-key.schedule",
        "malformed-key.cancel",
        does=(naming(lambda name, key_id: name == key_id.replace("-", "")),),
    ),
    _name(
        "last-digit-ignored",
        "critical",
        "Two ids that differ in their last character alone name the same key.",
        "unknown-key.schedule",
        "unknown-key.cancel",
        "unknown-key.describe",
        does=(naming(lambda name, key_id: len(name) == 36 and name[:-1] == key_id[:-1]),),
    ),
    _name(
        "unknown-cancel-succeeds",
        "major",
        "Cancelling on an id that no key has succeeds.",
        "unknown-key.cancel",
        does=(inventing_for("cancel", _made_up(PENDING)),),
    ),
    _name(
        "unknown-schedule-succeeds",
        "major",
        "Scheduling an id that no key has succeeds.",
        "unknown-key.schedule",
        does=(inventing_for("schedule", _made_up(ENABLED)),),
    ),
    _name(
        "unknown-described-as-disabled",
        "minor",
        "An id that no key has is described as a disabled key.",
        "unknown-key.describe",
        does=(inventing_for("describe", _made_up(DISABLED)),),
    ),
    _name(
        "unknown-schedule-hits-newest",
        "critical",
        "Scheduling an unknown id is refused, but schedules the newest key.",
        "unknown-key.schedule",
        "refused.changes-nothing",
        "isolation.other-keys",
        does=(refused_but_others("schedule", ("unknown_key",), lambda k: k.state is not PENDING, scheduled),),
    ),
    _name(
        "unknown-cancel-hits-newest",
        "critical",
        "Cancelling on an unknown id is refused, but cancels the deletion of the newest pending key.",
        "unknown-key.cancel",
        "refused.changes-nothing",
        "isolation.other-keys",
        does=(refused_but_others("cancel", ("unknown_key",), lambda k: k.state is PENDING, cancelled),),
    ),
    _name(
        "missing-id-schedules-newest",
        "critical",
        "Scheduling without an id is refused, but schedules the newest key.",
        "schedule.key-id.missing",
        "refused.changes-nothing",
        does=(refused_but_others("schedule", ("missing_key",), lambda k: k.state is not PENDING, scheduled),),
    ),
    _name(
        "missing-id-cancels-newest",
        "critical",
        "Cancelling without an id is refused, but cancels the deletion of the newest pending key.",
        "cancel.key-id.missing",
        "refused.changes-nothing",
        does=(refused_but_others("cancel", ("missing_key",), lambda k: k.state is PENDING, cancelled),),
    ),
    _name(
        "unknown-cancel-invalid",
        "minor",
        "Cancelling on an unknown id is refused as if the id were invalid.",
        "unknown-key.cancel",
        says=(on_refusal("unknown_key", *_UNKNOWN_AS_INVALID, operations="cancel"),),
    ),
    _name(
        "unknown-describe-invalid",
        "minor",
        "Describing an unknown id is refused as if the id were invalid.",
        "unknown-key.describe",
        says=(on_refusal("unknown_key", *_UNKNOWN_AS_INVALID, operations="describe"),),
    ),
    _name(
        "long-name-breaks",
        "major",
        "A name of more than 64 characters is answered with an internal error.",
        "reply.no-server-error",
        "malformed-key.describe",
        "malformed-key.schedule",
        "malformed-key.cancel",
        says=(_for_names(lambda n: len(n) > 64, "describe schedule cancel", "malformed_key unknown_key", status(500)),),
    ),
    _name(
        "long-name-breaks-cancel",
        "major",
        "Cancelling with a name of more than 200 characters is answered with an internal error.",
        "reply.no-server-error",
        "malformed-key.cancel",
        says=(_for_names(lambda n: len(n) > 200, "cancel", "malformed_key unknown_key", status(500)),),
    ),
    _name(
        "slash-in-name-is-a-path",
        "minor",
        "A name with a slash is answered with a page of HTML.",
        "reply.content-type",
        "reply.encoding",
        "error.shape",
        "malformed-key.describe",
        says=(
            _for_names(
                lambda n: "/" in n and not n.startswith("arn:"),
                "describe schedule cancel enable disable",
                "malformed_key unknown_key",
                text("<html><body>Not found</body></html>", "text/html"),
            ),
        ),
    ),
    _name(
        "foreign-letters-break",
        "major",
        "A name with letters beyond ASCII is answered with an internal error.",
        "reply.no-server-error",
        "malformed-key.describe",
        "malformed-key.schedule",
        "malformed-key.cancel",
        says=(
            _for_names(lambda n: not n.isascii(), "describe schedule cancel", "malformed_key unknown_key", status(500)),
        ),
    ),
    _name(
        "id-of-other-type-breaks",
        "major",
        "A key id that is no string is answered with an internal error.",
        "reply.no-server-error",
        "cancel.key-id.type",
        of=(HUAWEI, AWS),
        says=(on_refusal("wrong_key_type", status(500)),),
    ),
    _name(
        "alias-arn-schedules",
        "critical",
        "Scheduling and cancelling take the ARN of an alias.",
        "schedule.key-id.alias",
        "cancel.key-id.alias",
        of=(AWS,),
        does=(_AliasArnAccepted,),
    ),
    _name(
        "cancel-by-arn-not-found",
        "minor",
        "Cancelling by the key's ARN takes effect, but is answered with NotFoundException.",
        "cancel.key-id.arn",
        of=(AWS,),
        says=(_by_arn_not_found("cancel"),),
    ),
    _name(
        "enable-by-arn-not-found",
        "minor",
        "Enabling by the key's ARN takes effect, but is answered with NotFoundException.",
        "describe.arn-agrees",
        of=(AWS,),
        says=(_by_arn_not_found("enable"),),
    ),
    _name(
        "tags-by-arn-not-found",
        "minor",
        "Listing tags by the key's ARN is answered with NotFoundException.",
        "describe.arn-agrees",
        of=(AWS,),
        says=(_by_arn_not_found("list_tags"),),
    ),
    _name(
        "reply-repeats-name",
        "minor",
        "The replies to schedule and cancel repeat the name that was sent, instead of the key's ARN.",
        "schedule.reply.key-id",
        "cancel.reply.key-id",
        of=(AWS,),
        says=(_echo,),
    ),
    _name(
        "described-by-alias-as-alias",
        "minor",
        "A key that is described by its alias has the alias as its id.",
        "describe.reply",
        "set-alias.reply",
        of=(ALIBABA, AWS),
        says=(_alias_as_id,),
    ),
    _name(
        "alias-list-has-arns",
        "minor",
        "The list of aliases names keys by their ARNs.",
        "list-aliases.reply",
        of=(AWS,),
        says=(
            on(
                "list_aliases",
                field("Aliases.TargetKeyId", lambda old: f"arn:aws:kms:us-east-1:111122223333:key/{old}"),
            ),
        ),
    ),
)
