"""Operators on the table of states: what is accepted, refused, answered and carried out, by operation and state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from kms_conformance.apps.selftest.generated.facts import Facts, in_state
from kms_conformance.apps.selftest.generated.row import Deviation, Found, LeftOut, Make, Row
from kms_conformance.apps.selftest.generated.situation import ALWAYS, BY_NAME, Situated, Situation, situations
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Inbound, Key, RefusalAnswer, State

Reached = Callable[[], None]


def _cells(facts: Facts) -> Iterator[tuple[str, State, str | None]]:
    """Every operation and state, with the name of the documented refusal."""
    for operation in facts.operations:
        for state in facts.states:
            yield operation, state, facts.refusal(operation, state)


def _when(facts: Facts, operation: str, state: State) -> Iterator[Situation]:
    yield from situations(state)
    for situation in BY_NAME:
        form = situation.name.removeprefix("by-")
        if facts.takes(operation, form):
            yield situation


def accepts(facts: Facts) -> Found:
    """What must be refused in a state is accepted."""
    for operation, state, refusal in _cells(facts):
        if refusal is None:
            continue
        if facts.profile.refusal(refusal).or_accepted:
            yield LeftOut("accepts", (operation, state), "the profile accepts it as well")
            continue
        for situation in _when(facts, operation, state):
            yield Row(
                "accepts",
                (operation, state, situation.name),
                f"{_named(operation)} is accepted {_on(state, situation)}.",
                "critical" if state is State.PENDING_DELETION else "major",
                _deciding(operation, state, situation, None),
                situation=situation.name,
            )


def refuses(facts: Facts) -> Found:
    """What must be accepted in a state is refused, as if the key were in another state."""
    for operation, state, refusal in _cells(facts):
        if refusal is not None:
            continue
        for other in facts.refusals_of_states:
            answer = facts.answer(other)
            for situation in _when(facts, operation, state):
                yield Row(
                    "refuses",
                    (operation, state, _written(answer), situation.name),
                    f"{_named(operation)} is refused with {_written(answer)} {_on(state, situation)}.",
                    "major",
                    _deciding(operation, state, situation, other),
                    situation=situation.name,
                )


def answers(facts: Facts) -> Found:
    """A refusal because of the state is answered as another refusal."""
    for operation, state, refusal in _cells(facts):
        if refusal is None:
            continue
        for other in (*facts.refusals_of_states, "unknown_key", "invalid_parameter", "missing_key"):
            answer = facts.answer(other)
            parts = (operation, state, _written(answer))
            if facts.profile.refusal(refusal).admits(answer.status, answer.code):
                yield LeftOut("answers", parts, "the profile admits this answer")
                continue
            for situation in _when(facts, operation, state):
                yield Row(
                    "answers",
                    (*parts, situation.name),
                    f"{_named(operation)} is refused with {_written(answer)} {_on(state, situation)}.",
                    "minor",
                    _deciding(operation, state, situation, other),
                    situation=situation.name,
                )


def idle(facts: Facts) -> Found:
    """An operation is accepted, but has no effect."""
    for operation, state, refusal in _cells(facts):
        if refusal is not None:
            continue
        if operation in facts.api.harmless:
            continue
        if operation in CHANGES and facts.moved(operation, state) is state:
            yield LeftOut("idle", (operation, state), "the operation changes nothing in this state")
            continue
        for situation in _when(facts, operation, state):
            yield Row(
                "idle",
                (operation, state, situation.name),
                f"{_named(operation)} on a key that is {_of(state)} is accepted, but has no effect{situation.words}.",
                "critical" if operation in {"schedule", "cancel"} else "major",
                _storing(operation, state, situation, lambda _m, before, _after: before),
                situation=situation.name,
            )


def leads(facts: Facts) -> Found:
    """An accepted operation leaves the key in a wrong state."""
    for operation, state, refusal in _cells(facts):
        for result in State:
            if refusal is not None or result is State.PENDING_IMPORT:
                continue
            parts = (operation, state, result)
            if result is facts.moved(operation, state):
                yield LeftOut("leads", parts, "the documents demand this state")
                continue
            external = state is State.PENDING_IMPORT and operation == "cancel"
            if external and result in facts.profile.imported_after_cancel:
                yield LeftOut("leads", parts, "the profile accepts this state as well")
                continue
            for situation in _when(facts, operation, state):
                yield Row(
                    "leads",
                    (*parts, situation.name),
                    f"{_named(operation)} on a key that is {_of(state)} leaves it {_of(result)}{situation.words}.",
                    "critical" if State.PENDING_DELETION in {state, result} else "major",
                    _storing(
                        operation,
                        state,
                        situation,
                        lambda m, _before, after, result=result: in_state(after, result, m.now),  # type: ignore[misc]  # the loop's value is bound
                    ),
                    situation=situation.name,
                )


def carries_out(facts: Facts) -> Found:
    """A refused request is carried out all the same, or in part."""
    for operation, state, refusal in _cells(facts):
        if operation not in CHANGES:
            continue
        refusals = {refusal, "no_credentials"} | ({"window_out_of_range"} if operation == "schedule" else set())
        for named in sorted(name for name in refusals if name is not None):
            parts = (operation, state, named)
            if named != refusal and refusal is not None:
                yield LeftOut("carries-out", parts, "the request is refused for its state as well")
                continue
            result = facts.moved(operation, state)
            if result is state:
                yield LeftOut("carries-out", parts, "the operation changes nothing in this state")
                continue
            for situation in situations(state) if named == refusal else (ALWAYS,):
                yield Row(
                    "carries-out",
                    (*parts, situation.name),
                    f"{_named(operation)} on a key that is {_of(state)} is refused ({named}), but leaves it "
                    f"{_of(result)}{situation.words}.",
                    "critical",
                    _though_refused(operation, state, named, result, situation),
                    situation=situation.name,
                )


def admits(facts: Facts) -> Found:
    """A request without credentials is carried out."""
    for operation in facts.api.operations:
        if operation in facts.open_operations:
            yield LeftOut("admits", (operation,), "the documents demand no credentials")
            continue
        yield Row(
            "admits", (operation,), f"{_named(operation)} needs no credentials.", "critical", _admitting(operation)
        )


OPERATORS = (accepts, refuses, answers, idle, leads, carries_out, admits)

# --- decisions --------------------------------------------------------------------------------------------------------


def _deciding(operation: str, state: State, situation: Situation, refusal: str | None) -> Make:
    def made(reached: Reached) -> Deviation:
        class Deciding(Situated):
            def refusal_for(self, operation_asked: str, key: Key) -> str | None:
                found = super().refusal_for(operation_asked, key)
                if operation_asked != operation or key.state is not state or key.default:
                    return found
                if not situation.holds(self, operation, key):
                    return found
                reached()
                return refusal

        return Deviation((Deciding,))

    return made


def _storing(operation: str, state: State, situation: Situation, change: Callable[[Situated, Key, Key], Key]) -> Make:
    def made(reached: Reached) -> Deviation:
        class Storing(Situated):
            def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
                holds = operation_asked == operation and before.state is state and not before.default
                holds = holds and situation.holds(self, operation, before)
                for key in super().effects(operation_asked, before, after, keys):
                    changed = change(self, before, key) if holds and key.id == after.id else key
                    if changed != key:
                        reached()
                    yield changed

        return Deviation((Storing,))

    return made


def _though_refused(operation: str, state: State, refusal: str, result: State, situation: Situation) -> Make:
    def made(reached: Reached) -> Deviation:
        class ThoughRefused(Situated):
            def effects_of_refusal(
                self, operation_asked: str | None, found: str, key: Key | None, keys: Collection[Key]
            ) -> Iterable[Key]:
                if key is None or key.default or (operation_asked, found, key.state) != (operation, refusal, state):
                    return ()
                if not situation.holds(self, operation, key):
                    return ()
                reached()
                return (in_state(key, result, self.now),)

        return Deviation((ThoughRefused,))

    return made


def _admitting(operation: str) -> Make:
    def made(reached: Reached) -> Deviation:
        class Admitting(Situated):
            def _open(self, found: str | None, inbound: Inbound) -> bool:
                if found != "no_credentials" or inbound.operation != operation:
                    return False
                reached()
                return True

            def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
                return None if self._open(found, inbound) else super().token_problem(found, inbound)

            def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
                return None if self._open(found, inbound) else super().signature_problem(found, inbound)

        return Deviation((Admitting,))

    return made


def _on(state: State, situation: Situation) -> str:
    """The end of a title: the key and the situation."""
    return f"on a key that is {_of(state)}{situation.words}"


def _named(operation: str) -> str:
    return operation.replace("_", " ").capitalize()


def _of(state: State) -> str:
    return state.replace("_", " ")


def _written(answer: RefusalAnswer) -> str:
    return f"{answer.status} {answer.code}"
