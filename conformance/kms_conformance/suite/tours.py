"""Tours: the order of changes of a key in which every sequence of a given length occurs, in few changes.

A tour is planned step by step, because documents may leave the state after a cancel open: the next change is the first
one on the shortest way to a sequence that has not been walked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Oracle

# The models from which tours go on; how long a key is pending does not matter to them.
_MODELS = (KeyModel(ENABLED), KeyModel(DISABLED), KeyModel(PENDING, ENABLED), KeyModel(PENDING, DISABLED))
# The changes of a key do not depend on the time as long as no deletion date is reached.
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

#: Successive changes of one key, each as (state before, operation).
Sequence = tuple[tuple[str, str], ...]


@dataclass
class Graph:
    """The requests for changes of a key that the oracle predicts, and the states to which they lead.

    - days: any valid window.
    - refused: whether requests count that must be refused or that change nothing; they lead back to the same model.
    - cancelled: by the state before a deletion was scheduled, the state after a cancel as it was seen.
    """

    oracle: Oracle
    days: int
    refused: bool = False
    cancelled: dict[str, str] = field(default_factory=dict)

    def changes(self, key: KeyModel) -> Mapping[str, KeyModel]:
        """The operations on a key in this state, and the model of the key after each of them."""
        found: dict[str, KeyModel] = {}
        for operation in CHANGES:
            prediction = self.oracle.predict(key, operation, _ANY_TIME, self.days)
            after = replace(prediction.after, deletion_at=None)
            if operation == "cancel" and prediction.refusal is None:
                after = KeyModel(self.cancelled.get(key.before, after.state))
            if self.refused or after.state != key.state:
                found[operation] = after if after.state != key.state else key
        return found

    def sequences(self, length: int) -> frozenset[Sequence]:
        """All sequences of this length."""
        return frozenset(walked for key in _MODELS for walked in self._from(key, length))

    def _from(self, key: KeyModel, length: int) -> Iterator[Sequence]:
        if length == 0:
            yield ()
            return
        for operation, after in self.changes(key).items():
            yield from (((key.state, operation), *rest) for rest in self._from(after, length - 1))


class Tour:
    """The tour of one key through all sequences of `length` changes.

    - key: the model of the key, without its deletion date.
    - walked: the sequences of this length that were walked.
    """

    def __init__(self, graph: Graph, length: int, key: KeyModel) -> None:
        self._graph = graph
        self.length = length
        self.key = key
        self.walked: set[Sequence] = set()
        self._last: Sequence = ()

    @property
    def open(self) -> frozenset[Sequence]:
        """The sequences that are still to be walked."""
        return self._graph.sequences(self.length) - self.walked

    def next(self) -> str | None:
        """The next operation; None if all sequences are walked that can be reached."""
        goals = self.open
        waiting: deque[tuple[KeyModel, Sequence, str | None]] = deque([(self.key, self._kept(self._last), None)])
        seen = {waiting[0][:2]}
        while goals and waiting:
            key, last, first = waiting.popleft()
            for operation, after in self._graph.changes(key).items():
                walked = (*last, (key.state, operation))
                if walked in goals:
                    return first or operation
                reached = after, self._kept(walked)
                if reached not in seen:
                    seen.add(reached)
                    waiting.append((*reached, first or operation))
        return None

    def take(self, operation: str, after: KeyModel) -> None:
        """Note an operation and the model to which it led."""
        if operation == "cancel" and self.key.state == PENDING:
            self._graph.cancelled[self.key.before] = after.state
        self._last = (*self._last, (self.key.state, operation))[-self.length :]
        self.key = replace(after, deletion_at=None)
        if len(self._last) == self.length:
            self.walked.add(self._last)

    def _kept(self, sequence: Sequence) -> Sequence:
        return sequence[-(self.length - 1) :] if self.length > 1 else ()
