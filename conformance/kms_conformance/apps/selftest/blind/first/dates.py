"""Blind faults about dates of creation and deletion."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from kms_conformance.apps.selftest.behaviour_mutations import dating
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    changing,
    shown_as,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import HUAWEI, Fault
from kms_conformance.emulator import Key

_time = rows_of("time")


class _LongerWins(Memory):
    """The deletion date never moves to an earlier time, not even after a cancellation."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            late = operation == "schedule" and key.id == after.id
            yield replace(key, deletion=max(self.dates[key.id])) if late else key


def _from_creation(_: Memory, __: Key, key: Key) -> Key:
    return replace(key, deletion=key.created + timedelta(days=key.window_days or 0))


DATES: tuple[Fault, ...] = (
    # --- dates --------------------------------------------------------------------------------------------------------
    _time(
        "date-from-creation",
        "critical",
        "The window counts from the creation of the key, not from the request.",
        "schedule.window.start",
        does=(changing("schedule", _from_creation),),
    ),
    _time(
        "first-date-again",
        "critical",
        "A key that was cancelled and is scheduled again gets its first deletion date.",
        "schedule.window.start",
        "lifecycle.sequence",
        does=(changing("schedule", lambda m, _, k: replace(k, deletion=m.dates[k.id][0])),),
    ),
    _time(
        "latest-date-wins",
        "major",
        "A key that was cancelled and is scheduled again keeps the later one of its dates.",
        "schedule.window.start",
        "lifecycle.sequence",
        does=(_LongerWins,),
    ),
    _time(
        "date-slides",
        "minor",
        "The deletion date that is read is always the whole window from now.",
        "pending.describe",
        "schedule.window.start",
        does=(
            shown_as(
                ("describe", "list"),
                lambda _m, k, now: replace(k, deletion=now + timedelta(days=k.window_days)) if k.window_days else k,
            ),
        ),
    ),
    _time(
        "reading-moves-date",
        "critical",
        "Each reading of a pending key moves its deletion an hour away.",
        "pending.describe",
        does=(
            changing(
                "describe", lambda _m, _b, k: replace(k, deletion=k.deletion + timedelta(hours=1)) if k.deletion else k
            ),
        ),
    ),
    _time(
        "reading-brings-date-nearer",
        "minor",
        "Each reading of a pending key brings its deletion a minute nearer.",
        "pending.describe",
        does=(
            changing(
                "describe",
                lambda _m, _b, k: replace(k, deletion=k.deletion - timedelta(minutes=1)) if k.deletion else k,
            ),
        ),
    ),
    _time(
        "enable-renews-creation",
        "minor",
        "Enabling a key sets its creation date to now.",
        "lifecycle.sequence",
        "describe.reply",
        does=(changing("enable", lambda m, _b, k: replace(k, created=m.now)),),
    ),
    _time(
        "schedule-renews-creation",
        "minor",
        "Scheduling a key sets its creation date to the deletion date.",
        "lifecycle.sequence",
        "describe.reply",
        does=(changing("schedule", lambda _m, _b, k: replace(k, created=k.deletion or k.created)),),
    ),
    _time(
        "date-cut-to-hour",
        "critical",
        "The deletion date is cut to the full hour, up to an hour too early.",
        "schedule.window.start",
        does=(dating(lambda now, days: (now + timedelta(days=days)).replace(minute=0, second=0)),),
    ),
    _time(
        "date-cut-to-day",
        "critical",
        "The deletion date is cut to midnight, up to a day too early.",
        "schedule.window.start",
        does=(dating(lambda now, days: (now + timedelta(days=days)).replace(hour=0, minute=0, second=0)),),
    ),
    _time(
        "date-in-local-time",
        "critical",
        "The deletion date is computed in a time zone five hours west.",
        "schedule.window.start",
        does=(dating(lambda now, days: now + timedelta(days=days, hours=-5)),),
    ),
    _time(
        "working-days",
        "major",
        "Only working days count: two days are added for five.",
        "schedule.window.start",
        does=(dating(lambda now, days: now + timedelta(days=days + 2 * (days // 5))),),
    ),
    _time(
        "first-day-counts",
        "critical",
        "The day of the request counts as the first day of the window.",
        "schedule.window.start",
        does=(dating(lambda now, days: now + timedelta(days=days - 1)),),
    ),
    _time(
        "longest-counts-weeks",
        "critical",
        "Windows of 30 days and more count in weeks: 30 days are 28.",
        "schedule.window.start",
        "schedule.window.maximum",
        does=(dating(lambda now, days: now + timedelta(days=days if days < 30 else days // 7 * 7)),),
    ),
    _time(
        "long-windows-in-months",
        "critical",
        "A window of 30 days and more counts as months of 28 days.",
        "schedule.window.start",
        "schedule.window.maximum",
        of=(HUAWEI,),
        does=(dating(lambda now, days: now + timedelta(days=days if days < 30 else days // 30 * 28)),),
    ),
)
