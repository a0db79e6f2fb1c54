"""The third blind set: the clean-up job and the end of the waiting period."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.memory import Memory, changing_more, scheduled, vanishing
from kms_conformance.apps.selftest.blind.second.mixins import DAY, MINUTE, due, pending, restarting
from kms_conformance.apps.selftest.blind.third.mixins import earlier_by, rows_of
from kms_conformance.emulator import Key, Rules

_end = rows_of("the end of the waiting period")


def _hours_over(key: Key, now: datetime) -> bool:
    """Whether as many hours have passed as the window has days."""
    if key.deletion is None or key.window_days is None or not pending(key):
        return False
    return now >= key.deletion - timedelta(days=key.window_days) + timedelta(hours=key.window_days)


class _EverySecondSkipped(Memory):
    """The clean-up job skips every second key that is due, because it deletes from the list that it walks."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._decided: dict[tuple[str, datetime | None], bool] = {}

    def key_visible(self, key: Key, now: datetime) -> bool:
        visible = super().key_visible(key, now)
        if not due(key, now):
            return visible
        return self._decided.setdefault((key.id, key.deletion), len(self._decided) % 2 == 1)


class _JobDies(Memory):
    """The clean-up job deletes the first key that ever is due, and never runs again."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: str | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        visible = super().key_visible(key, now)
        if not due(key, now):
            return visible
        self._first = self._first or key.id
        return key.id != self._first


class _EndsWhenRead(Memory):
    """Whether a key's date has passed is looked at by reads alone: before one, its deletion can be cancelled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._swept: set[str] = set()

    def key_visible(self, key: Key, now: datetime) -> bool:
        super().key_visible(key, now)
        return not due(key, now) or key.id not in self._swept

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation not in {"describe", "list"}:
            return found
        self._swept |= {name for name, key in found.items() if due(key, self.now)}
        return {name: key for name, key in found.items() if name not in self._swept}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"schedule", "cancel"}:
            self._swept.discard(after.id)
        return super().effects(operation, before, after, keys)


class _ReadOnLastDay(Memory):
    """A key that was described in the last day of its waiting period can be described for ever."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._read: set[str] = set()

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        if operation == "describe" and self.left(key) <= DAY:
            self._read.add(key.id)
        return super().shown(operation, key, now)

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation != "describe":
            return found
        return {**found, **{name: self.seen[name] for name in self._read if name not in found}}


class _BackupRestored(Memory):
    """Each 90 operations of the store, keys are restored from a backup that is 30 operations old."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._operations = 0
        self._backup: dict[str, Key] = {}

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().changed_by_time(keys))
        self._operations += 1
        if self._operations % 90 == 60:
            self._backup = {key.id: key for key in keys if not key.default}
        if self._operations % 90 or not self._backup:
            return found
        return (*found, *(self._backup[key.id] for key in keys if key.id in self._backup))


def _disabled_if_cancelled(memory: Memory, key: Key) -> Key:
    return replace(key, state=DISABLED) if memory.done["cancel", key.id] and key.state is ENABLED else key


def _namesake(_: Memory, named: Key, other: Key) -> bool:
    return bool(named.description) and named.description == other.description and not pending(other)


ENDS = (
    _end(
        "window-in-hours-for-the-job",
        "critical",
        "The clean-up job takes the window for hours: a key is deleted after so many, whatever date it shows.",
        "expiry.not-early",
        "cancel.before-end",
        does=(vanishing(lambda _, key, now: not _hours_over(key, now)),),
    ),
    _end(
        "job-skips-every-second",
        "critical",
        "Of the keys whose date has passed, every second one is never deleted.",
        "expiry.gone",
        does=(_EverySecondSkipped,),
    ),
    _end(
        "job-dies-after-first-key",
        "critical",
        "Only the first key whose date passes is deleted; the clean-up job never runs again.",
        "expiry.gone",
        does=(_JobDies,),
    ),
    _end(
        "ends-only-when-read",
        "critical",
        "A key whose date has passed is gone for reads only: unless it was read, its deletion can be cancelled.",
        "expiry.no-cancel",
        "expiry.not-recoverable",
        does=(_EndsWhenRead,),
    ),
    _end(
        "used-key-never-ends",
        "critical",
        "A key that ever encrypted something is not deleted at its date.",
        "expiry.gone",
        does=(vanishing(lambda memory, key, now: not due(key, now) or memory.done["encrypt", key.id] > 0),),
    ),
    _end(
        "read-on-last-day-stays",
        "major",
        "A key that was described in the last day of its waiting period can be described for ever.",
        "expiry.gone",
        does=(_ReadOnLastDay,),
    ),
    _end(
        "backup-restored",
        "critical",
        "Now and then all keys are restored from a backup that is some requests old.",
        "lifecycle.sequence",
        "isolation.other-keys",
        "schedule.state-after",
        does=(_BackupRestored,),
    ),
    _end(
        "restart-brings-dates-nearer",
        "critical",
        "Each restart of the service (each 50 operations) brings all deletion dates ten minutes nearer.",
        "isolation.other-keys",
        "schedule.only-named-key",
        "expiry.not-early",
        does=(restarting(50, lambda _, key: earlier_by(key, 10 * MINUTE) if pending(key) else key),),
    ),
    _end(
        "restart-disables-cancelled",
        "critical",
        "Each restart of the service (each 40 operations) disables the enabled keys whose deletion was ever cancelled.",
        "isolation.other-keys",
        "cancel.usable-again",
        "state.enabled",
        "lifecycle.sequence",
        does=(restarting(40, _disabled_if_cancelled),),
    ),
    _end(
        "namesakes-scheduled",
        "critical",
        "Scheduling a key also schedules all keys with the same description, because it looks them up by it.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(changing_more("schedule", _namesake, scheduled),),
    ),
)
