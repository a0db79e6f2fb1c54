"""Transitions: the operations that lead a key from one state to another, and what a key shows after them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.catalogue.profile import Deletion, Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import AFTER, DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT
from kms_conformance.dialects.base import KeyView

#: (state, wanted state) -> the next operation on the way. The deletion of a pending key is cancelled first.
STEPS: Mapping[tuple[str, str], str] = {
    (ENABLED, DISABLED): "disable",
    (DISABLED, ENABLED): "enable",
    (ENABLED, PENDING): "schedule",
    (DISABLED, PENDING): "schedule",
    (PENDING_IMPORT, PENDING): "schedule",
    (PENDING, ENABLED): "cancel",
    (PENDING, DISABLED): "cancel",
}
#: operation -> the requirement that is broken if the operation is accepted and has no effect.
EFFECTS: Mapping[str, RequirementId] = {
    "schedule": "schedule.state-after",
    "cancel": "cancel.effect",
    "enable": "enable.reply",
    "disable": "disable.reply",
}


class NoTransition(Inconclusive):
    """No operation leads from the state of this key to the wanted state; another key may be able to get there."""


def has_effect(operation: str, after: KeyView) -> bool:
    """Whether a key reads as an operation that was accepted leaves it.

    A cancel may lead to several states. A key that reads as gone after it is read again: it can only be a read that
    lags behind.
    """
    return after.state not in {PENDING, GONE} if operation == "cancel" else after.state == AFTER[operation]


def expected_after(operation: str) -> str:
    """What a key reads as after an operation, in words."""
    return f"the key reads back as {AFTER.get(operation, 'no longer pending')}"


def after_cancel_from(state: str) -> RequirementId:
    """The requirement on the state after a cancel, for a key that was scheduled in this state."""
    return "cancel.state-after" if state == ENABLED else "cancel.state-after.disabled"


def is_usable(after: KeyView) -> bool:
    """Whether a key that waits for no deletion can be used, perhaps after it is enabled."""
    return after.state in {ENABLED, DISABLED}


def is_dated(date: datetime, expected: datetime, deletion: Deletion) -> bool:
    """Whether a deletion date is the expected date, but for what the profile allows: tolerance, delay, rounding up."""
    late = (date - expected).total_seconds()
    if (
        -deletion.date_tolerance_seconds
        <= late
        <= deletion.date_may_be_later_by_seconds + deletion.date_tolerance_seconds
    ):
        return True
    return any(
        date.timestamp() % step == 0 and 0 <= late < step + deletion.date_tolerance_seconds
        for step in deletion.date_may_be_rounded_up_to_seconds
    )


@dataclass(frozen=True)
class Taken:
    """A request that the target took at some moment from `first` to `last`, in its time for keys."""

    first: datetime
    last: datetime

    def date(self, days: int, shown: datetime | None) -> datetime:
        """The deletion date to expect for a window: the moment counts that is nearest to the date `shown`."""
        window = timedelta(days=days)
        return min(max(shown or self.first + window, self.first + window), self.last + window)


def changed(names: Sequence[str], was: KeyView, now: KeyView) -> str:
    """The fields with these names that differ, in words; empty if none does. An empty field is like an absent one."""
    return ", ".join(
        f"{name} is {now.fields.get(name)!r} instead of {was.fields.get(name)!r}"
        for name in names
        if (was.fields.get(name) or None) != (now.fields.get(name) or None)
    )


@dataclass(frozen=True)
class Mismatch:
    """What a key shows after a transition, and should not: the requirement that is broken, expected and received."""

    requirement: RequirementId
    expected: str
    received: str


@dataclass(frozen=True)
class Transition:
    """An operation on a key that was carried out.

    - was: the key before the operation.
    - asked_at, answered_at: the times for keys before the request and after the reply; None if they are not known.
    - days: the window in days; None for other operations than `schedule`.
    """

    operation: str
    was: KeyView
    asked_at: datetime | None
    answered_at: datetime | None
    days: int | None = None

    def mismatches(self, now: KeyView, profile: Profile) -> Iterator[Mismatch]:
        """What the key shows besides its new state that does not follow from the operation.

        These are a deletion date other than the one that was asked for, and fields that no change of the state changes.
        """
        if self.days is not None and self.asked_at is not None and self.answered_at is not None:
            expected = Taken(self.asked_at, self.answered_at).date(self.days, now.deletion_at)
            if now.deletion_at is None or not is_dated(now.deletion_at, expected, profile.deletion):
                told = f"a deletion date of {date_text(expected)}"
                yield Mismatch("schedule.window.start", told, date_text(now.deletion_at))
        differ = changed(profile.key_fields.fields, self.was, now)
        if differ:
            yield Mismatch(as_id(f"{self.operation}.keeps.fields"), "the fields of the key as before", differ)


def date_text(date: datetime | None) -> str:
    """A deletion date in words, ISO 8601, UTC; `none` if there is none."""
    return "none" if date is None else f"{date:%Y-%m-%dT%H:%M:%SZ}"
