"""Situations: when a generated fault shows, such as from the second time on, or only by an alias."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.blind.memory import Memory
from kms_conformance.emulator import Key, Rules, State

_DAY = timedelta(days=1)


class Situated(Memory):
    """Decisions that also know how often an operation was tried on a key in its state, and how the request named it.

    Subclasses ask `super()` first, so that a try counts before they decide.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.tries: Counter[tuple[str, str, State]] = Counter()
        # Each connection has a thread, and a request is carried out in the thread that received it.
        self._request = threading.local()

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        self._request.names = tuple(value for value in sent.values() if isinstance(value, str))
        return super().parameters(operation, sent)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        self.tries[operation, key.id, key.state] += 1
        return super().refusal_for(operation, key)

    def is_named_by(self, part: str, key: Key) -> bool:
        """Whether the request being carried out names the key by a text that contains `part`."""
        names: tuple[str, ...] = getattr(self._request, "names", ())
        return key.id not in names and any(part in name for name in names)


@dataclass(frozen=True)
class Situation:
    """When a fault shows: `words` end the title; `holds` gets the state in which the operation found the key.

    `states`: the states of keys in which the situation can come up; empty for all.
    """

    name: str
    words: str
    holds: Callable[[Situated, str, Key], bool]
    states: tuple[State, ...] = ()


def _tries(memory: Situated, operation: str, key: Key) -> int:
    return memory.tries[operation, key.id, key.state]


ALWAYS = Situation("always", "", lambda _m, _o, _k: True)

_AWAKE = (State.ENABLED, State.DISABLED)

SITUATIONS = (
    ALWAYS,
    Situation("from-2nd", " from the second time on", lambda m, o, k: _tries(m, o, k) >= 2),
    Situation("from-3rd", " from the third time on", lambda m, o, k: _tries(m, o, k) >= 3),
    Situation("1st", " the first time only", lambda m, o, k: _tries(m, o, k) == 1),
    Situation("every-2nd", " every second time", lambda m, o, k: _tries(m, o, k) % 2 == 0),
    Situation("cancelled", " once a deletion was cancelled", lambda m, _, k: m.done["cancel", k.id] > 0, _AWAKE),
    Situation("fresh", " if it was never scheduled", lambda m, _, k: not m.done["schedule", k.id], _AWAKE),
    Situation("was-disabled", " if it was disabled before", lambda m, _, k: m.was_disabled(k), (PENDING,)),
    Situation(
        "longest", " in the longest waiting period", lambda m, _, k: k.window_days == m.rules.window_maximum, (PENDING,)
    ),
    Situation("last-day", " on the last day of the waiting period", lambda m, _, k: m.left(k) <= _DAY, (PENDING,)),
    Situation("rescheduled", " at its second deletion", lambda m, _, k: m.done["schedule", k.id] > 1, (PENDING,)),
)
#: Situations of requests that name a key in another way than by its id.
BY_NAME = (
    Situation("by-alias", " if an alias names it", lambda m, _, k: m.is_named_by("alias/", k)),
    Situation("by-arn", " if its ARN names it", lambda m, _, k: m.is_named_by(f"key/{k.id}", k)),
)


def situations(state: State) -> Iterator[Situation]:
    """The situations that can come up for keys in a state."""
    return (situation for situation in SITUATIONS if not situation.states or state in situation.states)
