"""Faults of expiry: keys are gone too early, too late or never, work after their deletion, or disappear with others."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, visible
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(Fault, fault_class="expiry", severity="critical", families=("waiting_period",))


class _Ghosts(Decisions):
    """Keeps keys after their deletion date; `ghost_serves` names the operations that still work on them."""

    ghost_serves: frozenset[str] = frozenset()

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ghosts: dict[str, Key] = {}

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        if not there:
            self._ghosts[key.id] = key
        return there

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        return self._ghosts.get(key_id)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if key.id not in self._ghosts:
            return super().refusal_for(operation, key)
        if operation in self.ghost_serves:
            return None
        return "lost_key" if operation == "decrypt" else "unknown_key"


def _serving(*operations: str) -> type[Decisions]:
    return type("Serving", (_Ghosts,), {"ghost_serves": frozenset(operations)})


class _TakesAnotherAlong(Decisions):
    """When a key expires, every older enabled or disabled key disappears as well."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ended: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        if not there:
            self._ended = now
        doomed = self._ended is not None and not key.default and key.state in {ENABLED, DISABLED}
        return there and not (doomed and self._ended is not None and key.created < self._ended)


class _TakesPendingKeysAlong(Decisions):
    """When a key expires, every key that is pending until a later date disappears as well."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ended: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        if not there and self._ended is None:
            self._ended = now
        doomed = self._ended is not None and key.state is PENDING and key.created < self._ended - timedelta(days=1)
        return there and not doomed


class _CancelledGoesToo(Decisions):
    """A key disappears on its deletion date even if its deletion was cancelled."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._dates: dict[str, datetime] = {}

    def key_visible(self, key: Key, now: datetime) -> bool:
        if key.state is PENDING and key.deletion is not None:
            self._dates[key.id] = key.deletion
        date = self._dates.get(key.id)
        return super().key_visible(key, now) and (date is None or now < date)


class _TooLate(Decisions):
    """Cancelling is refused on the last day before the deletion date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._now = now
        return super().key_visible(key, now)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        last_day = self._now and key.deletion and self._now > key.deletion - timedelta(days=1)
        return "not_pending" if operation == "cancel" and last_day else super().refusal_for(operation, key)


def _gone(key: Key, now: datetime, after: timedelta) -> bool:
    return key.deletion is None or now < key.deletion + after


FAULTS = (
    _fault(
        name="gone-a-day-early",
        title="A key is gone a day before its deletion date.",
        requirements=frozenset({"expiry.not-early"}),
        decisions=(visible(lambda key, now: _gone(key, now, timedelta(days=-1))),),
    ),
    _fault(
        name="gone-ten-minutes-early",
        title="A key is gone ten minutes before its deletion date.",
        requirements=frozenset({"expiry.not-early"}),
        decisions=(visible(lambda key, now: _gone(key, now, timedelta(minutes=-10))),),
    ),
    _fault(
        name="never-gone",
        title="A key stays pending forever.",
        requirements=frozenset({"expiry.gone"}),
        decisions=(visible(lambda _key, _now: True),),
    ),
    _fault(
        name="gone-two-days-late",
        title="A key is gone two days after its deletion date.",
        requirements=frozenset({"expiry.gone"}),
        severity="major",
        decisions=(visible(lambda key, now: _gone(key, now, timedelta(days=2))),),
    ),
    _fault(
        name="cancellable-after-the-end",
        title="A deletion can be cancelled until eight minutes after the deletion date.",
        severity="major",
        requirements=frozenset({"expiry.no-cancel"}),
        decisions=(visible(lambda key, now: _gone(key, now, timedelta(minutes=8))),),
    ),
    _fault(
        name="gone-key-cancelled",
        title="Cancelling is accepted on a deleted key.",
        requirements=frozenset({"expiry.no-cancel"}),
        decisions=(_serving("cancel"),),
    ),
    _fault(
        name="gone-key-enabled",
        title="A deleted key can be enabled.",
        requirements=frozenset({"expiry.not-recoverable"}),
        decisions=(_serving("enable"),),
    ),
    _fault(
        name="gone-key-scheduled",
        title="A deleted key can be scheduled.",
        requirements=frozenset({"expiry.not-recoverable"}),
        decisions=(_serving("schedule"),),
    ),
    _fault(
        name="gone-key-described",
        title="A deleted key can be described.",
        severity="major",
        requirements=frozenset({"expiry.gone"}),
        decisions=(_serving("describe"),),
    ),
    _fault(
        name="gone-key-decrypts",
        title="A deleted key still decrypts.",
        requirements=frozenset({"expiry.decrypt"}),
        decisions=(_serving("decrypt"),),
    ),
    _fault(
        name="others-gone-too",
        title="When a key expires, all others disappear as well.",
        requirements=frozenset({"expiry.nothing-else", "cancel.before-end"}),
        decisions=(_TakesAnotherAlong,),
    ),
    _fault(
        name="pending-others-gone-too",
        title="When a key expires, keys that are pending until a later date disappear as well.",
        requirements=frozenset({"expiry.nothing-else", "expiry.not-early"}),
        decisions=(_TakesPendingKeysAlong,),
    ),
    _fault(
        name="cancelled-key-gone-too",
        title="A key whose deletion was cancelled is deleted on its old deletion date.",
        requirements=frozenset({"expiry.nothing-else"}),
        decisions=(_CancelledGoesToo,),
    ),
    _fault(
        name="no-cancel-on-the-last-day",
        title="A deletion cannot be cancelled on the last day before the deletion date.",
        requirements=frozenset({"cancel.before-end"}),
        decisions=(_TooLate,),
    ),
)
