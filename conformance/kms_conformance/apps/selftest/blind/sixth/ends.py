"""Faults of the end of the waiting period: keys that die early, late or never, or that are kept in vain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.blind.sixth.mixins import (
    BROKEN,
    DAY,
    HOUR,
    Remembering,
    Storing,
    is_pending,
    last_part,
    rows_of,
)
from kms_conformance.emulator import Key, RefusalAnswer, State

_row = rows_of("ends of the waiting period")


class DueFromEnabledOnly(Storing):
    """The search for keys that are due joins the table of keys that were enabled."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = before.state
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        return (is_pending(key) and self.notes.get(key.id) is State.DISABLED) or super().lives(key, now)


class ImportsNeverDue(Remembering):
    """The job that destroys material skips keys without material, and so never ends them."""

    def lives(self, key: Key, now: datetime) -> bool:
        return key.external or super().lives(key, now)


class LastHourIsTooLate(Storing):
    """The job has claimed the keys of the next hour; report of a user of a store with a purge of deleted entries."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel" and before.deletion is not None and before.deletion - self.now <= HOUR:
            self.notes[after.id] = before.deletion
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        claimed = self.notes.get(key.id)
        return (claimed is None or now < claimed) and super().lives(key, now)


class FirstTimerGoesOn(Storing):
    """Cancelling does not stop the timer, and the timer looks only whether the key is pending."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule" and after.deletion is not None:
            first = self.notes.get(after.id)
            self.notes[after.id] = first if first is not None and first > self.now else after.deletion
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        timer = self.notes.get(key.id)
        fires = is_pending(key) and timer is not None and now >= timer
        return not fires and super().lives(key, now)


class FirstWindowStays(Storing):
    """The row of the waiting period is inserted once and never updated."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "schedule" or after.deletion is None or after.window_days is None:
            return ()
        first: int = self.notes.setdefault(after.id, after.window_days)
        begun = after.deletion - timedelta(days=after.window_days)
        return (replace(after, window_days=first, deletion=begun + timedelta(days=first)),)


class BucketIsDropped(Storing):
    """Keys are put in a bucket for each window, which is dropped as a whole; cancelled keys are still in it."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = (after.window_days, self.now)
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        lives, (window, put) = super().lives(key, now), self.notes.get(key.id, (None, now))
        if not lives and key.deletion is not None:
            self.notes["dropped", window] = key.deletion
        dropped = self.notes.get(("dropped", window))
        in_vain = window is not None and not is_pending(key) and dropped is not None and put < dropped
        return lives and not in_vain


class RefusedRequestPostpones(Storing):
    """The second request moves the timer before it is refused; the shown date stays."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "schedule" and key is not None and is_pending(key) and self.window is not None:
            self.notes[key.id] = self.now + timedelta(days=self.window)
        return super().effects_of_refusal(operation, refusal, key, keys)

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self.notes.pop(after.id, None)
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        moved = self.notes.get(key.id)
        return (is_pending(key) and moved is not None and now < moved) or super().lives(key, now)


class ReadsPostpone(Storing):
    """A read of a pending key begins its waiting period anew, as caches with a sliding expiry do."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "describe" or after.deletion is None or after.window_days is None:
            return ()
        window = timedelta(days=after.window_days)
        begun = after.deletion - window
        return (replace(after, deletion=self.now + window),) if self.now - begun >= DAY else ()


class DueKeysCanBeCancelled(Remembering):
    """Reads leave out keys that are due, but nobody deletes them; report of a user of moto."""

    def lives(self, key: Key, now: datetime) -> bool:
        return True

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if operation == "cancel":
            return found
        return {name: key for name, key in found.items() if key.deletion is None or self.now < key.deletion}


class SweptByTheNextSchedule(Storing):
    """Keys that are due are deleted when somebody schedules the next one; report of a user of RustFS."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes["swept"] = self.now
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        swept = self.notes.get("swept")
        return super().lives(key, now) or swept is None or key.deletion is None or swept < key.deletion


class ReplicaUndoesCancel(Storing):
    """A replica that was away for an hour writes back the key as it was before the cancellation."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self.notes[after.id] = (before, self.now)
        return ()

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        for key in keys:
            old, cancelled = self.notes.get(key.id, (key, self.now))
            if self.now - cancelled >= HOUR:
                del self.notes[key.id]
                if not is_pending(key):
                    yield replace(key, state=State.PENDING_DELETION, deletion=old.deletion, window_days=old.window_days)


class DeletedKeyBreaksTheService(Remembering):
    """The row of a deleted key is there without its material, and every request for it fails inside."""

    def lives(self, key: Key, now: datetime) -> bool:
        lives = super().lives(key, now)
        if not lives:
            self.notes[key.id] = True
        return lives

    def answer(self, refusal: str) -> RefusalAnswer:
        broken = refusal == "unknown_key" and last_part(self.named) in self.notes
        return RefusalAnswer(500, BROKEN[self.rules.dialect]) if broken else super().answer(refusal)


ENDS = (
    _row(
        "due-from-enabled-only",
        "critical",
        "A key that was disabled when its deletion was scheduled is never deleted.",
        "expiry.gone",
        "expiry.no-cancel",
        does=[DueFromEnabledOnly],
    ),
    _row(
        "imports-never-due",
        "critical",
        "A key whose material was never imported stays pending for ever.",
        "expiry.gone",
        does=[ImportsNeverDue],
    ),
    _row(
        "last-hour-cancelled-in-vain",
        "critical",
        "A cancellation in the last hour is accepted, and the key is deleted at its date all the same.",
        "cancel.before-end",
        "cancel.effect",
        "expiry.nothing-else",
        does=[LastHourIsTooLate],
    ),
    _row(
        "first-timer-goes-on",
        "critical",
        "A key that is scheduled again after a cancellation is deleted at its first date, before the one it shows.",
        "expiry.not-early",
        "lifecycle.sequence",
        does=[FirstTimerGoesOn],
    ),
    _row(
        "first-window-stays",
        "critical",
        "The second scheduling of a key takes the window of the first.",
        "schedule.window.start",
        "schedule.window.exact",
        "schedule.window.maximum",
        "expiry.not-early",
        does=[FirstWindowStays],
    ),
    _row(
        "bucket-is-dropped",
        "critical",
        "When a key is due, keys that had the same window and were cancelled since are deleted with it.",
        "expiry.nothing-else",
        "cancel.effect",
        does=[BucketIsDropped],
    ),
    _row(
        "refused-request-postpones",
        "critical",
        "A second scheduling is refused, and the key lives until the date that it would have had.",
        "schedule.twice",
        "refused.changes-nothing",
        "expiry.gone",
        does=[RefusedRequestPostpones],
    ),
    _row(
        "reads-postpone",
        "critical",
        "Reading a pending key a day later begins its waiting period anew.",
        "pending.describe",
        "expiry.gone",
        "schedule.window.start",
        does=[ReadsPostpone],
    ),
    _row(
        "due-keys-can-be-cancelled",
        "critical",
        "After its date a key cannot be read, but cancelling succeeds and brings it back.",
        "expiry.no-cancel",
        "expiry.not-recoverable",
        does=[DueKeysCanBeCancelled],
    ),
    _row(
        "swept-by-the-next-schedule",
        "critical",
        "Keys that are due are deleted only when the deletion of another key is scheduled.",
        "expiry.gone",
        "expiry.no-cancel",
        does=[SweptByTheNextSchedule],
    ),
    _row(
        "replica-undoes-cancel",
        "critical",
        "An hour after its deletion was cancelled, a key is pending again with its old date.",
        "cancel.effect",
        "expiry.nothing-else",
        "lifecycle.sequence",
        does=[ReplicaUndoesCancel],
    ),
    _row(
        "deleted-key-breaks-the-service",
        "major",
        "Requests for a deleted key are answered with an internal error, for ever.",
        "reply.no-server-error",
        "expiry.gone",
        does=[DeletedKeyBreaksTheService],
    ),
)
