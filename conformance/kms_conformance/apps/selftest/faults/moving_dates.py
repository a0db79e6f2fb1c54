"""Faults of dates: they move with time or with a request, count from another moment, or are not the dates acted on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, Mixin, changing_though_refused, visible
from kms_conformance.apps.selftest.deviation import AWS, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Key, Rules, State

_STILL: frozenset[RequirementId] = frozenset({"pending.describe"})
_fault = partial(Fault, fault_class="dates", severity="critical")
_of_reads = partial(_fault, severity="major", families=("pending_use", "cancel"), requirements=_STILL)
_of_end = partial(_fault, families=("waiting_period",), requirements=frozenset({"expiry.not-early"}))


class _FromTheRead(Decisions):
    """Each read shows the time of the read plus the window as the deletion date."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation not in {"describe", "list"} or found.deletion is None or found.window_days is None:
            return found
        return replace(found, deletion=now + timedelta(days=found.window_days))


def _each_read(number: int, by: timedelta) -> Mixin:
    """Each `number`-th read of a pending key moves its deletion date, which is also the date acted on."""

    class EachRead(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._reads = 0

        def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation, before, after, keys))
            if operation != "describe" or after.deletion is None:
                return found
            self._reads += 1
            return found if self._reads % number else (replace(after, deletion=after.deletion + by),)

    return EachRead


def _counted_from_creation(key: Key, now: datetime) -> bool:
    return key.window_days is None or now < key.created + timedelta(days=key.window_days)


class _OlderThanItsWindow(Decisions):
    """The date that is told and acted on counts from the creation of the key, but is never in the past."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation != "schedule" or after.deletion is None or after.window_days is None:
            return found
        asked_at = after.deletion - timedelta(days=after.window_days)
        date = max(after.created + timedelta(days=after.window_days), asked_at + timedelta(days=1))
        return (replace(after, deletion=date),)


class _EarlyIfCancelledBefore(Decisions):
    """A key whose deletion was cancelled before goes an hour before its deletion date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._cancelled: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self._cancelled.add(after.id)
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        early = timedelta(hours=1) if key.id in self._cancelled and key.state is PENDING else timedelta()
        return super().key_visible(key, now + early)


def _gone_before(by: timedelta) -> Mixin:
    return visible(lambda key, now: key.deletion is None or now < key.deletion - by)


def _a_day_more(key: Key) -> Key:
    late = key.state is State.PENDING_DELETION and key.deletion is not None
    return replace(key, deletion=key.deletion + timedelta(days=1)) if late and key.deletion is not None else key


FAULTS = (
    # --- the date stands still ----------------------------------------------------------------------------------------
    _of_reads(
        name="date-counts-from-the-read",
        title="Each read shows the time of the read plus the window as the deletion date.",
        decisions=(_FromTheRead,),
    ),
    _of_reads(
        name="date-slides-at-each-second-read",
        title="Each second read of a pending key moves its deletion date a minute later.",
        decisions=(_each_read(2, timedelta(minutes=1)),),
    ),
    _of_reads(
        name="date-comes-closer-at-each-third-read",
        title="Each third read of a pending key moves its deletion date an hour earlier.",
        severity="critical",
        decisions=(_each_read(3, timedelta(hours=-1)),),
    ),
    _fault(
        name="refused-schedule-moves-the-date-of-all",
        title="Scheduling a pending key again is refused, but moves the dates of pending keys a day.",
        families=("schedule",),
        requirements=frozenset({"schedule.twice"}),
        decisions=(changing_though_refused({"already_pending"}, _a_day_more),),
    ),
    _fault(
        name="refused-cancel-moves-the-date",
        title="A cancellation without a key is refused, but moves the dates of pending keys a day.",
        families=("cancel",),
        requirements=frozenset({"cancel.key-id.missing"}),
        decisions=(changing_though_refused({"missing_key"}, _a_day_more, "cancel"),),
    ),
    # --- from when it counts ------------------------------------------------------------------------------------------
    _fault(
        name="waiting-period-counts-from-creation",
        title="The waiting period counts from the creation of the key: a key older than its window is gone at once.",
        families=("waiting_period",),
        # In a whole run, the clock has been moved by two hours before, so the key ends that much early.
        requirements=frozenset({"schedule.not-immediate", "expiry.not-early"}),
        decisions=(visible(_counted_from_creation),),
    ),
    _fault(
        name="date-counts-from-creation",
        title="The deletion date counts from the creation of the key, and is at least a day ahead.",
        families=("waiting_period",),
        requirements=frozenset({"schedule.window.start"}),
        decisions=(_OlderThanItsWindow,),
    ),
    # --- the date told is the date acted on ---------------------------------------------------------------------------
    _of_end(
        name="gone-an-hour-early-if-cancelled-before",
        title="A key whose deletion was cancelled before is gone an hour before its deletion date.",
        decisions=(_EarlyIfCancelledBefore,),
    ),
    _of_end(
        name="gone-a-minute-early",
        title="A key is gone a minute before its deletion date.",
        decisions=(_gone_before(timedelta(minutes=1)),),
    ),
    _fault(
        name="schedule-tells-a-day-more",
        title="The reply to a schedule request tells a date that is a day after the date acted on.",
        dialects=(AWS,),
        severity="major",
        families=("agreement",),
        requirements=frozenset({"schedule.reply.date"}),
        filters=(on("schedule", field("DeletionDate", lambda date: date + 86_400)),),
    ),
    _of_end(
        name="gone-a-day-before-the-told-date",
        title="All replies tell a date that is up to a day after the date acted on, as the profile allows.",
        dialects=(AWS,),
        decisions=(_gone_before(timedelta()),),
        filters=(
            on("schedule", field("DeletionDate", lambda date: date + 80_000)),
            on("describe", field("KeyMetadata.DeletionDate", lambda date: date + 80_000)),
        ),
    ),
)
