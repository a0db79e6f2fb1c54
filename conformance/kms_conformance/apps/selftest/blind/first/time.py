"""Blind faults about time: the end of the waiting period, and what it does to other keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    accepting_if,
    in_state_of,
    refusing_if,
    shown_as,
    vanishing,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.emulator import Key, Rules

_time = rows_of("time")
_DAY = timedelta(days=1)


def _waits(key: Key, now: datetime) -> bool:
    """The documented rule."""
    return key.state is not PENDING or key.deletion is None or now < key.deletion


class _Lingering(Memory):
    """A key that is past its date stays in the store; requests for it are refused, except `served` operations."""

    served: Collection[str] = ()

    def key_visible(self, key: Key, now: datetime) -> bool:
        super().key_visible(key, now)
        return True

    def gone(self, key: Key) -> bool:
        """Whether the key is past its date."""
        return not _waits(key, self.now)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if not self.gone(key):
            return super().refusal_for(operation, key)
        if operation in self.served:
            return None
        return "lost_key" if operation == "decrypt" else "unknown_key"

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if not self.gone(key)]


class _StillListed(_Lingering):
    """Deleted keys are listed."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return keys


class _StillDecrypts(_Lingering):
    """Deleted keys decrypt."""

    served = ("decrypt",)


class _StillCancelled(_Lingering):
    """The deletion of a deleted key can be cancelled."""

    served = ("cancel",)


class _StillEnabled(_Lingering):
    """A deleted key can be enabled."""

    served = ("enable",)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            yield in_state_of(key, enabled=True) if operation == "enable" else key


class _StillScheduled(_Lingering):
    """A deleted key can be scheduled for deletion, and comes back as a pending key."""

    served = ("schedule",)


class _StillDescribed(_Lingering):
    """A deleted key can be described, and nothing else."""

    served = ("describe",)


class _Reactivated(Memory):
    """A key that is past its date is enabled instead of deleted."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        super().key_visible(key, now)
        return True

    def refusal_for(self, operation: str, key: Key) -> str | None:
        over = not _waits(key, self.now)
        return super().refusal_for(operation, in_state_of(key, enabled=True) if over else key)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        return in_state_of(key, enabled=True) if not _waits(key, now) else super().shown(operation, key, now)


class _Swept(Memory):
    """When a key is deleted, other keys vanish with it: those for which `too(key)` is true."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ended = False

    def too(self, key: Key) -> bool:
        """Whether a key vanishes with another one."""
        return key.state is DISABLED

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        self._ended = self._ended or not there
        return there and (key.default or not self._ended or not self.too(key))


class _SweptPending(_Swept):
    """When a key is deleted, all keys that are pending vanish with it, whatever their dates."""

    def too(self, key: Key) -> bool:
        return key.state is PENDING


class _AliasReserved(Memory):
    """The alias of a deleted key stays taken."""

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return super().alias_taken(alias, keys) or any(alias in key.aliases for key in self.seen.values())


def _late(memory: Memory, key: Key, now: datetime) -> bool:
    hours = 12 if memory.rules.dialect == HUAWEI else 36
    return _waits(key, now - timedelta(hours=hours))


def _unused(memory: Memory, key: Key) -> bool:
    return not any(memory.done[operation, key.id] for operation in ("encrypt", "generate_data_key", "decrypt"))


def _last_day(memory: Memory, key: Key) -> bool:
    return memory.left(key) <= _DAY


TIME: tuple[Fault, ...] = (
    # --- the end comes too early --------------------------------------------------------------------------------------
    _time(
        "old-date-still-counts",
        "critical",
        "A key whose deletion was cancelled is deleted all the same on the old date.",
        "cancel.effect",
        "expiry.nothing-else",
        does=(
            vanishing(
                lambda m, k, now: (
                    (k.state is not PENDING and all(date > now for date in m.dates[k.id]))
                    or (k.state is PENDING and _waits(k, now))
                )
            ),
        ),
    ),
    _time(
        "earlier-date-still-counts",
        "critical",
        "A key that is scheduled, cancelled and scheduled again is deleted on the earliest of its dates.",
        "expiry.not-early",
        "cancel.effect",
        does=(
            vanishing(
                lambda m, k, now: (
                    k.state is not PENDING or (_waits(k, now) and all(date > now for date in m.dates[k.id]))
                )
            ),
        ),
    ),
    _time(
        "gone-at-half-time",
        "critical",
        "A key is deleted when half of its waiting period is over.",
        "expiry.not-early",
        does=(vanishing(lambda _, k, now: _waits(k, now + timedelta(days=(k.window_days or 0) / 2))),),
    ),
    _time(
        "gone-twelve-hours-early",
        "critical",
        "A key is deleted twelve hours before its date.",
        "expiry.not-early",
        does=(vanishing(lambda _, k, now: _waits(k, now + timedelta(hours=12))),),
    ),
    _time(
        "gone-after-smallest-window",
        "critical",
        "Every key is deleted after the smallest window, whatever its date.",
        "expiry.not-early",
        does=(
            vanishing(
                lambda m, k, now: _waits(k, now + timedelta(days=max(0, (k.window_days or 0) - m.rules.window_minimum)))
            ),
        ),
    ),
    _time(
        "unused-gone-at-once",
        "critical",
        "A key that never encrypted anything is deleted as soon as it is scheduled.",
        "schedule.not-immediate",
        does=(
            vanishing(
                lambda m, k, now: _waits(k, now) and not (k.state is PENDING and k.id in m.dates and _unused(m, k))
            ),
        ),
    ),
    _time(
        "last-day-no-cancel",
        "critical",
        "In the last day of the waiting period, cancelling is refused.",
        "cancel.before-end",
        does=(refusing_if(("cancel",), "not_pending", _last_day),),
    ),
    _time(
        "last-day-decrypts",
        "critical",
        "In the last day of the waiting period, a pending key decrypts.",
        "pending.decrypt",
        "expiry.not-early",
        does=(accepting_if(("decrypt",), _last_day),),
    ),
    _time(
        "last-day-enable",
        "critical",
        "In the last day of the waiting period, a pending key can be enabled.",
        "pending.enable",
        "expiry.not-early",
        does=(accepting_if(("enable",), _last_day),),
    ),
    _time(
        "last-day-reads-enabled",
        "minor",
        "In the last day of the waiting period, a pending key reads as enabled.",
        "expiry.not-early",
        "schedule.state-after",
        does=(shown_as(("describe", "list"), lambda m, k, _: replace(k, state=ENABLED) if _last_day(m, k) else k),),
    ),
    # --- the end comes too late, or not at all ------------------------------------------------------------------------
    _time(
        "gone-late",
        "critical",
        "A key stays twelve hours past its date, or 36 hours where a day is allowed.",
        "expiry.gone",
        "expiry.no-cancel",
        does=(vanishing(_late),),
    ),
    _time(
        "cancel-in-the-last-sweep",
        "critical",
        "For 20 hours after its date a key waits to be swept, and its deletion can still be cancelled.",
        "expiry.no-cancel",
        of=(ALIBABA, AWS),
        does=(vanishing(lambda _, k, now: _waits(k, now - timedelta(hours=20))),),
    ),
    _time(
        "largest-never-gone",
        "critical",
        "A key that waits for the largest window is never deleted.",
        "expiry.gone",
        "schedule.window.maximum",
        does=(vanishing(lambda m, k, now: _waits(k, now) or (k.window_days == m.rules.window_maximum)),),
    ),
    _time(
        "reactivated",
        "critical",
        "At the end of its waiting period, a key is enabled instead of deleted.",
        "expiry.gone",
        "expiry.not-recoverable",
        does=(_Reactivated,),
    ),
    _time(
        "deleted-listed", "minor", "Deleted keys are still listed.", "expiry.gone", "list.reply", does=(_StillListed,)
    ),
    _time("deleted-decrypts", "critical", "Deleted keys still decrypt.", "expiry.decrypt", does=(_StillDecrypts,)),
    _time(
        "deleted-cancelled",
        "critical",
        "The deletion of a deleted key can be cancelled.",
        "expiry.no-cancel",
        does=(_StillCancelled,),
    ),
    _time(
        "deleted-enabled",
        "critical",
        "A deleted key can be enabled, and is back.",
        "expiry.not-recoverable",
        does=(_StillEnabled,),
    ),
    _time(
        "deleted-scheduled",
        "critical",
        "A deleted key can be scheduled for deletion, and is back as a pending one.",
        "expiry.not-recoverable",
        does=(_StillScheduled,),
    ),
    _time(
        "deleted-described", "minor", "A deleted key can still be described.", "expiry.gone", does=(_StillDescribed,)
    ),
    _time(
        "deleted-alias-reserved",
        "minor",
        "The alias of a deleted key cannot be used again.",
        "expiry.aliases",
        of=(AWS,),
        does=(_AliasReserved,),
    ),
    # --- other keys ---------------------------------------------------------------------------------------------------
    _time(
        "end-sweeps-disabled",
        "critical",
        "When a key is deleted, all disabled keys vanish with it.",
        "expiry.nothing-else",
        does=(_Swept,),
    ),
    _time(
        "end-sweeps-pending",
        "critical",
        "When a key is deleted, all pending keys vanish with it, whatever their dates.",
        "expiry.nothing-else",
        "expiry.not-early",
        does=(_SweptPending,),
    ),
)
