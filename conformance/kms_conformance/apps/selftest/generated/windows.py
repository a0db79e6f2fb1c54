"""Operators on waiting periods: their range, their length, the date that is told, and the end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.generated.facts import Facts
from kms_conformance.apps.selftest.generated.row import Deviation, Found, LeftOut, Make, Row
from kms_conformance.apps.selftest.generated.situation import Situated
from kms_conformance.emulator import Key, Rules, State

Reached = Callable[[], None]
_SECONDS = {"1-minute": 60, "10-minutes": 600, "1-hour": 3600, "6-hours": 21_600, "1-day": 86_400, "3-days": 259_200}
_FROM = (State.ENABLED, State.DISABLED)
_SCHEDULED: dict[str, Callable[[Key, Rules], bool]] = {
    "any": lambda _k, _r: True,
    "shortest": lambda key, rules: key.window_days == rules.window_minimum,
    "longest": lambda key, rules: key.window_days == rules.window_maximum,
}


def ranges(facts: Facts) -> Found:
    """The shortest or the longest waiting period is another one, or one length alone is refused or accepted."""
    low, high = facts.rules.window_minimum, facts.rules.window_maximum
    for shortest in dict.fromkeys((-1, 0, 1, low - 2, low - 1, low + 1, low + 2, low + 7)):
        name = f"from {shortest}"
        yield _range(name, f"The shortest waiting period is {shortest} days.", partial(_between, shortest, high))
    for longest in dict.fromkeys((high - 7, high - 2, high - 1, high + 1, high + 2, 2 * high, 366, 3650)):
        if longest == high or longest <= low:
            yield LeftOut(
                "ranges", (f"to {longest}",), "the documents give this bound, or a shorter one than the least"
            )
            continue
        name = f"to {longest}"
        yield _range(name, f"The longest waiting period is {longest} days.", partial(_between, low, longest))
    for days in dict.fromkeys((0, low - 2, low + 1, low + 2, (low + high) // 2, high - 2, high + 2, 365)):
        within = low <= days <= high
        verb = "refused" if within else "accepted"
        title = f"A waiting period of {days} days, and no other one, is {verb}."
        yield _range(f"{days} {verb}", title, partial(_but_for, days, low, high), situation="one length")


def _range(name: str, title: str, inside: Callable[[int], bool], situation: str = "always") -> Row:
    return Row("ranges", (name,), title, "critical", _ranging(inside), situation)


def _between(shortest: int, longest: int, days: int) -> bool:
    return shortest <= days <= longest


def _but_for(one: int, shortest: int, longest: int, days: int) -> bool:
    return (shortest <= days <= longest) is not (days == one)


def lengths(facts: Facts) -> Found:
    """The stored deletion date of a scheduled key is wrong by some time."""
    for sign, word in ((-1, "earlier"), (1, "later")):
        for name, seconds in _SECONDS.items():
            reason = _allowed(facts, sign * seconds)
            for state in _FROM:
                for which, holds in _SCHEDULED.items():
                    parts = (name, word, state, which)
                    if reason:
                        yield LeftOut("lengths", parts, reason)
                        continue
                    yield Row(
                        "lengths",
                        parts,
                        f"The deletion date of a key that was {state} is {_time(name)} {word} ({which} window).",
                        "critical",
                        _dated(state, holds, timedelta(seconds=sign * seconds)),
                        situation="always" if which == "any" else which,
                    )


def told_dates(facts: Facts) -> Found:
    """The date that describe tells is wrong, while the key is deleted at the right one."""
    for sign, word in ((-1, "earlier"), (1, "later")):
        for name, seconds in _SECONDS.items():
            reason = _allowed(facts, sign * seconds)
            for which, holds in _SCHEDULED.items():
                if reason:
                    yield LeftOut("told-dates", (name, word, which), reason)
                    continue
                yield Row(
                    "told-dates",
                    (name, word, which),
                    f"Describe tells a deletion date {_time(name)} {word} than the true one ({which} window).",
                    "major",
                    _told(holds, timedelta(seconds=sign * seconds)),
                    situation="always" if which == "any" else which,
                )


def ends(facts: Facts) -> Found:
    """A key is gone before its deletion date, or lives on after it."""
    for sign, word in ((-1, "before"), (1, "after")):
        for name, seconds in _SECONDS.items():
            reason = ""
            if sign > 0 and seconds <= facts.profile.deletion.gone_within_seconds:
                reason = "the profile lets a key stay as long after its date"
            if seconds <= facts.profile.deletion.date_tolerance_seconds:
                reason = "within the tolerance of dates"
            for which, holds in _SCHEDULED.items():
                if reason:
                    yield LeftOut("ends", (name, word, which), reason)
                    continue
                yield Row(
                    "ends",
                    (name, word, which),
                    f"A pending key is gone {_time(name)} {word} its deletion date ({which} window).",
                    "critical",
                    _gone(holds, timedelta(seconds=sign * seconds)),
                    situation="always" if which == "any" else which,
                )


OPERATORS = (ranges, lengths, told_dates, ends)


def _time(name: str) -> str:
    return name.replace("-", " ")


def _allowed(facts: Facts, seconds: int) -> str:
    """Why the profile admits a deletion date that is wrong by this many seconds; empty if it does not."""
    allowed = facts.profile.deletion
    if abs(seconds) <= allowed.date_tolerance_seconds:
        return "within the tolerance of dates"
    if 0 < seconds <= allowed.date_may_be_later_by_seconds:
        return "the profile lets a date be as much later"
    return ""


def _ranging(inside: Callable[[int], bool]) -> Make:
    def made(reached: Reached) -> Deviation:
        class Ranging(Situated):
            def window_in_range(self, asked: int) -> bool:
                found = inside(asked)
                if found is not super().window_in_range(asked):
                    reached()
                return found

        return Deviation((Ranging,))

    return made


def _dated(state: State, holds: Callable[[Key, Rules], bool], shift: timedelta) -> Make:
    def made(reached: Reached) -> Deviation:
        class Dated(Situated):
            def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
                for key in super().effects(operation, before, after, keys):
                    meant = operation == "schedule" and before.state is state and key.id == after.id
                    if not meant or key.deletion is None or not holds(key, self.rules):
                        yield key
                        continue
                    reached()
                    yield replace(key, deletion=key.deletion + shift)

        return Deviation((Dated,))

    return made


def _told(holds: Callable[[Key, Rules], bool], shift: timedelta) -> Make:
    def made(reached: Reached) -> Deviation:
        class Told(Situated):
            def shown(self, operation: str, key: Key, now: datetime) -> Key:
                found = super().shown(operation, key, now)
                if operation != "describe" or found.deletion is None or not holds(found, self.rules):
                    return found
                reached()
                return replace(found, deletion=found.deletion + shift)

        return Deviation((Told,))

    return made


def _gone(holds: Callable[[Key, Rules], bool], shift: timedelta) -> Make:
    def made(reached: Reached) -> Deviation:
        class Gone(Situated):
            def key_visible(self, key: Key, now: datetime) -> bool:
                found = super().key_visible(key, now)
                if key.state is not State.PENDING_DELETION or key.deletion is None or not holds(key, self.rules):
                    return found
                there = now < key.deletion + shift
                if there != found:
                    reached()
                return there

        return Deviation((Gone,))

    return made
