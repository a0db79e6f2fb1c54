"""Faults of long waiting periods and late cancels: the window is cut short, or the key comes back as another one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, with_
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(Fault, fault_class="long waits", severity="critical", families=("waiting_period",))
_DAY = timedelta(days=1)
_OTHER_MATERIAL = b"other material".ljust(32, b".")


class _Timed(Decisions):
    """Knows the time of the last request."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self.now = now
        return super().key_visible(key, now)

    def left(self, key: Key) -> timedelta:
        """The time that a pending key has left."""
        return timedelta.max if key.deletion is None or self.now is None else key.deletion - self.now

    def waited(self, key: Key) -> timedelta:
        """The time that a pending key has waited."""
        return timedelta() if key.deletion is None else timedelta(days=key.window_days or 0) - self.left(key)


def _coming_back(is_late: Callable[[_Timed, Key], bool], **changed: object) -> type[Decisions]:
    """A cancel for which `is_late` is true brings the key back with these values changed."""

    class ComingBack(_Timed):
        def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            late = operation == "cancel" and is_late(self, before)
            for key in super().effects(operation, before, after, keys):
                yield with_(**changed)(key) if late and key.id == before.id else key

    return ComingBack


def _on_the_last_day(timed: _Timed, key: Key) -> bool:
    return timed.left(key) < _DAY


def _after_three_days(timed: _Timed, key: Key) -> bool:
    return timed.waited(key) > 3 * _DAY


class _LongWindowEndsEarly(_Timed):
    """A key with a window of more than 28 days is gone after 28 days."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        long = key.state is PENDING and (key.window_days or 0) > 28
        return there and not (long and self.waited(key) >= 28 * _DAY)


class _LongWindowIsNotCancelled(_Timed):
    """With a window of more than 20 days, a cancel is refused from the tenth day on."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if operation == "cancel" and (key.window_days or 0) > 20 and self.waited(key) > 10 * _DAY:
            return "not_pending"
        return super().refusal_for(operation, key)


FAULTS = (
    _fault(
        name="late-cancel-changes-material",
        title="A cancel on the last day of the waiting period brings the key back with other key material.",
        requirements=frozenset({"cancel.usable-again"}),
        decisions=(_coming_back(_on_the_last_day, material=_OTHER_MATERIAL),),
    ),
    _fault(
        name="long-wait-changes-material",
        title="A key that was pending for more than three days comes back with other key material.",
        requirements=frozenset({"cancel.usable-again"}),
        decisions=(_coming_back(_after_three_days, material=_OTHER_MATERIAL),),
    ),
    _fault(
        name="late-cancel-empties-description",
        title="A cancel on the last day of the waiting period takes the description of the key away.",
        severity="major",
        requirements=frozenset({"cancel.keeps.name"}),
        decisions=(_coming_back(_on_the_last_day, description=""),),
    ),
    _fault(
        name="long-window-ends-early",
        title="A key with a window of more than 28 days is gone after 28 days.",
        requirements=frozenset({"expiry.not-early"}),
        decisions=(_LongWindowEndsEarly,),
    ),
    _fault(
        name="long-window-is-not-cancelled",
        title="With a window of more than 20 days, a cancel is refused from the tenth day on.",
        requirements=frozenset({"cancel.before-end"}),
        decisions=(_LongWindowIsNotCancelled,),
    ),
)
