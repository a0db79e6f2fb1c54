"""The keys that are there before the first request, so that a client's isolation has something to protect."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from kms_conformance.emulator.keys import Draft, Key, State, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

# What the foreign keys are in, one after the other.
_STATES = (State.ENABLED, State.DISABLED, State.PENDING_DELETION)
# The window of a foreign key that waits for its deletion: inside the bounds of every profile.
_DAYS = 20


def furnished(own: Iterable[Draft], foreign: Callable[[int], Draft], count: int, now: datetime) -> Iterator[Key]:
    """The service's own keys and `count` foreign ones, made without asking a decision: no fault spoils them."""
    for draft in own:
        yield key_of(draft, State.ENABLED, now)
    for number in range(count):
        key = key_of(foreign(number), _STATES[number % len(_STATES)], now)
        pending = key.state is State.PENDING_DELETION
        yield replace(key, deletion=now + timedelta(days=_DAYS), window_days=_DAYS) if pending else key
