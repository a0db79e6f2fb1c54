"""The fourth blind set: tags, grants, policies, rotation and deletion protection."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    PENDING,
    changing_others,
    doing,
    refusing,
)
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, changing, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, pending
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.emulator import Key

_tag = rows_of("tags")
_grant = rows_of("grants and policies")
_protection = rows_of("deletion protection")


def _without_date(_: Memory, key: Key, _now: datetime) -> Key:
    return replace(key, deletion=None)


def _cancelled(memory: Memory, before: Key, after: Key) -> Key:
    return (
        replace(after, state=memory.rules.after_cancel, deletion=None, window_days=None) if pending(before) else after
    )


class _UntagByBeginning(RequestMemory):
    """Removing a tag removes all tags whose names begin with the same three letters."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation != "untag":
            return found
        named = [name for name, _ in before.tags if name not in dict(after.tags)]
        kept = tuple(tag for tag in after.tags if not any(tag[0].startswith(name[:3]) for name in named))
        return (replace(after, tags=kept),)


class _GrantsOfAll(Memory):
    """The list of the grants of a key has those of all keys."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "list_grants":
            return found
        others = [grant for other in self.known.values() if other.id != key.id for grant in other.grants]
        return replace(found, grants=(*found.grants, *others))


class _SameGrantOnce(Memory):
    """A grant is not made if another key has one with the same principal and operations."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation != "create_grant":
            return found
        new = after.grants[-1]
        elsewhere = [grant for key in keys if key.id != after.id for grant in key.grants]
        return (
            (before,) if any((new.grantee, new.operations) == (g.grantee, g.operations) for g in elsewhere) else found
        )


class _SecondScheduleLosesTags(Memory):
    """The second scheduling of a key removes its tags."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            second = operation == "schedule" and self.done["schedule", key.id] >= 2
            yield replace(key, tags=()) if second else key


class _ProtectionOfAll(Memory):
    """Turning deletion protection on or off does so for all keys."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield from super().effects(operation, before, after, keys)
        if operation == "set_deletion_protection":
            yield from (
                replace(key, protected=after.protected) for key in keys if key.id != after.id and not pending(key)
            )


TAGS = (
    _tag(
        "disable-removes-tags",
        "minor",
        "Disabling a key removes its tags.",
        "disable.keeps.tags",
        of=NAMED,
        does=(doing("disable", lambda _, after: replace(after, tags=())),),
    ),
    _tag(
        "enable-empties-tag-values",
        "minor",
        "Enabling a key empties the values of its tags.",
        "enable.keeps.tags",
        of=NAMED,
        does=(doing("enable", lambda _, after: replace(after, tags=tuple((name, "") for name, _v in after.tags))),),
    ),
    _tag(
        "untag-by-beginning",
        "minor",
        "Removing a tag removes all tags that begin with the same three letters.",
        "untag.reply",
        of=(AWS,),
        does=(_UntagByBeginning,),
    ),
    _tag(
        "second-schedule-loses-tags",
        "minor",
        "From the second time on, scheduling a key removes its tags.",
        "schedule.keeps.tags",
        "cancel.keeps.tags",
        of=NAMED,
        does=(_SecondScheduleLosesTags,),
    ),
    _tag(
        "pending-tags-unreadable",
        "minor",
        "Listing the tags of a pending key is refused for its state.",
        "pending.list-tags",
        of=(AWS,),
        does=(refusing("list_tags", "pending_manage", PENDING),),
    ),
    _tag(
        "tagging-disabled-in-vain",
        "minor",
        "Tagging a disabled key succeeds without an effect.",
        "disabled.allows",
        "tag.reply",
        of=NAMED,
        does=(doing("tag", lambda before, after: before if before.state is DISABLED else after),),
    ),
    _tag(
        "tag-values-cut",
        "minor",
        "Values of tags are cut after five characters.",
        "tag.reply",
        of=NAMED,
        does=(
            doing("tag", lambda _, after: replace(after, tags=tuple((name, text[:5]) for name, text in after.tags))),
        ),
    ),
    _tag(
        "tagging-clears-others",
        "major",
        "Tagging a key removes the tags of all other keys.",
        "isolation.other-keys",
        "tag.reply",
        of=NAMED,
        does=(changing_others("tag", lambda key: bool(key.tags), lambda key: replace(key, tags=())),),
    ),
)

GRANTS = (
    _grant(
        "enable-revokes-grants",
        "major",
        "Enabling a key revokes all grants on it.",
        "enable.keeps.grants",
        of=(AWS,),
        does=(doing("enable", lambda _, after: replace(after, grants=())),),
    ),
    _grant(
        "disable-resets-policy",
        "critical",
        "Disabling a key replaces its policy by the default policy.",
        "disable.keeps.policy",
        of=(AWS,),
        does=(doing("disable", lambda _, after: replace(after, policy="")),),
    ),
    _grant(
        "disable-removes-first-grant",
        "major",
        "Disabling a key revokes its oldest grant.",
        "disable.keeps.grants",
        of=(AWS,),
        does=(doing("disable", lambda _, after: replace(after, grants=after.grants[1:])),),
    ),
    _grant(
        "enable-turns-rotation-on",
        "minor",
        "Enabling a key turns its rotation on.",
        "enable.keeps.rotation",
        of=(AWS,),
        does=(doing("enable", lambda _, after: replace(after, rotated=True)),),
    ),
    _grant(
        "disable-turns-rotation-off",
        "major",
        "Disabling a key turns its rotation off for good.",
        "disable.keeps.rotation",
        of=(AWS,),
        does=(doing("disable", lambda _, after: replace(after, rotated=False)),),
    ),
    _grant(
        "pending-rotation-reads-on",
        "minor",
        "The rotation status of a pending key is true if it was on before.",
        "pending.rotation-off",
        of=(AWS,),
        does=(shown_as(("rotation_status",), _without_date),),
    ),
    _grant(
        "pending-rotation-status-refused",
        "major",
        "The rotation status of a pending key cannot be read.",
        "pending.rotation-status",
        of=(AWS,),
        does=(refusing("rotation_status", "pending_manage", PENDING),),
    ),
    _grant(
        "pending-policies-unlisted",
        "minor",
        "The names of the policies of a pending key cannot be listed.",
        "pending.list-policies",
        of=(AWS,),
        does=(refusing("list_policies", "pending_manage", PENDING),),
    ),
    _grant(
        "policy-of-pending-cancels",
        "critical",
        "Replacing the policy of a pending key cancels its deletion.",
        "pending.put-policy",
        "lifecycle.sequence",
        of=(AWS,),
        does=(changing("put_policy", _cancelled),),
    ),
    _grant(
        "revocation-on-pending-cancels",
        "critical",
        "Revoking a grant on a pending key cancels its deletion.",
        "pending.revoke-grant",
        "lifecycle.sequence",
        of=(AWS,),
        does=(changing("revoke_grant", _cancelled),),
    ),
    _grant(
        "grants-of-all-keys-listed",
        "major",
        "The list of the grants of a key has the grants of all keys.",
        "list-grants.reply",
        "isolation.other-keys",
        of=(AWS,),
        does=(_GrantsOfAll,),
    ),
    _grant(
        "same-grant-on-two-keys",
        "major",
        "A grant is not made if another key has one with the same principal and operations.",
        "create-grant.reply",
        of=(AWS,),
        does=(_SameGrantOnce,),
    ),
    _grant(
        "policy-of-disabled-in-vain",
        "major",
        "Replacing the policy of a disabled key succeeds without an effect.",
        "disabled.allows",
        "put-policy.reply",
        of=(AWS,),
        does=(doing("put_policy", lambda before, after: before if before.state is DISABLED else after),),
    ),
)


PROTECTION = (
    _protection(
        "protection-of-one-is-of-all",
        "major",
        "Deletion protection is turned on and off for all keys of the account at once.",
        "set-deletion-protection.reply",
        "schedule.from-enabled",
        "isolation.other-keys",
        of=(ALIBABA,),
        does=(_ProtectionOfAll,),
    ),
    _protection(
        "reason-replaces-description",
        "minor",
        "The reason for the deletion protection replaces the description of the key.",
        "set-deletion-protection.reply",
        "isolation.other-keys",
        of=(ALIBABA,),
        does=(
            doing(
                "set_deletion_protection",
                lambda _, after: replace(after, description=after.protection_description or after.description),
            ),
        ),
    ),
    _protection(
        "protecting-disables",
        "critical",
        "Turning deletion protection on disables the key.",
        "set-deletion-protection.reply",
        of=(ALIBABA,),
        does=(
            doing(
                "set_deletion_protection",
                lambda _, after: replace(after, state=DISABLED) if after.protected else after,
            ),
        ),
    ),
)
