"""Faults that only two requests at once show: what one of them decides or writes overtakes the other one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, Mixin
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.apps.selftest.meeting import Meeting
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Key

_USE = "generate_data_key"


def _deciding_before(*operations: str) -> tuple[Mixin]:
    """Of two requests at once, those for these operations are decided by the state before both."""

    class DecidingBefore(Meeting):
        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            found = super().found(operation, keys, earlier)
            return self.pair.before if self.pair is not None and operation in operations else found

    return (DecidingBefore,)


class _Writing(Meeting):
    """The base of faults in what is stored of two requests; `stored` gives the key to store after each of them."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if self.pair is None or operation not in self.meeting:
            return found
        self.pair.accepted.append(operation)
        return self.stored(operation, before, after)

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        """The keys to store after an accepted request of a pair."""
        del operation, before
        return (after,)


class _LostUpdate(_Writing):
    """The second of two accepted requests is lost."""

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        assert self.pair is not None
        return super().stored(operation, before, after) if len(self.pair.accepted) == 1 else ()


class _BothLost(_Writing):
    """Both requests are answered as by the state before both, and nothing is stored."""

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        del operation, before, after
        return ()


class _EnabledAndDated(_Writing):
    """Of an enable and a schedule, one writes the state and the other one the date."""

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        assert self.pair is not None
        if self.pair.asks("enable", "schedule") and len(self.pair.accepted) == 2:
            return (replace(after, state=ENABLED),)
        return super().stored(operation, before, after)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        pair = self.pair
        overtaken = pair is not None and pair.asks("enable", "schedule") and operation == "enable"
        return super().refusal_for(operation, replace(key, state=DISABLED) if overtaken else key)


class _RefusedIsDone(Meeting):
    """The refused one of two schedules moves the deletion date."""

    def window_days(self, value: object) -> int:
        days = super().window_days(value)
        if self.pair is not None:
            self._of_thread.days = days
        return days

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        yield from super().effects_of_refusal(operation, refusal, key, keys)
        second = operation == "schedule" and self.pair is not None and self.pair.asks("schedule", "schedule")
        if second and key is not None and key.deletion is not None and key.window_days is not None:
            days: int = self._of_thread.days
            yield replace(key, deletion=key.deletion + timedelta(days=days - key.window_days), window_days=days)


class _UseWritesOldState(_Writing):
    """A use of a key that is being changed stores the key as it was before: it counts uses in the same row."""

    meeting = (*CHANGES, _USE)

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        assert self.pair is not None
        if _USE not in self.pair.operations:
            return super().stored(operation, before, after)
        return (self.pair.before.get(after.id, after),)


class _DisableOverwrites(_Writing):
    """Of a disable and a schedule, the disable is stored, with no date."""

    def stored(self, operation: str, before: Key, after: Key) -> Iterable[Key]:
        assert self.pair is not None
        if not self.pair.asks("disable", "schedule"):
            return super().stored(operation, before, after)
        return (replace(after, state=DISABLED, deletion=None, window_days=None),)


_fault = partial(Fault, fault_class="together", severity="critical", families=("together",))
_LOST: frozenset[RequirementId] = frozenset({"concurrency.nothing-lost"})
_EXPLAINED: frozenset[RequirementId] = frozenset({"concurrency.explained"})

FAULTS = (
    _fault(
        name="together-decided-by-the-state-before",
        title="Two requests at once for one key are both decided by the state before both.",
        requirements=_LOST,
        decisions=_deciding_before(*CHANGES),
    ),
    _fault(
        name="together-two-schedules-are-accepted",
        title="Two schedules at once are both accepted, and one of the two dates is lost.",
        requirements=_LOST,
        decisions=_deciding_before("schedule"),
    ),
    _fault(
        name="together-two-cancels-are-accepted",
        title="Two cancels at once are both accepted.",
        severity="minor",
        requirements=_EXPLAINED,
        decisions=_deciding_before("cancel"),
        exit_code=0,
    ),
    _fault(
        name="together-second-update-is-lost",
        title="Of two requests at once that are both accepted, the second one is lost.",
        requirements=_LOST,
        decisions=(_LostUpdate,),
    ),
    _fault(
        name="together-both-updates-are-lost",
        title="Of two requests at once, what was accepted is not stored.",
        requirements=_LOST,
        decisions=(_BothLost,),
    ),
    _fault(
        name="together-enabled-and-dated",
        title="A key that is enabled and scheduled at once is enabled and has a deletion date.",
        requirements=_LOST,
        decisions=(_EnabledAndDated,),
    ),
    _fault(
        name="together-refused-schedule-moves-the-date",
        title="The refused one of two schedules at once moves the deletion date.",
        requirements=_LOST,
        decisions=(_RefusedIsDone,),
    ),
    _fault(
        name="together-use-undoes-a-change",
        title="A use of a key at the moment at which it is changed stores the key as it was before.",
        requirements=_LOST,
        decisions=(_UseWritesOldState,),
        tier="standard",
    ),
    _fault(
        name="together-disable-undoes-a-schedule",
        title="A key that is disabled and scheduled at once is disabled, although both were accepted.",
        requirements=_LOST,
        decisions=(_DisableOverwrites,),
        tier="standard",
    ),
)
