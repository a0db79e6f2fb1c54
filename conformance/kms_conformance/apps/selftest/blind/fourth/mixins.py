"""Mixins of the fourth blind set: changes by conditions of the request, and rows of the set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED
from kms_conformance.apps.selftest.blind.memory import Memory, Mixin
from kms_conformance.apps.selftest.blind.rows import rows_of as first_rows_of
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory
from kms_conformance.apps.selftest.blind.third.mixins import asked_id
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.emulator import Decisions, Key, RefusalAnswer, State

rows_of = partial(first_rows_of, prefix="blind4", of_set="fourth blind set")

# The dialects whose keys have tags and several aliases.
NAMED = (ALIBABA, AWS)


def toggled(state: State) -> State:
    """The other one of the states enabled and disabled; other states stay."""
    return {ENABLED: DISABLED, DISABLED: ENABLED}.get(state, state)


def on_neighbour(operation: str, step: int, change: Callable[[Key, Key], Key]) -> Mixin:
    """The operation also stores the key that was created `step` places after the named one, as `change` makes it."""

    class OnNeighbour(Memory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            known = [key for key in keys if not key.default]
            place = next((number for number, key in enumerate(known) if key.id == after.id), None)
            if operation_asked == operation and place is not None and 0 <= place + step < len(known):
                yield change(after, known[place + step])

    return OnNeighbour


def lost_from(operation: str, number: int) -> Mixin:
    """From the `number`-th time on, the operation on a key is answered with success, but has no effect."""

    class LostFrom(Memory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            lost = operation_asked == operation and self.done[operation, after.id] >= number
            return (before,) if lost else found

    return LostFrom


def at_end(change: Callable[[Key], Key], which: Callable[[Key, Key], bool]) -> Mixin:
    """When a key is deleted, the other keys for which `which(deleted, other)` is true are changed."""

    class AtEnd(Memory):
        def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
            found = list(super().changed_by_time(keys))
            there = {key.id for key in keys}
            ended = [key for name, key in self.seen.items() if name not in there]
            for gone in ended:
                del self.seen[gone.id]
                found += [change(key) for key in keys if not key.default and which(gone, key)]
            return found

    return AtEnd


def deleted_answered(status: int, code: Mapping[str, str]) -> Mixin:
    """A request for a deleted key is refused with this status, and with the code of the dialect."""

    class DeletedAnswered(RequestMemory):
        def answer(self, refusal: str) -> RefusalAnswer:
            name = asked_id(self)
            deleted = refusal == "unknown_key" and name in self.seen and name not in self.known
            return RefusalAnswer(status, code[self.rules.dialect]) if deleted else super().answer(refusal)

    return DeletedAnswered


def reading(operations: Collection[str], read: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Mixin:
    """These operations read their parameters as `read` returns them; without operations, all do."""

    class Reading(Decisions):
        def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
            found = super().parameters(operation, sent)
            return read(dict(found)) if not operations or operation in operations else found

    return Reading


def dropping(*names: str) -> Callable[[dict[str, Any]], Mapping[str, Any]]:
    """Read no parameters with these names."""
    return lambda sent: {name: value for name, value in sent.items() if name not in names}
