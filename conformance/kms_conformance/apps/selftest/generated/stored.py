"""Operators on stored keys: what an operation loses, does to another key, or does too late."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from kms_conformance.apps.selftest.generated.facts import LOSSES, Facts, in_state
from kms_conformance.apps.selftest.generated.row import Deviation, Found, LeftOut, Make, Row
from kms_conformance.apps.selftest.generated.situation import Situated, Situation, situations
from kms_conformance.apps.selftest.generated.table import _named, _of, _storing
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Key, State

Reached = Callable[[], None]
#: Lags in seconds; the settle time of a profile may allow the first ones.
LAGS = (1.0, 4.0, 20.0, 90.0)
_WHICH: Mapping[str, str] = {
    "next": "the key that was made after it",
    "first": "the oldest other key",
    "all": "every other key",
}


def loses(facts: Facts) -> Found:
    """An accepted operation loses or alters something else that the key has."""
    for operation in facts.operations:
        for state in facts.states:
            if facts.refusal(operation, state) is not None:
                continue
            for name, (words, change) in LOSSES.items():
                parts = (operation, state, name)
                reason = facts.unseen(name, facts.moved(operation, state))
                if reason:
                    yield LeftOut("loses", parts, reason)
                    continue
                for situation in situations(state):
                    yield Row(
                        "loses",
                        (*parts, situation.name),
                        f"{_named(operation)} on a key that is {_of(state)}: it {words}{situation.words}.",
                        "critical" if name == "material-changed" else "major",
                        _storing(operation, state, situation, lambda _m, _b, after, change=change: change(after)),  # type: ignore[misc]  # the loop's value is bound,
                        situation=situation.name,
                    )


def neighbour(facts: Facts) -> Found:
    """An accepted operation also changes the state of another key."""
    for operation in facts.operations:
        for state in facts.states:
            if facts.refusal(operation, state) is not None:
                continue
            for other in (State.ENABLED, State.DISABLED, State.PENDING_DELETION):
                for result in (State.ENABLED, State.DISABLED, State.PENDING_DELETION):
                    if other is result:
                        yield LeftOut("neighbour", (operation, state, other, result), "the other key stays as it is")
                        continue
                    for which, words in _WHICH.items():
                        if which == "first" and other is not State.ENABLED:
                            parts = (operation, state, which, other, result)
                            yield LeftOut("neighbour", parts, "the oldest other key is somebody's enabled key")
                            continue
                        for situation in situations(state):
                            yield Row(
                                "neighbour",
                                (operation, state, which, other, result, situation.name),
                                f"{_named(operation)} on a key that is {_of(state)} leaves {words}, if that is "
                                f"{_of(other)}, {_of(result)}{situation.words}.",
                                "critical",
                                _beside(operation, state, which, (other, result), situation),
                                situation=situation.name,
                            )


def late(facts: Facts) -> Found:
    """An operation is accepted, and shows its effect only after a time."""
    for operation in facts.operations:
        for state in facts.states:
            if facts.refusal(operation, state) is not None or operation in facts.api.harmless:
                continue
            for seconds in LAGS:
                parts = (operation, state, f"{seconds:g}s")
                if operation in CHANGES and facts.moved(operation, state) is state:
                    yield LeftOut("late", parts, "the operation changes nothing in this state")
                elif seconds <= facts.profile.settle_seconds:
                    yield LeftOut("late", parts, "the settle time of the profile allows it")
                else:
                    yield Row(
                        "late",
                        parts,
                        f"{_named(operation)} on a key that is {_of(state)} has its effect {seconds:g} s later.",
                        "major",
                        _later(operation, state, seconds),
                    )


OPERATORS = (loses, neighbour, late)

# --- decisions --------------------------------------------------------------------------------------------------------


def _beside(operation: str, state: State, which: str, change: tuple[State, State], situation: Situation) -> Make:
    other, result = change

    def made(reached: Reached) -> Deviation:
        class Beside(Situated):
            def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
                yield from super().effects(operation_asked, before, after, keys)
                if operation_asked != operation or before.state is not state or before.default:
                    return
                if not situation.holds(self, operation, before):
                    return
                for key in _chosen(which, after, keys):
                    if key.state is other:
                        reached()
                        yield in_state(key, result, self.now)

        return Deviation((Beside,))

    return made


def _chosen(which: str, named: Key, keys: Collection[Key]) -> tuple[Key, ...]:
    """The other keys that are meant, in the order of their creation."""
    every = [key for key in keys if not key.default]
    others = [key for key in every if key.id != named.id]
    if which == "all" or not others:
        return tuple(others)
    if which == "first":
        return (others[0],)
    position = next((n for n, key in enumerate(every) if key.id == named.id), -1)
    return (every[(position + 1) % len(every)],)


def _later(operation: str, state: State, seconds: float) -> Make:
    def made(reached: Reached) -> Deviation:
        class Later(Situated):
            _due: tuple[tuple[float, Key], ...] = ()

            def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
                found = tuple(super().effects(operation_asked, before, after, keys))
                if operation_asked != operation or before.state is not state or before == after or before.default:
                    return found
                reached()
                self._due = (*self._due, (REAL.monotonic() + seconds, after))
                return (before,)

            def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
                yield from super().changed_by_time(keys)
                now = REAL.monotonic()
                due = [key for moment, key in self._due if moment <= now]
                self._due = tuple(one for one in self._due if one[0] > now)
                yield from due

        return Deviation((Later,))

    return made
