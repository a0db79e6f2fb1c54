"""Requests that meet: emulators in which two requests for one key, in flight at the same moment, wait for each other.

The emulator decides and changes under a lock, and an exchange takes it less than a millisecond: without a wait, one of
two requests is over before the other one is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Decisions, Key, Rules

# How long a request waits for another one, in seconds of real time: the second time while another connection is open.
# The suite sends both within a millisecond, over two connections, and else uses one. At a load of 20 on two cores, some
# second requests were read more than 0.02 s after the first ones.
_SECONDS, _SECONDS_OF_TWO = 0.02, 0.5
# Python names a thread after its function; this one of `socketserver` serves one connection.
_SERVING = "process_request_thread"


@dataclass(eq=False)
class Pair:
    """Two requests for one key that are in flight at the same moment.

    - operations: what they ask for, in the order of arrival.
    - before: the keys before both; empty until one of them is decided.
    - accepted: the operations that were carried out so far, in their order.
    """

    operations: list[str]
    before: dict[str, Key] = field(default_factory=dict)
    accepted: list[str] = field(default_factory=list)
    met: threading.Event = field(default_factory=threading.Event)
    decided: threading.Event = field(default_factory=threading.Event)

    def goes_first(self, operation: str) -> bool:
        """Whether a request for this operation is decided first: a schedule comes last, so that trials repeat."""
        return operation != "schedule" or self.asks("schedule", "schedule")

    def asks(self, *operations: str) -> bool:
        """Whether the two requests ask for these two operations, in any order."""
        return sorted(self.operations) == sorted(operations)


class Meeting(Decisions):
    """The base of emulators in which requests meet. Requests for the operations `meeting` wait for each other."""

    meeting: Collection[str] = CHANGES

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._guard = threading.Lock()
        self._waiting: dict[str, Pair] = {}
        self._of_thread = threading.local()

    @property
    def pair(self) -> Pair | None:
        """The pair of the request that this thread serves; None if it met no other request."""
        found: Pair | None = getattr(self._of_thread, "pair", None)
        return found

    @property
    def is_second(self) -> bool:
        """Whether the request that this thread serves came second of two."""
        return self.pair is not None and bool(getattr(self._of_thread, "second", False))

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        pair = self._of_thread.pair = self._met(operation, sent) if operation in self.meeting else None
        if pair is not None and not pair.goes_first(operation):
            pair.decided.wait(_SECONDS_OF_TWO)
        return super().parameters(operation, sent)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._note_decided()
        return super().effects(operation, before, after, keys)

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        self._note_decided()
        return super().effects_of_refusal(operation, refusal, key, keys)

    def _note_decided(self) -> None:
        # The store is locked until the change is made, so the other request finds the change.
        if self.pair is not None:
            self.pair.decided.set()

    def _met(self, operation: str, sent: Mapping[str, Any]) -> Pair | None:
        key = str(sent.get("KeyId", sent.get("key_id")))
        with self._guard:
            other = self._waiting.pop(key, None)
            if other is not None:
                other.operations.append(operation)
                self._of_thread.second = True
                other.met.set()
                return other
            self._of_thread.second = False
            own = self._waiting[key] = Pair([operation])
        if own.met.wait(_SECONDS) or (_has_two_connections() and own.met.wait(_SECONDS_OF_TWO)):
            return own
        with self._guard:
            if self._waiting.get(key) is own:
                del self._waiting[key]
        return own if own.met.is_set() else None

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        if self.pair is not None and operation in self.meeting and not self.pair.before:
            self.pair.before.update(found)
        return found


def _has_two_connections() -> bool:
    """Whether an emulator of this process serves two connections or more."""
    return sum(_SERVING in thread.name for thread in threading.enumerate()) > 1
