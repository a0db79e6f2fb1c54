"""Faults that only a longer history of a key shows: at the n-th time, after a certain path, or between two keys."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, Mixin
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.emulator import Decisions, Key, Rules, State

_USES = frozenset({"encrypt", "decrypt", "generate_data_key"})


@dataclass
class _Past:
    """The accepted changes of one key, the last one last, and the windows in days with which it was scheduled."""

    changes: list[str] = field(default_factory=list)
    windows: list[int] = field(default_factory=list)

    def times(self, operation: str) -> int:
        return self.changes.count(operation)

    def ends(self, *changes: str) -> bool:
        return tuple(self.changes[-len(changes) :]) == changes


# The keys to store after a change: (past of the key with this change, key before, key after, all keys) -> keys.
_Effects = Callable[[_Past, Key, Key, Collection[Key]], Iterable[Key]]


class _Remembering(Decisions):
    """Remembers the past of each key."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._pasts: dict[str, _Past] = {}
        self._kept: dict[str, Key] = {}

    def past(self, key: Key) -> _Past:
        """The past of a key, which later changes extend."""
        return self._pasts.setdefault(key.id, _Past())

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        self._kept = {}
        if operation in CHANGES and before.state is not after.state:
            self.past(after).changes.append(operation)
            if operation == "schedule" and after.window_days is not None:
                self.past(after).windows.append(after.window_days)
        return found


def _after(operation: str, which: Callable[[_Past], bool], effects: _Effects) -> tuple[Mixin]:
    """An accepted operation has other effects if the past of its key, this operation included, is such a one."""

    class After(_Remembering):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            changed = operation_asked == operation and before.state is not after.state
            past = self.past(after)
            if not changed or not which(past):
                return found
            kept = tuple(effects(past, before, after, keys))
            self._kept = {key.id: key for key in kept}
            return kept

        def shown(self, operation_asked: str, key: Key, now: datetime) -> Key:
            # The reply tells what was stored.
            found = super().shown(operation_asked, key, now)
            return self._kept.get(key.id, found) if operation_asked == operation else found

    return (After,)


class _RefusedWindow(_Remembering):
    """The window of a refused schedule of a pending key counts when the key is scheduled the next time."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._asked = 0
        self._refused: dict[str, int] = {}

    def window_days(self, value: object) -> int:
        self._asked = super().window_days(value)
        return self._asked

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        if operation == "schedule" and key.state is PENDING:
            self._refused[key.id] = self._asked
        return found

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation != "schedule" or before.id not in self._refused:
            return found
        kept = _dated(after, self._refused.pop(before.id))
        self._kept = {kept.id: kept}
        return (kept,)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        return self._kept.get(key.id, found) if operation == "schedule" else found


def _serving(which: Callable[[_Past], bool], state: State) -> tuple[Mixin]:
    """A key in this state is used if its past is such a one."""

    class Serving(_Remembering):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            open_ = operation in _USES and key.state is state and which(self.past(key))
            return None if open_ else super().refusal_for(operation, key)

    return (Serving,)


def _time(number: int, operation: str) -> Callable[[_Past], bool]:
    return lambda past: past.times(operation) == number


def _since(number: int, operation: str) -> Callable[[_Past], bool]:
    return lambda past: past.times(operation) >= number


def _path(*changes: str, times: int | None = None) -> Callable[[_Past], bool]:
    """Whether the last changes are these; `times`: and the last of them was made for the so-many-th time."""
    return lambda past: past.ends(*changes) and (times is None or past.times(changes[-1]) == times)


def _dated(key: Key, days: int) -> Key:
    """The pending key with the date of another window."""
    if key.deletion is None or key.window_days is None:
        return key
    return replace(key, deletion=key.deletion + timedelta(days=days - key.window_days), window_days=days)


def _in_state(state: State) -> _Effects:
    return lambda _, __, after, ___: (replace(after, state=state),)


def _with_other(which: Callable[[Key], bool], change: Callable[[Key], Key]) -> _Effects:
    """The change is carried out, and one other key changes as well."""

    def effects(_: _Past, __: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield after
        others = [key for key in keys if key.id != after.id and not key.default and which(key)]
        yield from (change(other) for other in others[-1:])

    return effects


def _date_of_other(_: _Past, __: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
    others = [key for key in keys if key.id != after.id and key.state is PENDING and key.window_days is not None]
    return (_dated(after, others[-1].window_days or 0) if others else after,)


def _a_week_later(key: Key) -> Key:
    return key if key.deletion is None else replace(key, deletion=key.deletion + timedelta(days=7))


_fault = partial(Fault, fault_class="history", severity="critical", families=("history",))
_DATE: frozenset[RequirementId] = frozenset({"schedule.window.start"})

FAULTS = (
    # --- the n-th time ------------------------------------------------------------------------------------------------
    _fault(
        name="history-third-schedule-takes-the-first-window",
        title="When a key is scheduled for the third time, the window of the first time counts.",
        requirements=_DATE,
        decisions=_after(
            "schedule", _time(3, "schedule"), lambda past, _, after, __: (_dated(after, past.windows[0]),)
        ),
    ),
    _fault(
        name="history-second-cancel-restores-the-first-state",
        title="The second cancellation of a key's deletion leaves the key enabled, as it was at first.",
        severity="major",
        dialects=(HUAWEI, AWS),
        requirements=frozenset({"cancel.state-after", "cancel.state-after.disabled"}),
        decisions=_after("cancel", _time(2, "cancel"), _in_state(ENABLED)),
    ),
    _fault(
        name="history-fifth-cancel-leaves-the-key-disabled",
        title="The fifth cancellation of a key's deletion leaves the key disabled.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"cancel.state-after"}),
        decisions=_after("cancel", _time(5, "cancel"), _in_state(DISABLED)),
    ),
    _fault(
        name="history-third-cancel-leaves-another-material",
        title="After the third cancellation of a key's deletion, what was encrypted before is lost.",
        requirements=frozenset({"cancel.usable-again", "state.enabled"}),
        decisions=_after("cancel", _time(3, "cancel"), lambda _, __, key, ___: (replace(key, material=bytes(32)),)),
    ),
    _fault(
        name="history-third-pending-key-is-used",
        title="A key that is pending deletion for the third time is used.",
        requirements=frozenset({"pending.encrypt", "pending.decrypt", "pending.generate-data-key"}),
        decisions=_serving(_time(3, "schedule"), PENDING),
    ),
    _fault(
        name="history-fourth-disabled-key-is-used",
        title="A key that was disabled for the fourth time is used.",
        requirements=frozenset({"state.disabled"}),
        decisions=_serving(_path("disable", times=4), DISABLED),
    ),
    # --- paths --------------------------------------------------------------------------------------------------------
    _fault(
        name="history-schedule-after-cancel-and-disable-keeps-the-window",
        title="A key that was cancelled, enabled and disabled keeps its former window when it is scheduled again.",
        dialects=(HUAWEI, AWS),
        requirements=_DATE,
        decisions=_after(
            "schedule",
            _path("cancel", "enable", "disable", "schedule"),
            lambda past, _, after, __: (_dated(after, past.windows[-2]),),
        ),
    ),
    _fault(
        name="history-schedule-after-cancel-and-disable-keeps-the-window",
        title="A key that was cancelled and then disabled keeps its former window when it is scheduled again.",
        dialects=(ALIBABA,),
        requirements=_DATE,
        decisions=_after(
            "schedule",
            _path("cancel", "disable", "schedule"),
            lambda past, _, after, __: (_dated(after, past.windows[-2]),),
        ),
    ),
    _fault(
        name="history-schedule-right-after-cancel-keeps-the-window",
        title="A key that is scheduled right after it was cancelled keeps its former window.",
        dialects=(HUAWEI, AWS),
        requirements=_DATE,
        decisions=_after(
            "schedule", _path("cancel", "schedule"), lambda past, _, after, __: (_dated(after, past.windows[-2]),)
        ),
    ),
    _fault(
        name="history-key-disabled-after-cancel-is-used-while-pending",
        title="A key that was cancelled and scheduled again, without being enabled in between, is used while pending.",
        dialects=(HUAWEI, AWS),
        requirements=frozenset({"pending.encrypt", "pending.decrypt", "pending.generate-data-key"}),
        decisions=_serving(_path("schedule", "cancel", "schedule"), PENDING),
    ),
    _fault(
        name="history-refused-window-counts-the-next-time",
        title="The window of a refused schedule counts when the key is scheduled the next time.",
        requirements=_DATE,
        decisions=(_RefusedWindow,),
    ),
    # --- between two keys ---------------------------------------------------------------------------------------------
    _fault(
        name="history-second-schedule-takes-the-date-of-another-key",
        title="A key that is scheduled again while another key is pending gets the deletion date of the other key.",
        requirements=_DATE,
        decisions=_after("schedule", lambda past: past.times("schedule") == 2, _date_of_other),
    ),
    _fault(
        name="history-third-schedule-moves-the-date-of-another-key",
        title="From the third time on, scheduling a key moves the deletion date of another pending key.",
        requirements=frozenset({"schedule.only-named-key", "lifecycle.sequence"}),
        why_more="At the end of a run, the other key is the one whose waiting period is awaited.",
        decisions=_after(
            "schedule", _since(3, "schedule"), _with_other(lambda key: key.state is PENDING, _a_week_later)
        ),
    ),
    _fault(
        name="history-third-cancel-cancels-another-key",
        title="From the third time on, cancelling a key's deletion cancels the deletion of another key, too.",
        requirements=frozenset({"cancel.only-named-key", "lifecycle.sequence"}),
        decisions=_after(
            "cancel",
            _since(3, "cancel"),
            _with_other(lambda key: key.state is PENDING, partial(replace, state=DISABLED, deletion=None)),
        ),
    ),
    _fault(
        name="history-second-disable-disables-another-key",
        title="From the second time on, disabling a key disables another enabled key, too.",
        severity="major",
        requirements=frozenset({"lifecycle.sequence"}),
        decisions=_after(
            "disable",
            _since(2, "disable"),
            _with_other(lambda key: key.state is ENABLED, partial(replace, state=DISABLED)),
        ),
    ),
)
