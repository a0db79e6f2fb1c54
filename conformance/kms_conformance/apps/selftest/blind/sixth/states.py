"""Faults of key states: repeated and simultaneous requests, former states, windows, and keys of other kinds."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from kms_conformance.apps.selftest.blind.sixth.mixins import (
    LIFECYCLE,
    NAMING,
    Remembering,
    Storing,
    is_pending,
    last_part,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, HUAWEI
from kms_conformance.emulator import ABSENT, Inbound, Key, Rules, State

_row = rows_of("states of keys")


class SecondCancelIsOther(Storing):
    """The first cancellation is coded, and later ones find a history from which they take the wrong entry."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self.notes[after.id] = True
        return ()

    def state_after_cancel(self, key: Key) -> State:
        state = super().state_after_cancel(key)
        if key.id not in self.notes or state is State.PENDING_IMPORT:
            return state
        return State.ENABLED if state is State.DISABLED else State.DISABLED


class RefusedStateIsQueued(Remembering):
    """A refused enabling or disabling of a pending key is kept as the wanted state, and reached by cancelling."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation in {"enable", "disable"} and key is not None and is_pending(key):
            self.notes[key.id] = State.ENABLED if operation == "enable" else State.DISABLED
        return super().effects_of_refusal(operation, refusal, key, keys)

    def state_after_cancel(self, key: Key) -> State:
        state: State = self.notes.pop(key.id, super().state_after_cancel(key))
        return state


class DisableIsDebounced(Storing):
    """Changes of one key within a second are taken for a double click, and the later one is dropped."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "enable":
            self.notes[after.id] = self.now
        enabled = self.notes.get(after.id)
        dropped = operation == "disable" and enabled is not None and self.now - enabled <= timedelta(seconds=1)
        return (before,) if dropped else ()


class TenthScheduleInVain(Storing):
    """A batch of ten is written when it is full, and the entry that fills it is lost."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "schedule":
            return ()
        self.notes["count"] = self.notes.get("count", 0) + 1
        return (before,) if self.notes["count"] % 10 == 0 else ()


class SameRequestInVain(Storing):
    """A request that equals one of the last ten minutes is taken for its repetition, and not carried out."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"schedule", "cancel"}:
            return ()
        request = (operation, after.id, after.window_days)
        earlier = self.notes.get(request)
        if earlier is not None and self.now - earlier < timedelta(minutes=10):
            return (before,)
        self.notes[request] = self.now
        return ()


class Overlapping(Storing):
    """Knows which request that changes a state arrived while another one was being carried out."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._flying: dict[int, str] = {}
        self._lock = threading.Lock()

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        allowed = super().method_allowed(inbound, documented)
        self.thread.beside = ()
        if inbound.operation in LIFECYCLE:
            with self._lock:
                self.thread.beside = tuple(self._flying.values())
                self._flying[threading.get_ident()] = last_part(self.named)
            time.sleep(0.01)
        return allowed

    def _landed(self) -> None:
        with self._lock:
            self._flying.pop(threading.get_ident(), None)

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        self._landed()
        return super().effects_of_refusal(operation, refusal, key, keys)

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in LIFECYCLE:
            return ()
        self._landed()
        return self.overlapped(before, after, keys, self.thread.beside)

    def overlapped(self, before: Key, after: Key, keys: Collection[Key], beside: Collection[str]) -> Iterable[Key]:
        """The keys to store; `beside` are the ids of keys whose requests were being carried out."""
        return ()


class OverlappingIsLost(Overlapping):
    """Both requests read the row, and the later one finds that it has changed and gives up silently."""

    def overlapped(self, before: Key, after: Key, keys: Collection[Key], beside: Collection[str]) -> Iterable[Key]:
        return (before,) if after.id in beside else ()


class OverlappingHitsTheOther(Overlapping):
    """The key of a request is kept in a variable of the whole service until it is carried out."""

    def overlapped(self, before: Key, after: Key, keys: Collection[Key], beside: Collection[str]) -> Iterable[Key]:
        for other in keys:
            if other.id in beside and other.id != after.id and not other.default:
                changed = replace(other, state=after.state, deletion=after.deletion, window_days=after.window_days)
                return (before, changed)
        return ()


_SYMMETRIC = ("AES_256", "SM4", "SYMMETRIC_DEFAULT")


def _is_symmetric(key: Key) -> bool:
    return key.spec in _SYMMETRIC or key.spec.startswith("Aliyun_")


class AsymmetricIsNotKept(Remembering):
    """Cancelling looks for the key in the table of symmetric keys alone."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        lost = operation == "cancel" and not _is_symmetric(key)
        return "not_pending" if lost else super().refusal_for(operation, key)


class SameDateIsCancelledToo(Storing):
    """The date is the name of the task that is cancelled."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "cancel":
            return ()
        others = [key for key in keys if key.id != after.id and is_pending(key) and key.deletion == before.deletion]
        return [replace(key, state=after.state, deletion=None, window_days=None) for key in others]


class WindowOf32Bits(Remembering):
    """The window is cut to an integer of 32 bits before its range is checked."""

    def _cut(self, value: object) -> object:
        text = str(value)
        if isinstance(value, bool) or not text.removeprefix("-").isdecimal() or not 10 <= len(text) <= 40:
            return value
        return (int(text) + 2**31) % 2**32 - 2**31

    def window_problem(self, value: object) -> str | None:
        cut = self._cut(value)
        accepted = isinstance(cut, int) and cut is not value and self.window_in_range(cut)
        return None if accepted else super().window_problem(value)

    def window_days(self, value: object) -> int:
        return super().window_days(self._cut(value))


_MENU = (7, 14, 30, 90, 180, 365, 1096)


class WindowOfTheMenu(Remembering):
    """The service has the windows of its console's menu, and takes the next smaller one."""

    def window_days(self, value: object) -> int:
        days = super().window_days(value)
        return max((offered for offered in _MENU if offered <= days), default=days)


class WindowOfTheRequestBefore(Remembering):
    """The object that holds a request is used again, and a missing window keeps the value of the request before."""

    def window_problem(self, value: object) -> str | None:
        return None if value is ABSENT and "window" in self.notes else super().window_problem(value)

    def window_days(self, value: object) -> int:
        if value is ABSENT and "window" in self.notes:
            return int(self.notes["window"])
        days = super().window_days(value)
        self.notes["window"] = days
        return days


class CancelsBeforeTheSequence(Remembering):
    """The optional serial number is checked after the request was carried out."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation == "cancel" and refusal == "bad_sequence" and key is not None and is_pending(key):
            return (replace(key, state=self.state_after_cancel(key), deletion=None, window_days=None),)
        return super().effects_of_refusal(operation, refusal, key, keys)


class DisabledIsUnprotected(Remembering):
    """The protection is a condition of the update of enabled keys."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        bare = operation == "schedule" and key.protected and key.state is State.DISABLED
        return super().refusal_for(operation, replace(key, protected=False) if bare else key)


STATES = (
    _row(
        "second-cancel-is-other",
        "major",
        "The second cancellation of one key leads to another state than the first.",
        "cancel.state-after",
        "lifecycle.sequence",
        does=[SecondCancelIsOther],
    ),
    _row(
        "refused-state-is-queued",
        "major",
        "Enabling or disabling a pending key is refused, and decides the state after the cancellation.",
        "refused.changes-nothing",
        "pending.enable",
        "pending.disable",
        "cancel.state-after",
        "lifecycle.sequence",
        does=[RefusedStateIsQueued],
    ),
    _row(
        "disable-is-debounced",
        "major",
        "Disabling a key within a second after it was enabled succeeds without an effect.",
        "state.disabled",
        "lifecycle.sequence",
        does=[DisableIsDebounced],
    ),
    _row(
        "tenth-schedule-in-vain",
        "critical",
        "Every tenth scheduling is answered with success and has no effect.",
        "schedule.state-after",
        "schedule.from-enabled",
        "lifecycle.sequence",
        does=[TenthScheduleInVain],
    ),
    _row(
        "same-request-in-vain",
        "critical",
        "A scheduling or cancellation that equals one of the last ten minutes succeeds without an effect.",
        "schedule.state-after",
        "cancel.effect",
        "lifecycle.sequence",
        does=[SameRequestInVain],
    ),
    _row(
        "overlapping-is-lost",
        "major",
        "Of two changes of one key at once, the later one succeeds without an effect.",
        "concurrency.nothing-lost",
        does=[OverlappingIsLost],
    ),
    _row(
        "overlapping-hits-the-other",
        "critical",
        "Of two changes of two keys at once, the later one changes the key of the earlier one.",
        "concurrency.nothing-lost",
        "schedule.only-named-key",
        "cancel.only-named-key",
        does=[OverlappingHitsTheOther],
    ),
    _row(
        "asymmetric-is-not-kept",
        "critical",
        "The deletion of a key for signatures can be scheduled but not cancelled.",
        "cancel.effect",
        "cancel.before-end",
        does=[AsymmetricIsNotKept],
    ),
    _row(
        "same-date-is-cancelled-too",
        "critical",
        "Cancelling a deletion also cancels that of every key with the same date.",
        "cancel.only-named-key",
        does=[SameDateIsCancelledToo],
    ),
    _row(
        "window-of-32-bits",
        "critical",
        "A window beyond 32 bits is taken for what is left of it, such as 4294967303 for 7.",
        "schedule.window.huge",
        does=[WindowOf32Bits],
    ),
    _row(
        "window-of-the-menu",
        "critical",
        "A window between two offered ones is shortened to the smaller one, such as 29 days to 14.",
        "schedule.window.start",
        "schedule.window.exact",
        "expiry.not-early",
        does=[WindowOfTheMenu],
    ),
    _row(
        "window-of-the-request-before",
        "critical",
        "A scheduling without a window takes the window of the request before.",
        "schedule.window.absent",
        "schedule.window.default",
        of=NAMING,
        does=[WindowOfTheRequestBefore],
    ),
    _row(
        "cancels-before-the-sequence",
        "major",
        "A cancellation with a malformed sequence is refused and carried out.",
        "cancel.bad-sequence",
        "refused.changes-nothing",
        of=[HUAWEI],
        does=[CancelsBeforeTheSequence],
    ),
    _row(
        "disabled-is-unprotected",
        "critical",
        "Deletion protection does not keep a disabled key from being scheduled.",
        "protection.refuses-schedule",
        of=[ALIBABA],
        does=[DisabledIsUnprotected],
    ),
)
