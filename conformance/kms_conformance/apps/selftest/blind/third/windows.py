"""The third blind set: windows and dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, dating, ranging
from kms_conformance.apps.selftest.blind.memory import Memory, changing, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import DAY, HOUR, RequestMemory, moved, pending
from kms_conformance.apps.selftest.blind.third.mixins import asked_id, earlier_by, rows_of
from kms_conformance.apps.selftest.deviation import HUAWEI
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Key, Rules

_window = rows_of("windows and dates")
_CHOICES = frozenset({7, 14, 30, 60, 90, 180, 365})


def _in_summer_time(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days) - (HOUR if days > 20 else timedelta())


def _without_leap_days(now: datetime, days: int) -> datetime:
    exact = now + timedelta(days=days)
    every = (now + timedelta(days=number) for number in range(1, days + 1))
    return exact - sum((DAY for day in every if (day.month, day.day) == (2, 29)), timedelta())


class _WindowBefore(Memory):
    """The window is kept in a variable of the service: a key waits for the window of the request before."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._days: int | None = None

    def deletion_date(self, now: datetime, days: int) -> datetime:
        used, self._days = self._days or days, days
        return super().deletion_date(now, used)


class _SlowNode(Memory):
    """Every second scheduling is carried out by a node whose clock is six hours slow."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._count = 0

    def deletion_date(self, now: datetime, days: int) -> datetime:
        self._count += 1
        return super().deletion_date(now, days) - (6 * HOUR if self._count % 2 == 0 else timedelta())


class _NodeInOtherZone(Memory):
    """Every second description of a pending key comes from a node that shows dates eight hours east of UTC."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._reads = 0

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "describe" or not pending(found):
            return found
        self._reads += 1
        return moved(found, 8 * HOUR) if self._reads % 2 == 0 else found


class _FromLastChange(Memory):
    """The waiting period begins with the change of state before the scheduling, or with the creation of the key."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._changed: dict[str, datetime] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        start = self._changed.get(after.id, before.created)
        if operation in CHANGES:
            self._changed[after.id] = self.now
        for key in super().effects(operation, before, after, keys):
            planned = operation == "schedule" and key.window_days is not None
            yield replace(key, deletion=start + timedelta(days=key.window_days or 0)) if planned else key


class _ShortSecondWindow(RequestMemory):
    """The lower bound of the window is not checked for a key whose deletion was once cancelled."""

    def window_in_range(self, days: int) -> bool:
        known = self.done["cancel", asked_id(self)] > 0
        return super().window_in_range(days) or (known and 0 < days < self.rules.window_minimum)


class _LostInSecond(Memory):
    """A cancellation in the same second as the scheduling is lost: the older row wins if the times are equal."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._scheduled: dict[str, datetime] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation == "schedule":
            self._scheduled[after.id] = self.now
        return (before,) if operation == "cancel" and self._scheduled.get(after.id) == self.now else found


def _smallest_if_disabled(memory: Memory, before: Key, after: Key) -> Key:
    surplus = timedelta(days=(after.window_days or 0) - memory.rules.window_minimum)
    return earlier_by(after, surplus) if before.state is DISABLED else after


def _with_old_date(memory: Memory, key: Key, _: datetime) -> Key:
    again = not pending(key) and memory.dates[key.id] and memory.done["enable", key.id]
    return replace(key, deletion=memory.dates[key.id][-1]) if again else key


WINDOWS = (
    _window(
        "summer-time",
        "major",
        "Windows of more than 20 days cross the end of the server's summer time: the date is an hour early.",
        "schedule.window.start",
        "schedule.window.maximum",
        "expiry.not-early",
        does=(dating(_in_summer_time),),
    ),
    _window(
        "window-of-request-before",
        "critical",
        "The window is kept in a variable of the service: a key waits for the window of the request before.",
        "schedule.window.start",
        "schedule.window.maximum",
        "expiry.not-early",
        does=(_WindowBefore,),
    ),
    _window(
        "two-days-of-grace",
        "major",
        "Two days of grace for the clean-up are added to each window, in the date that is shown, too.",
        "schedule.window.start",
        "expiry.gone",
        does=(dating(lambda now, days: now + timedelta(days=days + 2)),),
    ),
    _window(
        "window-in-whole-weeks",
        "major",
        "Windows are rounded up to whole weeks: 8 days count as 14.",
        "schedule.window.start",
        "schedule.window.maximum",
        does=(dating(lambda now, days: now + timedelta(weeks=-(-days // 7))),),
    ),
    _window(
        "leap-day-forgotten",
        "major",
        "Every year has 365 days: a window with a 29th of February is a day short.",
        "schedule.window.maximum",
        "expiry.not-early",
        of=(HUAWEI,),
        does=(dating(_without_leap_days),),
    ),
    _window(
        "slow-node",
        "critical",
        "Every second scheduling is dated by a node whose clock is six hours slow.",
        "schedule.window.start",
        "expiry.not-early",
        does=(_SlowNode,),
    ),
    _window(
        "node-in-other-zone",
        "major",
        "Every second description of a pending key shows its date eight hours east of UTC.",
        "describe.date-agrees",
        "schedule.window.start",
        "pending.describe",
        does=(_NodeInOtherZone,),
    ),
    _window(
        "window-from-last-change",
        "critical",
        "The waiting period begins with the last change of the key's state before it was scheduled.",
        "schedule.window.start",
        "expiry.not-early",
        does=(_FromLastChange,),
    ),
    _window(
        "disabled-waits-shortest",
        "critical",
        "A key that is disabled when it is scheduled waits for the shortest window, whatever is asked for.",
        "schedule.window.start",
        "schedule.from-disabled",
        "expiry.not-early",
        does=(changing("schedule", _smallest_if_disabled),),
    ),
    _window(
        "short-second-window",
        "critical",
        "The lower bound of the window is not checked for a key whose deletion was once cancelled.",
        "schedule.window.below-minimum",
        does=(_ShortSecondWindow,),
    ),
    _window(
        "windows-of-the-console",
        "major",
        "Only the windows that the console offers are accepted: 7, 14, 30, 60, 90, 180 and 365 days, and the largest.",
        "schedule.from-enabled",
        "schedule.window.start",
        does=(ranging(lambda days, rules: days in _CHOICES | {rules.window_maximum} and days <= rules.window_maximum),),
    ),
    _window(
        "cancel-in-same-second-lost",
        "critical",
        "A cancellation in the same second as the scheduling succeeds without an effect.",
        "cancel.effect",
        "cancel.state-after",
        does=(_LostInSecond,),
    ),
    _window(
        "old-date-after-enable",
        "minor",
        "A key that was enabled at least once shows its last deletion date although it is not pending.",
        "cancel.date-cleared",
        "describe.reply",
        does=(shown_as({"describe"}, _with_old_date),),
    ),
)
