"""Faults of isolation: operations on keys of the run also change keys of other users."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    Mixin,
    changing_others,
    with_,
)
from kms_conformance.apps.selftest.days_left import DaysLeft
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, HUAWEI, Fault
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(
    Fault,
    fault_class="isolation",
    severity="critical",
    families=("isolation",),
    requirements=frozenset({"isolation.other-keys"}),
)


def _foreign(key: Key) -> bool:
    return key.description == "Not yours."


class _TakesPendingKeys(Decisions):
    """Cancelling a deletion deletes the pending keys of other users at once."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._taken = False

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._taken = self._taken or operation == "cancel"
        return super().effects(operation, before, after, keys)

    def key_visible(self, key: Key, now: datetime) -> bool:
        doomed = self._taken and _foreign(key) and key.state is PENDING
        return super().key_visible(key, now) and not doomed


class _DescribesOthers(Decisions):
    """A new description of a key is written to the keys of other users, too."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield from super().effects(operation, before, after, keys)
        if operation == "update_description":
            yield from (replace(key, description=after.description) for key in keys if _foreign(key))


class _CountsDownAtOnce(Decisions):
    """Scheduling a key halves the days that the pending keys of other users have left, and not their dates."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        _COUNTING.halved = _COUNTING.halved or operation == "schedule"
        return super().effects(operation, before, after, keys)


class _Halving(DaysLeft):
    """The days left, or half of them."""

    halved = False

    def days(self, left: float) -> int:
        return round(left / 2 if self.halved else left)


_COUNTING = _Halving()


def _disabling_the_oldest(operation: str) -> Mixin:
    """The operation also disables the oldest key of other users that is enabled."""

    class DisablingTheOldest(Decisions):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            enabled = [key for key in keys if _foreign(key) and key.state is ENABLED]
            if operation_asked == operation and enabled:
                yield replace(enabled[0], state=DISABLED)

    return DisablingTheOldest


FAULTS = (
    *(
        _fault(
            name=f"{operation.replace('_', '-')}-disables-foreign-key",
            title=f"{told} a key also disables the oldest enabled key of other users.",
            families=("isolation", family, "afterwards"),
            dialects=dialects,
            decisions=(_disabling_the_oldest(operation),),
            foreign_keys=12,
        )
        for operation, told, family, dialects in (
            ("tag", "Tagging", "survives", (ALIBABA, AWS)),
            ("generate_data_key", "Making a data key of", "use", ALL),
        )
    ),
    _fault(
        name="foreign-key-scheduled",
        title="Scheduling a key also schedules enabled keys of other users.",
        decisions=(
            changing_others("schedule", lambda key: _foreign(key) and key.state is ENABLED, with_(state=PENDING)),
        ),
    ),
    _fault(
        name="foreign-key-rescued",
        title="Cancelling a deletion also cancels deletions of other users.",
        decisions=(
            changing_others(
                "cancel", lambda key: _foreign(key) and key.state is PENDING, with_(state=DISABLED, deletion=None)
            ),
        ),
    ),
    _fault(
        name="foreign-key-disabled",
        title="Disabling a key also disables keys of other users.",
        decisions=(
            changing_others("disable", lambda key: _foreign(key) and key.state is ENABLED, with_(state=DISABLED)),
        ),
    ),
    _fault(
        name="foreign-key-described",
        title="Changing the description of a key also changes descriptions of other users' keys.",
        severity="major",
        decisions=(_DescribesOthers,),
    ),
    _fault(
        name="foreign-alias-taken",
        title="Setting an alias also removes aliases of other users' keys.",
        severity="major",
        # In the other dialects, the reply to describing a key does not show its aliases.
        dialects=(HUAWEI,),
        decisions=(changing_others("set_alias", _foreign, with_(aliases=())),),
    ),
    _fault(
        name="foreign-pending-gone",
        title="Cancelling a deletion deletes pending keys of other users at once.",
        decisions=(_TakesPendingKeys,),
    ),
    _fault(
        name="foreign-days-left-halved",
        title="Scheduling a key also halves the days left that pending keys of other users show.",
        severity="major",
        # The dialect whose recorded replies have such a field.
        dialects=(HUAWEI,),
        decisions=(_CountsDownAtOnce, _COUNTING.decisions),
        filters=(_COUNTING.filter,),
    ),
)
