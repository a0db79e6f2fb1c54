"""The second blind set: the end of the waiting period."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    Mixin,
    accepting_if,
    refusing_if,
    shown_as,
    vanishing,
)
from kms_conformance.apps.selftest.blind.second.mixins import (
    DAY,
    HOUR,
    MINUTE,
    due,
    minute_of,
    moved,
    pending,
    remembering_deleted,
    rows_of,
    since_schedule,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Key, Rules, State

_end = rows_of("the end of the waiting period")
_WEEK = timedelta(days=7)
_OTHER = {ENABLED: DISABLED, DISABLED: ENABLED}


class _SlotPerMinute(Memory):
    """One job for each minute: a second key with a date in the same minute takes the place of the first."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._jobs: dict[datetime, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._jobs[minute_of(after.deletion)] = after.id
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        return super().key_visible(key, now) or self._jobs.get(minute_of(key.deletion), key.id) != key.id


class _CancelClearsMinute(Memory):
    """Cancelling removes the jobs of all keys with a date in the same minute."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._cleared: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._cleared.discard(after.id)
        if operation == "cancel":
            minute = minute_of(before.deletion)
            self._cleared |= {key.id for key in keys if pending(key) and minute_of(key.deletion) == minute}
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        return super().key_visible(key, now) or key.id in self._cleared


class _LateCancelLosesRace(Memory):
    """A cancellation in the last hour is carried out, but the key is deleted at its date all the same."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._doomed: dict[str, datetime] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._doomed.pop(after.id, None)
        if operation == "cancel" and before.deletion is not None and self.left(before) <= HOUR:
            self._doomed[after.id] = before.deletion
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        return super().key_visible(key, now) and (key.id not in self._doomed or now < self._doomed[key.id])


class _GoneFromListsOnly(Memory):
    """A key whose date has passed is missing in lists, and everything else still works."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        super().key_visible(key, now)
        return True

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if not due(key, self.now)]


class _DeletedRefusedAsPending(_GoneFromListsOnly):
    """A key whose date has passed is refused as a pending one, for ever."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        return "pending_use" if due(key, self.now) else super().refusal_for(operation, key)


class _RecentUse(Memory):
    """A key that was used in the last five minutes still decrypts, whatever its state."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._used: dict[str, datetime] = {}

    def refusal_for(self, operation: str, key: Key) -> str | None:
        used = self._used.get(key.id)
        cached = operation == "decrypt" and used is not None and self.now - used < 5 * MINUTE
        return None if cached else super().refusal_for(operation, key)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"encrypt", "generate_data_key"}:
            self._used[after.id] = self.now
        return super().effects(operation, before, after, keys)


class _AfterADay(Memory):
    """Cancelling after a day or more leaves the key in the other of the states enabled and disabled."""

    def state_after_cancel(self, key: Key) -> State:
        found = super().state_after_cancel(key)
        return _OTHER.get(found, found) if since_schedule(self, key) >= DAY else found


def _midnight(key: Key) -> datetime:
    return minute_of(key.deletion).replace(hour=0, minute=0)


def _stays(when: Callable[[Memory, Key], bool]) -> Mixin:
    """A key for which `when` is true is not deleted at its date."""
    return vanishing(lambda memory, key, now: not due(key, now) or when(memory, key))


ENDS = (
    _end(
        "gone-from-lists-only",
        "critical",
        "At its date a key disappears from lists, but can still be read, and its deletion cancelled, for ever.",
        "expiry.gone",
        "expiry.no-cancel",
        "expiry.not-recoverable",
        does=(_GoneFromListsOnly,),
    ),
    _end(
        "deleted-still-decrypts",
        "critical",
        "The material of a deleted key is left in the cryptographic module: its ciphertexts still decrypt.",
        "expiry.decrypt",
        does=(remembering_deleted({"decrypt"}, lambda key: replace(key, state=ENABLED)),),
    ),
    _end(
        "deleted-stay-listed",
        "major",
        "Deleted keys stay in lists for ever.",
        "expiry.gone",
        "list.row-agrees",
        does=(remembering_deleted({"list"}),),
    ),
    _end(
        "deleted-refused-as-pending",
        "major",
        "A deleted key is refused as if it were still pending, not as an unknown one.",
        "expiry.gone",
        does=(_DeletedRefusedAsPending,),
    ),
    _end(
        "alias-blocks-end",
        "critical",
        "A key with an alias is not deleted at its date.",
        "expiry.gone",
        "expiry.aliases",
        of=(ALIBABA, AWS),
        does=(_stays(lambda _, key: bool(key.aliases)),),
    ),
    _end(
        "tag-blocks-end",
        "critical",
        "A key with tags is not deleted at its date.",
        "expiry.gone",
        of=(ALIBABA, AWS),
        does=(_stays(lambda _, key: bool(key.tags)),),
    ),
    _end(
        "grant-blocks-end",
        "critical",
        "A key with grants is not deleted at its date.",
        "expiry.gone",
        of=(AWS,),
        does=(_stays(lambda _, key: bool(key.grants)),),
    ),
    _end(
        "disabled-never-ends",
        "critical",
        "A key that was disabled when it was scheduled is not deleted at its date.",
        "expiry.gone",
        does=(_stays(lambda memory, key: memory.was_disabled(key)),),
    ),
    _end(
        "rescheduled-never-ends",
        "critical",
        "A key that was scheduled, cancelled and scheduled again is not deleted at its date.",
        "expiry.gone",
        does=(_stays(lambda memory, key: len(memory.dates[key.id]) > 1),),
    ),
    _end(
        "one-job-a-minute",
        "critical",
        "Of two keys with dates in the same minute, only the one that was scheduled last is deleted.",
        "expiry.gone",
        "schedule.only-named-key",
        does=(_SlotPerMinute,),
    ),
    _end(
        "cancel-clears-the-minute",
        "critical",
        "Cancelling the deletion of a key prevents that of all keys with dates in the same minute.",
        "expiry.gone",
        "cancel.only-named-key",
        does=(_CancelClearsMinute,),
    ),
    _end(
        "gone-at-midnight-before",
        "critical",
        "A key is deleted at the midnight before its date.",
        "expiry.not-early",
        "cancel.before-end",
        does=(vanishing(lambda _, key, now: not pending(key) or now < _midnight(key)),),
    ),
    _end(
        "late-cancel-loses-race",
        "critical",
        "A cancellation in the last hour is answered with success, but the key is deleted at its date.",
        "cancel.before-end",
        "cancel.effect",
        does=(_LateCancelLosesRace,),
    ),
    _end(
        "cancel-grace-of-a-day",
        "major",
        "A deletion can be cancelled in the first day only.",
        "cancel.before-end",
        does=(refusing_if({"cancel"}, "not_pending", lambda memory, key: since_schedule(memory, key) > DAY),),
    ),
    _end(
        "cancel-after-a-day-other-state",
        "major",
        "After a day of waiting, cancelling leaves the key in the other of the states enabled and disabled.",
        "cancel.state-after",
        does=(_AfterADay,),
    ),
    _end(
        "usable-until-last-week",
        "critical",
        "A pending key can be used until seven days before its date.",
        "pending.encrypt",
        "pending.decrypt",
        "pending.generate-data-key",
        does=(
            accepting_if(
                {"encrypt", "decrypt", "generate_data_key"},
                lambda memory, key: pending(key) and memory.left(key) > _WEEK,
            ),
        ),
    ),
    _end(
        "decrypts-from-cache",
        "critical",
        "A key that encrypted in the last five minutes still decrypts after it was disabled or scheduled.",
        "pending.decrypt",
        "state.disabled",
        does=(_RecentUse,),
    ),
    _end(
        "list-date-lags-a-day",
        "minor",
        "Lists show the deletion date one day too early.",
        "list.row-agrees",
        of=(HUAWEI,),
        does=(shown_as({"list"}, lambda _m, key, _now: moved(key, -DAY)),),
    ),
)
