"""The fourth blind set: aliases."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    accepting,
    doing,
    refusing,
)
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, pending
from kms_conformance.apps.selftest.deviation import AWS
from kms_conformance.emulator import Decisions, Key

_alias = rows_of("aliases")


def _cut(alias: str) -> str:
    return alias[:24]


def _cancelled(memory: Memory, before: Key, after: Key) -> Key:
    return (
        replace(after, state=memory.rules.after_cancel, deletion=None, window_days=None) if pending(before) else after
    )


class _TakenNames(Decisions):
    """An alias counts as taken if a key has one that begins with the same 20 letters."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return any(alias[:20] == other[:20] for key in keys for other in key.aliases)


class _AliasOfRefusedLost(RequestMemory):
    """A refused scheduling deletes the aliases of the pending key."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "schedule" and refusal == "already_pending" and key is not None:
            return (replace(key, aliases=()),)
        return super().effects_of_refusal(operation, refusal, key, keys)


class _AliasesOfDisabledUnknown(Memory):
    """Aliases of disabled keys name nothing in requests."""

    def found(self, operation: str, keys: Mapping[str, Key], earlier: Any) -> Mapping[str, Key]:  # noqa: ANN401 - as the base
        found = super().found(operation, keys, earlier)
        if operation != "resolve_alias":
            return found
        return {name: key for name, key in found.items() if key.state is not DISABLED}


ALIASES = (
    _alias(
        "disable-deletes-aliases",
        "major",
        "Disabling a key deletes its aliases.",
        "disable.keeps.aliases",
        of=NAMED,
        does=(doing("disable", lambda _, after: replace(after, aliases=())),),
    ),
    _alias(
        "enable-keeps-last-alias",
        "major",
        "Enabling a key leaves it no alias but the last one.",
        "enable.keeps.aliases",
        of=NAMED,
        does=(doing("enable", lambda _, after: replace(after, aliases=after.aliases[-1:])),),
    ),
    _alias(
        "aliases-cut-at-24",
        "major",
        "Aliases are cut after 24 characters.",
        "set-alias.reply",
        does=(doing("set_alias", lambda _, after: replace(after, aliases=tuple(map(_cut, after.aliases)))),),
    ),
    _alias(
        "second-schedule-deletes-aliases",
        "major",
        "Scheduling a pending key again is refused, but deletes its aliases.",
        "refused.changes-nothing",
        "schedule.twice",
        does=(_AliasOfRefusedLost,),
    ),
    _alias(
        "deleted-alias-cancels",
        "critical",
        "Deleting an alias of a pending key cancels its deletion.",
        "pending.delete-alias",
        "lifecycle.sequence",
        of=NAMED,
        does=(changing("delete_alias", _cancelled),),
    ),
    _alias(
        "alias-moved-to-pending",
        "major",
        "An alias can be moved to a pending key.",
        "pending.update-alias",
        of=(AWS,),
        does=(accepting("update_alias", PENDING),),
    ),
    _alias(
        "similar-alias-is-taken",
        "major",
        "An alias is refused as taken if another begins with the same 20 letters.",
        "set-alias.reply",
        of=NAMED,
        does=(_TakenNames,),
    ),
    _alias(
        "aliases-of-disabled-name-nothing",
        "major",
        "The aliases of a disabled key name nothing in requests.",
        "disabled.every-name",
        of=NAMED,
        does=(_AliasesOfDisabledUnknown,),
    ),
    _alias(
        "pending-aliases-unreadable",
        "minor",
        "The aliases of a pending key cannot be listed.",
        "pending.list-aliases",
        of=(AWS,),
        does=(refusing("list_aliases", "pending_manage", PENDING),),
    ),
    _alias(
        "new-alias-not-stored-for-disabled",
        "major",
        "Giving a disabled key an alias succeeds without an effect.",
        "disabled.allows",
        "set-alias.reply",
        does=(doing("set_alias", lambda before, after: before if before.state is DISABLED else after),),
    ),
    _alias(
        "alias-change-enables",
        "critical",
        "Giving a disabled key an alias enables it.",
        "disabled.allows",
        "set-alias.reply",
        does=(
            doing("set_alias", lambda _, after: replace(after, state=ENABLED) if after.state is DISABLED else after),
        ),
    ),
)
