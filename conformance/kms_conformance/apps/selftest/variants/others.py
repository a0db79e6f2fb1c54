"""Variants in the keys of others: they may not be described, count the days that are left, or their owners use them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, Mixin
from kms_conformance.apps.selftest.days_left import DaysLeft
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Variant
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Rules, State

# One foreign key in each state, twice.
_FOREIGN_KEYS = 6


def is_foreign(key: Key) -> bool:
    """Whether a key belongs to another user of the emulator or to the service."""
    return key.default or key.description == "Not yours."


def denying(denied: Callable[[Key], bool]) -> Mixin:
    """The credentials of the target file may list these keys, and may do nothing else with them."""

    class Denying(Decisions):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            return "not_permitted" if denied(key) else super().refusal_for(operation, key)

    return Denying


class _Owner(Decisions):
    """The owner of the oldest enabled key of others changes this key now and then."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._requests = 0
        self._key = ""

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        self._requests += 1
        found = list(super().changed_by_time(keys))
        if not self._is_due():
            return found
        if not self._key:
            # Nobody may disable or delete a key that the cloud manages itself.
            own = (key for key in keys if is_foreign(key) and not key.default)
            self._key = next((key.id for key in own if key.state is State.ENABLED), "")
        return [*found, *(self._changed(key) for key in keys if key.id == self._key)]

    def _is_due(self) -> bool:
        raise NotImplementedError

    def _changed(self, key: Key) -> Key:
        raise NotImplementedError


def _used_by_owner(each: int, change: Callable[[Key, int], Key]) -> Mixin:
    """After each so many requests, the owner makes a change; `change` gets the number of changes so far."""

    class UsedByOwner(_Owner):
        def _is_due(self) -> bool:
            return self._requests % each == 0

        def _changed(self, key: Key) -> Key:
            return change(key, self._requests // each)

    return UsedByOwner


def _described(key: Key, times: int) -> Key:
    return replace(key, description=f"Not yours. Version {times}.")


def _switched(key: Key, times: int) -> Key:
    return replace(key, state=State.DISABLED if times % 2 else State.ENABLED)


class _ScheduledByOwner(_Owner):
    """Every four seconds, the owner schedules the key for deletion, or cancels that."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._next = 0.0
        self._now: datetime | None = None

    def key_visible(self, key: Key, now: datetime) -> bool:
        self._now = now
        return super().key_visible(key, now)

    def _is_due(self) -> bool:
        at = REAL.monotonic()
        if self._now is None or at < self._next:
            return False
        self._next = at + 4
        return True

    def _changed(self, key: Key) -> Key:
        if key.state is PENDING or self._now is None:
            return replace(key, state=State.DISABLED, deletion=None, window_days=None)
        return replace(key, state=PENDING, deletion=self._now + timedelta(days=9), window_days=9)


_COUNTING = DaysLeft()

# The profiles of each dialect whose emulator differs in refusals.
_PROFILES = {
    HUAWEI: ("documents", "huawei-cloud", "otc"),
    ALIBABA: ("documents", "alibaba-cloud"),
    AWS: ("documents", "aws-kms"),
}


def _denied(name: str, title: str, denied: Callable[[Key], bool]) -> tuple[Variant, ...]:
    return tuple(
        Variant(
            name if profile == "documents" else f"{name}-{profile}",
            title,
            dialects=(dialect,),
            decisions=(denying(denied),),
            foreign_keys=_FOREIGN_KEYS,
            profile=profile,
            about="reading other keys",
            alone=profile != "documents",
        )
        for dialect, profiles in _PROFILES.items()
        for profile in profiles
    )


OTHERS: tuple[Variant, ...] = (
    *_denied("others-denied", "Keys of others are listed and may not be described.", is_foreign),
    *_denied(
        "some-others-denied",
        "Enabled keys of others are listed and may not be described.",
        lambda key: is_foreign(key) and key.state is not PENDING,
    ),
    Variant(
        "others-count-down",
        "The description of a pending key has the days that are left.",
        dialects=(HUAWEI,),
        decisions=(_COUNTING.decisions,),
        filters=(_COUNTING.filter,),
        foreign_keys=_FOREIGN_KEYS,
        about="reading other keys",
    ),
    *(
        Variant(
            f"owner-{name}-{each}",
            f"While the run is under way, an owner {does} a key, after each {each} requests.",
            decisions=(_used_by_owner(each, change),),
            foreign_keys=_FOREIGN_KEYS,
            about="other users",
            alone=True,
        )
        for name, does, change in (
            ("describes", "changes the description of", _described),
            ("switches", "disables or enables", _switched),
        )
        for each in (97, 601)
    ),
    Variant(
        "owner-schedules",
        "While the run is under way, an owner schedules a key and cancels that, every four seconds.",
        decisions=(_ScheduledByOwner,),
        about="other users",
        alone=True,
    ),
)
