"""The second blind set: memory across several operations, and caches."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
)
from kms_conformance.apps.selftest.blind.second.mixins import (
    RequestMemory,
    every_nth_lost,
    restarting,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Key, Rules

_memory = rows_of("memory")


class _FirstEnableInVain(Memory):
    """The first attempt to enable a key after a cancellation has no effect."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._armed: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation == "cancel":
            self._armed.add(after.id)
        if operation == "enable" and after.id in self._armed:
            self._armed.discard(after.id)
            return (before,)
        return found


class _NoScheduleAfterCancel(Memory):
    """A key cannot be scheduled until it was enabled or disabled since its deletion was cancelled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._last: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in CHANGES:
            self._last[after.id] = operation
        return super().effects(operation, before, after, keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if operation == "schedule" and self._last.get(key.id) == "cancel":
            return "already_pending"
        return super().refusal_for(operation, key)


class _SameScheduleFromCache(Memory):
    """Scheduling a key with a window that it had before is answered from a cache, without an effect."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._answered: set[tuple[str, int | None]] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        asked = (after.id, after.window_days)
        if operation == "schedule" and asked in self._answered:
            return (before,)
        if operation == "schedule":
            self._answered.add(asked)
        return found


class _BrokenReplica(Memory):
    """Every tenth description shows the key as it was before its last change of state, however long ago that was."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._before: dict[str, Key] = {}
        self._reads = 0

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in CHANGES and before.state is not after.state:
            self._before[after.id] = before
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "describe":
            return found
        self._reads += 1
        return self._before.get(key.id, found) if self._reads % 10 == 0 else found


class _FirstSnapshot(Memory):
    """Cancelling restores what the key was when it was first scheduled: description, aliases, tags, grants, policy."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, Key] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            if operation == "schedule":
                self._first.setdefault(key.id, key)
            old = self._first.get(key.id, key)
            if operation != "cancel":
                yield key
            else:
                back = replace(key, description=old.description, aliases=old.aliases)
                yield replace(back, tags=old.tags, grants=old.grants, policy=old.policy)


class _StaleDescription(Memory):
    """A new description is not shown before the key's state changes."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._shown: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in CHANGES or operation == "create":
            self._shown[after.id] = after.description
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "describe":
            return found
        return replace(found, description=self._shown.get(key.id, found.description))


class _AliasCache(RequestMemory):
    """The reply to a description by alias is cached for ever, by the alias."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._replies: dict[str, Key] = {}

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        name = self.asked.parameters.get("KeyId")
        if operation != "describe" or not isinstance(name, str) or "alias/" not in name:
            return found
        return self._replies.setdefault(name, found)


class _ListUntilCreate(Memory):
    """A list shows the keys as they were at the first list after the last creation of a key."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._list: tuple[Key, ...] | None = None

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._list = None
        return super().effects(operation, before, after, keys)

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        if self._list is None:
            self._list = tuple(super().listed(keys))
        return self._list


MEMORIES = (
    _memory(
        "first-enable-in-vain",
        "major",
        "The first attempt to enable a key after a cancellation succeeds without an effect.",
        "cancel.usable-again",
        "lifecycle.sequence",
        of=(HUAWEI, AWS),
        does=(_FirstEnableInVain,),
    ),
    _memory(
        "no-schedule-right-after-cancel",
        "major",
        "A key whose deletion was just cancelled cannot be scheduled before it was enabled or disabled.",
        "schedule.from-disabled",
        "schedule.from-enabled",
        "lifecycle.sequence",
        does=(_NoScheduleAfterCancel,),
    ),
    _memory(
        "same-schedule-from-cache",
        "major",
        "Scheduling a key anew with a window that it had before succeeds without an effect.",
        "schedule.state-after",
        "lifecycle.sequence",
        does=(_SameScheduleFromCache,),
    ),
    _memory(
        "every-seventh-schedule-lost",
        "major",
        "Every seventh scheduling succeeds without an effect.",
        "schedule.state-after",
        "schedule.from-enabled",
        "lifecycle.sequence",
        does=(every_nth_lost("schedule", 7),),
    ),
    _memory(
        "every-ninth-cancel-lost",
        "critical",
        "Every ninth cancellation succeeds without an effect.",
        "cancel.effect",
        "cancel.state-after",
        "lifecycle.sequence",
        does=(every_nth_lost("cancel", 9),),
    ),
    _memory(
        "broken-replica",
        "major",
        "Every tenth description shows the state before the last change, however long ago that was.",
        "schedule.state-after",
        "cancel.effect",
        "lifecycle.sequence",
        does=(_BrokenReplica,),
    ),
    _memory(
        "cancel-restores-first-snapshot",
        "major",
        "Cancelling restores description, aliases, tags, grants and policy of the first scheduling.",
        "cancel.keeps.name",
        "lifecycle.sequence",
        does=(_FirstSnapshot,),
    ),
    _memory(
        "new-description-shown-late",
        "minor",
        "A new description is not shown before the key's state changes.",
        "update-description.reply",
        does=(_StaleDescription,),
    ),
    _memory(
        "described-by-alias-from-cache",
        "major",
        "The description of a key by its alias is cached for ever.",
        "schedule.state-after",
        "describe.reply",
        of=(ALIBABA, AWS),
        does=(_AliasCache,),
    ),
    _memory(
        "list-refreshed-by-create",
        "minor",
        "A list shows the keys as they were when a key was last created.",
        "list.row-agrees",
        "expiry.gone",
        does=(_ListUntilCreate,),
    ),
    _memory(
        "restart-enables-disabled",
        "critical",
        "After a restart of the service (each 60 operations), all disabled keys are enabled.",
        "isolation.other-keys",
        "state.disabled",
        does=(restarting(60, lambda _, key: replace(key, state=ENABLED) if key.state is DISABLED else key),),
    ),
)
