"""Counts what a run gives to its keys and takes off again, and announces it in the ledger before each request.

A belonging of a key is an alias, a tag, a grant, its policy, its rotation, its description and the like. The adapter
says which kinds a dialect has (`dialects/belongings.py`). Every request of a run passes here, generated ones too.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.gate import Gate
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_belongings import recordable
from kms_conformance.dialects.base import Dialect
from kms_conformance.dialects.belongings import Belonging
from kms_conformance.wire.messages import Exchange, Request

#: Stands for names or a value that only the target can tell.
UNKNOWN = "?"
# A proxy sends 408 and 429 for requests that may have been carried out, or not.
_OPEN_STATUSES = frozenset({408, 429})

# Sends an operation that only reads; None if it is not served.
Look = Callable[..., Answer | None]


@dataclass(frozen=True)
class BelongingChange:
    """A request that may change what some keys of ours have of one kind."""

    belonging: Belonging
    operation: str
    keys: tuple[str, ...]
    names: tuple[str, ...]


class GivenBelongings:
    """What a run has given to its keys and not taken off yet, by key and kind.

    - made, returned: the numbers of belongings that were made and taken off, by kind.
    - earlier: those that earlier runs made and this run took off.
    """

    def __init__(self, dialect: Dialect, gate: Gate, ledger: Ledger, redacted: Callable[[str], str]) -> None:
        """`redacted` returns a text without secrets."""
        self._redacted = redacted
        self._dialect = dialect
        self._gate = gate
        self._ledger = ledger
        self._there: dict[tuple[str, str], set[str]] = {}
        self.made: Counter[str] = Counter()
        self.returned: Counter[str] = Counter()
        self.earlier: Counter[str] = Counter()

    def announce(self, request: Request, operation: Operation | None, look: Look) -> tuple[BelongingChange, ...]:
        """Write to the ledger what a request may give to keys of ours; returns all changes that it may make."""
        changes = tuple(self._changes(request, operation))
        for change in changes:
            if change.operation in change.belonging.made_by:
                for key in change.keys:
                    self._announce(key, change, look)
        return changes

    def note(self, changes: Iterable[BelongingChange], exchange: Exchange) -> None:
        """Take into account the outcome of a request; what got no clear reply counts as made."""
        reply = exchange.reply
        if reply is not None and 400 <= reply.status < 500 and reply.status not in _OPEN_STATUSES:
            return
        done = reply is not None and reply.status < 300
        for change in changes:
            belonging = change.belonging
            names = change.names
            if done and reply is not None and change.operation in belonging.made_by:
                names = (*names, *belonging.replied(self._dialect.decode(reply, None).value))
            if belonging.own_value is not None:
                self._note_value(change, names, done=done)
            elif change.operation in belonging.made_by:
                self._note_names(change, names or (UNKNOWN,))
            elif done:
                self.take_off(belonging.kind, names, change.keys)

    def on(self, key: str, kind: str) -> frozenset[str]:
        """The names, or the value, that this run has given to a key; `UNKNOWN` among them if the target must tell."""
        return frozenset(self._there.get((key, kind), ()))

    def kinds_on(self, key: str) -> tuple[str, ...]:
        """The kinds of which this run has given something to a key."""
        return tuple(kind for (owner, kind), names in self._there.items() if owner == key and names)

    def take_off(self, kind: str, names: Iterable[str], keys: Iterable[str] = ()) -> None:
        """Note that names were taken off these keys, or off any key if none is named."""
        gone, owners = set(names), set(keys)
        for (owner, of), there in self._there.items():
            if of == kind and (owner in owners or not owners):
                self.returned[kind] += len(there & gone)
                there.difference_update(gone)

    def clear(self, key: str, kinds: Iterable[str]) -> None:
        """Note that nothing of these kinds is left on a key."""
        for kind in kinds:
            self.returned[kind] += len(self._there.pop((key, kind), ()))

    def to_json(self, left: Iterable[tuple[str, str, str]] = ()) -> Mapping[str, object]:
        """The JSON form that `specs/schemas/verdict.schema.json` describes; `left` holds (key, kind, reason)."""
        return {
            "made": {kind: count for kind, count in sorted(self.made.items()) if count},
            "returned": {kind: count for kind, count in sorted(self.returned.items()) if count},
            "earlier": {kind: count for kind, count in sorted(self.earlier.items()) if count},
            "left": [{"key": key, "kind": kind, "reason": reason} for key, kind, reason in left],
        }

    def own_value(self, belonging: Belonging, key: str) -> str | None:
        """The value that a key had when it was new; None if it is not known."""
        if belonging.own_value == "marker":
            return self._ledger.marker_of(key).partition("/")[0]
        return (
            self._ledger.belongings.own(key, belonging.kind) if belonging.own_value == "read" else belonging.own_value
        )

    def _changes(self, request: Request, operation: Operation | None) -> Iterator[BelongingChange]:
        if operation is not None and operation.reads:
            return
        asked = self._gate.asked(request) | (frozenset() if operation is None else {operation.name})
        for belonging in self._dialect.belongings:
            for name in sorted(asked & (belonging.made_by | belonging.taken_by)):
                keys = self._gate.named(request)[0]
                if keys or name not in belonging.made_by:
                    yield BelongingChange(belonging, name, keys, recordable(belonging.requested(request)))

    def _announce(self, key: str, change: BelongingChange, look: Look) -> None:
        belonging, own = change.belonging, None
        names = change.names if belonging.recorded else ()
        if self._ledger.belongings.announces(self._ledger.run, key, belonging.kind, names):
            return
        if belonging.own_value == "read" and self._ledger.belongings.own(key, belonging.kind) is None:
            own = self._value(belonging, key, look)
        self._ledger.announce(key, belonging.kind, names, own)

    def _value(self, belonging: Belonging, key: str, look: Look) -> str | None:
        """What a key has of a kind with one value; None if the target does not show it, or it contains a secret."""
        answer = look(belonging.listed_by, key_id=key)
        found = belonging.listed(answer.value) if answer is not None and answer.accepted else ()
        return found[0] if found and self._redacted(found[0]) == found[0] else None

    def _note_names(self, change: BelongingChange, names: tuple[str, ...]) -> None:
        kind, given = change.belonging.kind, set(names)
        for key in change.keys:
            there = self._there.setdefault((key, kind), set())
            moved = self._moved(key, kind, given) if change.belonging.unique else set()
            self.made[kind] += len(given - there - moved)
            there |= given

    def _moved(self, key: str, kind: str, names: set[str]) -> set[str]:
        """Those of the names that another key had, which it has no longer."""
        moved: set[str] = set()
        for (owner, of), others in self._there.items():
            if of == kind and owner != key:
                moved |= others & names
                others.difference_update(names)
        return moved

    def _note_value(self, change: BelongingChange, values: tuple[str, ...], *, done: bool) -> None:
        belonging = change.belonging
        for key in change.keys:
            there = self._there.setdefault((key, belonging.kind), set())
            own = self.own_value(belonging, key)
            reset = change.operation not in belonging.made_by
            value = values[0] if values and done else UNKNOWN
            if (done and reset) or (own is not None and same_value(value, own)):
                self.returned[belonging.kind] += len(there)
                there.clear()
            elif not reset:
                self.made[belonging.kind] += not there
                there.clear()
                there.add(value)


def same_value(one: str, other: str) -> bool:
    """Whether two values are the same text, or the same JSON document."""
    if one == other:
        return True
    try:
        return bool(json.loads(one) == json.loads(other))
    except (ValueError, RecursionError):
        return False
