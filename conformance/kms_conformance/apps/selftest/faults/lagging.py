"""Faults that look like lag: a change is undone after it has read back, or never becomes visible.

Conforming services may show a change late, but then for good. A suite that waits for late changes must still find
these faults.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, Change, Mixin, with_
from kms_conformance.apps.selftest.deviation import AWS, Fault
from kms_conformance.apps.selftest.lag import (
    BELONGINGS,
    DATA_PLANE,
    READS,
    Earlier,
    Keys,
    after_clock,
    belongings_late,
    data_plane_behind,
)
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Rules

_fault = partial(Fault, fault_class="lagging", severity="critical")
# A late effect is seen where keys rest for longer.
_late = partial(_fault, families=("lifecycle",), tier="standard")

# Why a fault of this kind breaks more requirements than its own.
_LATER = "The change comes after the check that caused it, in the middle of another one."
# How long after a request its late effect takes place, in seconds of the process. It is less than every settle time.
_LATE_SECONDS = 1.0
# A lag that no profile allows, and one that is longer than the settle time of the profile `documents`, in seconds.
_FOR_EVER, _TOO_LONG = 1e9, 3.0
_FOREIGN = "Not yours."
_MANY_STATES = "The fault shows in every state of a key, and most requirements speak of one."


# --- late, and then wrong -------------------------------------------------------------------------------------------


class _Late(Decisions):
    """Stored keys change `_LATE_SECONDS` after a request; see `_put_off`."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._due: list[tuple[float, Callable[[Key], bool], Change]] = []

    def _put_off(self, which: Callable[[Key], bool], change: Change) -> None:
        """Change the keys for which `which` is true at that time."""
        self._due.append((REAL.monotonic() + _LATE_SECONDS, which, change))

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        now = REAL.monotonic()
        ripe = [(which, change) for moment, which, change in self._due if moment <= now]
        self._due = [entry for entry in self._due if entry[0] > now]
        stored = {key.id: key for key in (*keys, *super().changed_by_time(keys))}
        for which, change in ripe:
            stored |= {key.id: change(key) for key in stored.values() if which(key)}
        return stored.values()


def _undoing(operation: str) -> Mixin:
    """An operation is undone later, unless the key has changed again in the meantime."""

    class Undoing(_Late):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            if operation_asked == operation and before != after:
                self._put_off(lambda key: key == after, lambda _: before)
            return super().effects(operation_asked, before, after, keys)

    return Undoing


def _changing_others_later(operation: str, which: Callable[[Key], bool], change: Change) -> Mixin:
    """The operation also changes the other keys for which `which` is true, but later."""

    class ChangingOthersLater(_Late):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            if operation_asked == operation:
                self._put_off(lambda key: key.id != after.id and not key.default and which(key), change)
            return super().effects(operation_asked, before, after, keys)

    return ChangingOthersLater


def _changing_though_refused_later(operation: str, refusals: Collection[str], change: Change) -> Mixin:
    """A request that is refused for one of these reasons changes the key that it names, but later."""

    class ChangingThoughRefusedLater(_Late):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            if operation_asked == operation and refusal in refusals and key is not None and not key.default:
                self._put_off(lambda other: other.id == key.id and other.state is key.state, change)
            return super().effects_of_refusal(operation_asked, refusal, key, keys)

    return ChangingThoughRefusedLater


class _ServesPendingKeysLater(Decisions):
    """A pending key cannot be used at first, but after it has been pending for `_LATE_SECONDS`."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._pending_since: dict[str, float] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self._pending_since[after.id] = REAL.monotonic()
        return super().effects(operation, before, after, keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        since = self._pending_since.get(key.id)
        late = since is not None and REAL.monotonic() - since >= _LATE_SECONDS
        served = late and operation in DATA_PLANE and key.state is PENDING
        return None if served else super().refusal_for(operation, key)


# --- never catching up ----------------------------------------------------------------------------------------------


def _stuck(operations: Collection[str], every: int = 1) -> Mixin:
    """Every `every`-th of these operations finds each key as it was when it was created."""

    class Stuck(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._first: dict[str, Key] = {}
            self._count = 0

        def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
            found = super().found(operation, keys, earlier)
            for key_id, key in found.items():
                self._first.setdefault(key_id, key)
            if operation not in operations:
                return found
            self._count += 1
            return {key_id: self._first[key_id] for key_id in found} if self._count % every == 0 else found

    return Stuck


class _TooLateStates(Decisions):
    """Describing a key shows it as it was `_TOO_LONG` seconds before; a new key is known at once."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, Key] = {}

    def memory_seconds(self) -> float:
        return max(super().memory_seconds(), _TOO_LONG)

    def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
        found = super().found(operation, keys, earlier)
        for key_id, key in found.items():
            self._first.setdefault(key_id, key)
        if operation != "describe":
            return found
        before = self._first | dict(earlier(_TOO_LONG))
        return {key_id: before[key_id] for key_id in found}


class _TagsStay(Decisions):
    """Reads show the tags that a key ever had."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._ever: dict[str, dict[str, str]] = {}

    def found(self, operation: str, keys: Keys, earlier: Earlier) -> Keys:
        found = super().found(operation, keys, earlier)
        for key in found.values():
            self._ever.setdefault(key.id, {}).update(key.tags)
        if operation not in BELONGINGS:
            return found
        return {key.id: replace(key, tags=tuple(self._ever[key.id].items())) for key in found.values()}


class _NeverListed(Decisions):
    """New keys never appear in lists."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._new: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._new.add(after.id)
        return super().effects(operation, before, after, keys)

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return tuple(key for key in super().listed(keys) if key.id not in self._new)


FAULTS = (
    _late(
        name="late-cancelled-key-pends-again",
        title="A second after its deletion was cancelled, a key is pending again.",
        requirements=frozenset({"cancel.effect", "cancel.state-after", "lifecycle.sequence"}),
        decisions=(_undoing("cancel"),),
    ),
    _late(
        name="late-scheduled-key-is-rescued",
        title="A second after it was scheduled, a key is no longer pending.",
        requirements=frozenset({"schedule.twice", "schedule.state-after", "lifecycle.sequence"}),
        decisions=(_undoing("schedule"),),
    ),
    _late(
        name="late-disabled-key-is-enabled-again",
        title="A second after it was disabled, a key is enabled again.",
        requirements=frozenset({"disable.reply", "lifecycle.sequence"}),
        decisions=(_undoing("disable"),),
    ),
    _late(
        name="late-enabled-key-is-disabled-again",
        title="A second after it was enabled, a key is disabled again.",
        severity="major",
        requirements=frozenset({"enable.reply", "cancel.not-pending.enabled", "lifecycle.sequence"}),
        decisions=(_undoing("enable"),),
    ),
    _late(
        name="late-refused-cancel-disables",
        title="Cancelling the deletion of an enabled key is refused, and disables the key a second later.",
        severity="major",
        requirements=frozenset({"cancel.not-pending.enabled"}),
        decisions=(_changing_though_refused_later("cancel", {"not_pending"}, with_(state=DISABLED)),),
    ),
    _late(
        name="late-refused-schedule-rescues",
        title="Scheduling a pending key again is refused, and cancels its deletion a second later.",
        requirements=frozenset({"schedule.twice"}),
        why_more=_LATER,
        decisions=(
            _changing_though_refused_later("schedule", {"already_pending"}, with_(state=ENABLED, deletion=None)),
        ),
    ),
    _late(
        name="late-pending-key-serves",
        title="A pending key cannot be used at first, but after a second.",
        requirements=frozenset({"pending.encrypt", "pending.decrypt", "pending.generate-data-key"}),
        decisions=(_ServesPendingKeysLater,),
    ),
    _late(
        name="late-other-own-key-is-disabled",
        title="A second after a key was scheduled, the other enabled keys of the caller are disabled.",
        requirements=frozenset({"schedule.only-named-key", "isolation.other-keys", "cancel.not-pending.enabled"}),
        why_more=_LATER,
        decisions=(
            _changing_others_later(
                "schedule",
                lambda key: not key.description.startswith(_FOREIGN) and key.state is ENABLED,
                with_(state=DISABLED),
            ),
        ),
    ),
    _late(
        name="late-foreign-key-is-described",
        title="A second after a key was scheduled, the descriptions of other users' keys change.",
        severity="major",
        requirements=frozenset({"isolation.other-keys"}),
        decisions=(
            _changing_others_later(
                "schedule",
                lambda key: key.description.startswith(_FOREIGN),
                lambda key: replace(key, description=f"{key.description}."),
            ),
        ),
    ),
    _fault(
        name="never-read-back",
        title="Describing a key shows it for ever as it was created.",
        requirements=frozenset({"schedule.state-after", "schedule.from-enabled", "disable.reply"}),
        decisions=(_stuck({"describe"}),),
        why_more=_MANY_STATES,
    ),
    _fault(
        name="never-on-one-replica",
        title="Every second read of a key shows it for ever as it was created.",
        requirements=frozenset({"schedule.state-after", "pending.describe", "lifecycle.sequence", "disable.reply"}),
        decisions=(_stuck(READS, every=2),),
        why_more=_MANY_STATES,
    ),
    _fault(
        name="never-learnt-by-the-data-plane",
        title="A key can be used for ever in the state in which it was created.",
        requirements=frozenset({"pending.encrypt", "state.disabled"}),
        decisions=(_stuck(DATA_PLANE),),
        why_more="Each use of a key in each state has its own requirement.",
    ),
    _fault(
        name="never-in-lists",
        title="Lists never contain a new key.",
        severity="major",
        requirements=frozenset({"list.complete", "pending.listed"}),
        decisions=(_NeverListed,),
    ),
    _fault(
        name="never-named-by-its-alias",
        title="An alias that was given to a key never reads back.",
        severity="major",
        requirements=frozenset({"set-alias.reply"}),
        decisions=(belongings_late(_FOR_EVER),),
        why_more="Tags, grants and the policy never read back either, and each has its own requirement.",
    ),
    _fault(
        name="never-without-its-tags",
        title="Tags that were taken off a key read back for ever.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"untag.reply"}),
        decisions=(_TagsStay,),
    ),
    _fault(
        name="never-gone-from-reads",
        title="A key whose waiting period has ended is shown for ever, although it cannot be used.",
        requirements=frozenset({"expiry.gone"}),
        decisions=(after_clock(_FOR_EVER),),
    ),
    _fault(
        name="too-late-states",
        title="Reads show changes after more than the settle time.",
        severity="major",
        requirements=frozenset({"schedule.state-after", "schedule.from-enabled", "disable.reply", "enable.reply"}),
        decisions=(_TooLateStates,),
        why_more=_MANY_STATES,
    ),
    _fault(
        name="too-late-data-plane",
        title="Changes of a key reach its use after more than the settle time.",
        requirements=frozenset({"pending.encrypt", "state.disabled", "state.enabled"}),
        decisions=(data_plane_behind(_TOO_LONG),),
        why_more="Each use of a key in each state has its own requirement.",
    ),
    _fault(
        name="too-late-belongings",
        title="Aliases, tags, grants and policies read back after more than the settle time.",
        severity="major",
        requirements=frozenset({"set-alias.reply"}),
        decisions=(belongings_late(_TOO_LONG),),
        why_more="Tags, grants and the policy read back too late as well, and each has its own requirement.",
    ),
)
