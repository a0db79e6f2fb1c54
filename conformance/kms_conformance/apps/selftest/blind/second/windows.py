"""The second blind set: windows and dates."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import dating, reading_windows, showing
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    Mixin,
    changing,
    refused_but,
)
from kms_conformance.apps.selftest.blind.second.mixins import (
    BROKEN,
    DAY,
    HOUR,
    moved,
    pending,
    restarting,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import BOTH, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import on_refusal, status
from kms_conformance.emulator import Key, Rules

_window = rows_of("windows and dates")


def _overflowed(days: int) -> timedelta:
    """So many days in milliseconds, in a signed number of 32 bits."""
    return timedelta(milliseconds=(days * 86_400_000 + 2**31) % 2**32 - 2**31)


def _reading(pattern: str, base: int = 10) -> Mixin:
    """Windows of this form are read as Python reads them, if the number is in the range."""

    def read(value: object, rules: Rules) -> int | None:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            return None
        days = int(value, base)
        return days if rules.window_minimum <= days <= rules.window_maximum else None

    return reading_windows(read)


class _FirstWindow(Memory):
    """A key keeps the window with which it was first scheduled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, timedelta] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            if operation != "schedule" or key.deletion is None:
                yield key
            else:
                yield replace(key, deletion=self.now + self._first.setdefault(key.id, key.deletion - self.now))


class _TimeOfStart(Memory):
    """The time is read once, at the first request, for all deletion dates."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._started: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._started = self._started or now
        return super().key_visible(key, now)

    def deletion_date(self, now: datetime, days: int) -> datetime:
        return (self._started or now) + timedelta(days=days)


def _from_creation(_: Memory, before: Key, after: Key) -> Key:
    return replace(after, deletion=before.created + timedelta(days=after.window_days or 0))


def _waiting_anew(memory: Memory, key: Key) -> Key:
    if not pending(key):
        return key
    return replace(key, deletion=memory.now.replace(microsecond=0) + timedelta(days=key.window_days or 0))


def _read_later(_m: Memory, _before: Key, after: Key) -> Key:
    return moved(after, HOUR) if pending(after) else after


WINDOWS = (
    _window(
        "window-in-a-byte",
        "critical",
        "A window is stored in one byte: 256 days count as none, 1096 days as 72.",
        "schedule.window.start",
        "schedule.window.maximum",
        "expiry.not-early",
        of=(HUAWEI,),
        does=(dating(lambda now, days: now + timedelta(days=days % 256)),),
    ),
    _window(
        "window-in-32-bit-milliseconds",
        "critical",
        "A window is computed as milliseconds in 32 bits: from 25 days on, the date lies in the past.",
        "schedule.window.start",
        "schedule.window.maximum",
        "schedule.not-immediate",
        "expiry.not-early",
        does=(dating(lambda now, days: now + _overflowed(days)),),
    ),
    _window(
        "date-from-creation",
        "critical",
        "The waiting period begins when the key was created, not when it was scheduled.",
        "schedule.window.start",
        "expiry.not-early",
        does=(changing("schedule", _from_creation),),
    ),
    _window(
        "second-window-forgotten",
        "major",
        "A key that is scheduled again after a cancellation waits for its first window, whatever is asked for.",
        "schedule.window.start",
        "expiry.not-early",
        does=(_FirstWindow,),
    ),
    _window(
        "date-an-hour-early",
        "major",
        "The deletion date is an hour early, so that the clean-up job is in time.",
        "schedule.window.start",
        "expiry.not-early",
        does=(dating(lambda now, days: now + timedelta(days=days) - HOUR),),
    ),
    _window(
        "date-from-start-of-server",
        "critical",
        "The clock is read once, when the service starts: dates count from then.",
        "schedule.window.start",
        "expiry.not-early",
        does=(_TimeOfStart,),
    ),
    _window(
        "window-capped-at-four-weeks",
        "major",
        "A window of more than 28 days is accepted, but counts as 28.",
        "schedule.window.start",
        "schedule.window.maximum",
        "expiry.not-early",
        does=(dating(lambda now, days: now + timedelta(days=min(days, 28))),),
    ),
    _window(
        "date-in-zone-of-server",
        "major",
        "Deletion dates are shown in the server's zone, eight hours east, as if it were UTC.",
        "schedule.window.start",
        does=(showing({"describe", "list", "schedule"}, lambda key: moved(key, 8 * HOUR)),),
    ),
    _window(
        "window-in-other-digits",
        "minor",
        "A window in the digits of another script counts as the number.",
        "schedule.window.text",
        of=BOTH,
        does=(_reading(r"[^\x00-\x7f]\d*"),),
    ),
    _window(
        "window-with-underscores",
        "minor",
        "A window such as `1_0` counts as ten days, as in some programming languages.",
        "schedule.window.text",
        of=BOTH,
        does=(_reading(r"[0-9]+(_[0-9]+)+"),),
    ),
    _window(
        "window-hexadecimal",
        "minor",
        "A window such as `0x1e` counts as the number that it is in base 16.",
        "schedule.window.text",
        of=BOTH,
        does=(_reading(r"0[xX][0-9a-fA-F]+", 16),),
    ),
    _window(
        "window-huge-breaks",
        "minor",
        "A window beyond every integer type is answered with an internal error.",
        "schedule.window.huge",
        "reply.no-server-error",
        says=(on_refusal("window_huge", BROKEN, status(500)),),
    ),
    _window(
        "read-postpones",
        "major",
        "Each description of a pending key moves its deletion date by an hour.",
        "pending.describe",
        "schedule.window.start",
        does=(changing("describe", _read_later),),
    ),
    _window(
        "refused-use-postpones",
        "major",
        "A refused encryption with a pending key moves its deletion date by a day.",
        "refused.changes-nothing",
        "pending.encrypt",
        does=(refused_but("encrypt", lambda _, key: pending(key), lambda _, key: moved(key, DAY)),),
    ),
    _window(
        "refused-enable-restarts-window",
        "major",
        "A refused attempt to enable a pending key starts the waiting period anew.",
        "refused.changes-nothing",
        "pending.enable",
        does=(refused_but("enable", lambda _, key: pending(key), _waiting_anew),),
    ),
    _window(
        "restart-starts-windows-anew",
        "major",
        "After a restart of the service (each 50 operations), pending keys wait for their whole window again.",
        "schedule.window.start",
        "expiry.gone",
        "isolation.other-keys",
        does=(restarting(50, _waiting_anew),),
    ),
)
