"""The fourth blind set: windows and deletion dates."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import dating, ranging
from kms_conformance.apps.selftest.blind.fourth.mixins import rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, shown_as
from kms_conformance.apps.selftest.blind.second.mixins import DAY, MINUTE, RequestMemory, moved, pending
from kms_conformance.apps.selftest.blind.third.mixins import asked_id, asked_window
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, pending_read, where
from kms_conformance.emulator import Key, Rules

_window = rows_of("windows and dates")


class _LargestShort(Memory):
    """The largest window counts as one day less."""

    def window_days(self, value: object) -> int:
        days = super().window_days(value)
        return days - 1 if days == self.rules.window_maximum else days


class _Spread(Memory):
    """Dates are spread over the two hours before the end of the window."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._dates = 0

    def deletion_date(self, now: datetime, days: int) -> datetime:
        self._dates += 1
        return super().deletion_date(now, days) - (5 + 37 * self._dates % 115) * MINUTE


class _OnlyLonger(RequestMemory):
    """A window that is shorter than the first one of the key is refused."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, int] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule" and after.window_days is not None:
            self._first.setdefault(after.id, after.window_days)
        return super().effects(operation, before, after, keys)

    def window_in_range(self, days: int) -> bool:
        return super().window_in_range(days) and days >= self._first.get(asked_id(self), 0)


class _ListPostpones(Memory):
    """Each list moves the deletion dates by ten minutes."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._listed = False

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        self._listed = True
        return super().listed(keys)

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        due, self._listed = self._listed, False
        return [moved(key, 10 * MINUTE) for key in keys if pending(key)] if due else super().changed_by_time(keys)


class _DescriptionHastens(Memory):
    """A refused change of the description of a pending key brings its date a day nearer."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "update_description" and key is not None and pending(key):
            return (moved(key, -DAY),)
        return super().effects_of_refusal(operation, refusal, key, keys)


class _LastDayAgain(Memory):
    """On the last day of its waiting period, a key can be scheduled anew."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        open_ = operation == "schedule" and self.left(key) < DAY
        return None if open_ else super().refusal_for(operation, key)


class _WindowTwiceRefused(RequestMemory):
    """A window that was refused once for a key is accepted at the second attempt."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._refused: set[tuple[str, str]] = set()

    def window_in_range(self, days: int) -> bool:
        found = super().window_in_range(days)
        case = asked_id(self), asked_window(self)
        again = case in self._refused and 0 < days < 100000
        if not found:
            self._refused.add(case)
        return found or again


def _shown_start(_: Memory, key: Key, _now: datetime) -> Key:
    window = timedelta(days=key.window_days or 0)
    return replace(key, deletion=key.deletion - window) if pending(key) and key.deletion is not None else key


class _MissingWindowOfLast(Memory):
    """A request without a window is carried out with that of the latest scheduling."""

    def window_problem(self, value: object) -> str | None:
        found = super().window_problem(value)
        return None if found == "window_missing" and self.latest is not None else found

    def window_days(self, value: object) -> int:
        known = isinstance(value, str | int)
        last = None if self.latest is None else self.latest.window_days
        return super().window_days(value) if known or last is None else last


class _BadWindowCancels(Memory):
    """Scheduling a pending key with a bad window is refused, but cancels its deletion."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "schedule" and refusal.startswith("window_") and key is not None and pending(key):
            return (replace(key, state=self.rules.after_cancel, deletion=None, window_days=None),)
        return super().effects_of_refusal(operation, refusal, key, keys)


class _TwoDigits(Memory):
    """Windows of one digit are refused."""

    def window_problem(self, value: object) -> str | None:
        one = str(value).isdigit() and len(str(value)) == 1
        return "window_out_of_range" if one else super().window_problem(value)


class _ArnIgnoresWindow(RequestMemory):
    """A key that is named by its ARN waits for the largest window, whatever is asked for."""

    def window_days(self, value: object) -> int:
        named = str(self.asked.parameters.get("KeyId", "")).startswith("arn:")
        return self.rules.window_maximum if named else super().window_days(value)


class _WindowOfAccount(Memory):
    """If another own key is pending with a longer window, a new one waits as long."""

    def deletion_date(self, now: datetime, days: int) -> datetime:
        others = [key.window_days for key in self.known.values() if key.id in self.before and pending(key)]
        return super().deletion_date(now, max([days, *(window for window in others if window is not None)]))


WINDOWS = (
    _window(
        "largest-window-a-day-short",
        "major",
        "The largest window counts as one day less.",
        "schedule.window.maximum",
        "schedule.window.start",
        does=(_LargestShort,),
    ),
    _window(
        "dates-spread-before-end",
        "critical",
        "Deletion dates are spread over the two hours before the end of the window, so that the job has less to do.",
        "schedule.window.start",
        "expiry.not-early",
        does=(_Spread,),
    ),
    _window(
        "window-may-only-grow",
        "major",
        "A key that is scheduled again cannot wait for less than the first time: shorter windows are refused.",
        "schedule.window.minimum",
        "lifecycle.sequence",
        does=(_OnlyLonger,),
    ),
    _window(
        "list-postpones",
        "major",
        "Each list of keys moves the deletion dates of pending keys by ten minutes.",
        "schedule.window.start",
        "pending.listed",
        "expiry.gone",
        does=(_ListPostpones,),
    ),
    _window(
        "refused-description-brings-date-nearer",
        "critical",
        "A refused change of the description of a pending key brings its deletion date a day nearer.",
        "refused.changes-nothing",
        "pending.update-description",
        does=(_DescriptionHastens,),
    ),
    _window(
        "last-day-schedule-anew",
        "major",
        "On the last day of its waiting period, a pending key can be scheduled anew.",
        "schedule.twice",
        "expiry.gone",
        does=(_LastDayAgain,),
    ),
    _window(
        "bad-window-accepted-at-second-attempt",
        "critical",
        "A window out of range is accepted if the same request is repeated.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        does=(_WindowTwiceRefused,),
    ),
    _window(
        "start-shown-as-date",
        "major",
        "The description of a pending key shows the time of the request as the deletion date.",
        "schedule.window.start",
        does=(shown_as(("describe",), _shown_start),),
    ),
    _window(
        "days-shown-as-date",
        "major",
        "The description of a pending key shows the number of days as the deletion date.",
        "schedule.window.start",
        "describe.reply",
        of=(HUAWEI, ALIBABA),
        says=(
            where(pending_read, field("key_info.scheduled_deletion_date", lambda _: "7")),
            where(pending_read, field("KeyMetadata.DeleteDate", lambda _: "7")),
        ),
    ),
    _window(
        "missing-window-of-last-request",
        "major",
        "Without a window, a key waits as long as the key that was scheduled last.",
        "schedule.window.absent",
        of=(HUAWEI,),
        does=(_MissingWindowOfLast,),
    ),
    _window(
        "bad-window-cancels",
        "critical",
        "Scheduling a pending key with a bad window is refused, but cancels its deletion.",
        "refused.changes-nothing",
        "schedule.twice",
        does=(_BadWindowCancels,),
    ),
    _window(
        "window-of-one-digit-refused",
        "major",
        "Windows of one digit are refused.",
        "schedule.window.minimum",
        does=(_TwoDigits,),
    ),
    _window(
        "arn-ignores-window",
        "major",
        "A key that is scheduled by its ARN waits for the largest window, whatever is asked for.",
        "schedule.key-id.arn",
        "schedule.window.start",
        of=(AWS,),
        does=(_ArnIgnoresWindow,),
    ),
    _window(
        "longest-window-of-account-counts",
        "major",
        "A key waits as long as the key of the account that waits for the longest window.",
        "schedule.window.start",
        does=(_WindowOfAccount,),
    ),
    _window(
        "days-of-1400-minutes",
        "major",
        "Days are counted as 1400 minutes.",
        "schedule.window.start",
        "expiry.not-early",
        does=(dating(lambda now, days: now + timedelta(minutes=1400 * days)),),
    ),
    _window(
        "middle-windows-refused",
        "major",
        "Only the smallest and the largest window are accepted.",
        "schedule.window.start",
        "lifecycle.sequence",
        does=(ranging(lambda days, rules: days in {rules.window_minimum, rules.window_maximum}),),
    ),
)
