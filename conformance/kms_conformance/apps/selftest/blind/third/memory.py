"""The third blind set: stale rows, caches, full tables, and keys that share what they must not share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, pending
from kms_conformance.apps.selftest.blind.third.mixins import asked_window, rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Key, Rules, State

_memory = rows_of("memory")
_NAMED = (ALIBABA, AWS)


class _TagWritesOldRow(Memory):
    """Tagging a key writes back the description that the key was created with."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._first[after.id] = after.description
        for key in super().effects(operation, before, after, keys):
            old = self._first.get(key.id, key.description)
            yield replace(key, description=old) if operation == "tag" else key


class _TemplateDisabled(Memory):
    """Disabling a key also disables the template of new keys, until a key is enabled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._disabled = False

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"enable", "disable"}:
            self._disabled = operation == "disable"
        return super().effects(operation, before, after, keys)

    def state_after_create(self, *, external: bool) -> State:
        found = super().state_after_create(external=external)
        return DISABLED if self._disabled and found is ENABLED else found


class _DescriptionOfNewest(Memory):
    """A new description goes to the newest key, whichever key was named."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        newest = next((key for key in reversed(tuple(keys)) if not key.default), after)
        if operation != "update_description" or newest.id == after.id:
            return found
        return before, replace(newest, description=after.description)


class _BrokenShard(Memory):
    """Every fourth new key is on a shard on which cancellations have no effect."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._created = 0
        self._broken: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation == "create":
            self._created += 1
            if self._created % 4 == 0:
                self._broken.add(after.id)
        return (before,) if operation == "cancel" and after.id in self._broken else found


class _VersionOverflows(Memory):
    """From the eighth change of its state on, a key's changes have no effect: its row version has three bits."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._changes: Counter[str] = Counter()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation not in CHANGES or before == after:
            return found
        self._changes[after.id] += 1
        return (before,) if self._changes[after.id] > 7 else found


class _DiskFull(Memory):
    """After 60 changes of keys the disk is full: further ones are answered with success, but not stored."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._changes = 0

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if before == after:
            return found
        self._changes += 1
        return (before,) if self._changes > 60 else found


class _CancelFromCache(Memory):
    """Cancelling again right after a cancellation is answered with the same success, from a cache."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._last: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation in CHANGES:
            self._last[after.id] = operation
        return (before,) if operation == "cancel" and before.state is not PENDING else found

    def refusal_for(self, operation: str, key: Key) -> str | None:
        cached = operation == "cancel" and key.state is not PENDING and self._last.get(key.id) == "cancel"
        return None if cached else super().refusal_for(operation, key)


class _ScheduleFromCache(RequestMemory):
    """Scheduling a pending key again with the same window is answered with success, without an effect."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        return (before,) if operation == "schedule" and before.state is PENDING else found

    def refusal_for(self, operation: str, key: Key) -> str | None:
        same = operation == "schedule" and pending(key) and asked_window(self) == str(key.window_days)
        return None if same else super().refusal_for(operation, key)


def _old_state(_m: Memory, before: Key, after: Key) -> Key:
    return replace(after, state=ENABLED) if before.state is DISABLED else after


MEMORIES = (
    _memory(
        "description-writes-old-state",
        "critical",
        "Changing the description of a disabled key enables it, because the whole row is written back as it was.",
        "update-description.reply",
        "state.disabled",
        does=(changing("update_description", _old_state),),
    ),
    _memory(
        "tag-writes-old-description",
        "minor",
        "Tagging a key gives it back the description that it was created with.",
        "tag.reply",
        of=_NAMED,
        does=(_TagWritesOldRow,),
    ),
    _memory(
        "new-key-like-last-disabled",
        "major",
        "A new key is disabled if the last key that was enabled or disabled was disabled.",
        "create.reply",
        "state.enabled",
        does=(_TemplateDisabled,),
    ),
    _memory(
        "description-goes-to-newest",
        "major",
        "A new description goes to the newest key of the account, whichever key was named.",
        "update-description.reply",
        "isolation.other-keys",
        does=(_DescriptionOfNewest,),
    ),
    _memory(
        "fourth-key-on-broken-shard",
        "critical",
        "Cancelling succeeds without an effect for every fourth key that was created.",
        "cancel.effect",
        "cancel.state-after",
        does=(_BrokenShard,),
    ),
    _memory(
        "eighth-change-in-vain",
        "critical",
        "From the eighth change of a key's state on, changes succeed without an effect.",
        "lifecycle.sequence",
        "cancel.effect",
        "schedule.state-after",
        does=(_VersionOverflows,),
    ),
    _memory(
        "disk-full",
        "critical",
        "After sixty changes of keys, further ones succeed without an effect.",
        "lifecycle.sequence",
        "cancel.effect",
        "schedule.state-after",
        does=(_DiskFull,),
    ),
    _memory(
        "cancel-from-cache",
        "major",
        "Cancelling again right after a cancellation succeeds, from a cache of replies.",
        "cancel.not-pending.cancelled",
        does=(_CancelFromCache,),
    ),
    _memory(
        "schedule-from-cache",
        "major",
        "Scheduling a pending key again with the same window succeeds without an effect.",
        "schedule.twice",
        does=(_ScheduleFromCache,),
    ),
)
