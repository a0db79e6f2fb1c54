"""Sources of time and randomness. A replay replaces them, so it gets the times, names and ids of the recorded run.

Where the suite and the emulator run in one process, both read their time here. Such a process may skip pauses, see
`skipped_pauses`.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Chance:
    """Random names and ids: unique to a run, and reproducible from its seed."""

    def __init__(self, random: Random, seed: str | None = None) -> None:
        self._random = random
        self._seed = seed

    @classmethod
    def of(cls, seed: str) -> Chance:
        """A source that repeats its values for the same seed.

        The seed must be unguessable, because all ids of a run follow from it.
        """
        return cls(Random(seed), seed)  # noqa: S311 - the seed is 16 bytes from the system

    def fork(self) -> Chance:
        """A separate source, for code whose number of draws may differ between a run and its replay.

        The draws from `self` then stay the same. Without a seed, the result is `self`.
        """
        return self if isinstance(self._random, SystemRandom) else Chance(Random(self._random.getrandbits(128)))  # noqa: S311

    def derived(self, purpose: str) -> Chance:
        """A separate source for one purpose, from the same seed; nothing is drawn from `self`, unlike in `fork`.

        Without a known seed, the result is that of `fork`.
        """
        return self.fork() if self._seed is None else Chance.of(f"{self._seed} {purpose}")

    def hex(self, size: int) -> str:
        """`size` random bytes as hexadecimal digits, two a byte."""
        return self._random.randbytes(size).hex()

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def nonce(self) -> str:
        """32 hexadecimal digits, new in each call."""
        return self.hex(16)

    def other(self, text: str) -> str:
        """A random text of capital letters and digits that is as long as `text` and differs from it at every place."""
        return "".join(self._random.choice(_ALPHABET.replace(character, "")) for character in text)


#: Randomness of the operating system, without a seed.
SYSTEM = Chance(SystemRandom())


@dataclass
class _Pauses:
    """The pauses of this process: whether they are skipped, and the seconds that were skipped so far."""

    are_skipped: bool = False
    skipped_seconds: float = 0.0


_PAUSES = _Pauses()


@contextlib.contextmanager
def skipped_pauses() -> Iterator[None]:
    """Within this context, pauses of this process take no time: each moves the clocks of the process forward instead.
    Afterwards the clocks show the real time again.

    This is for a process in which the suite checks an emulator: both see the same time pass. A target in another
    process does not see it, so nothing else may skip pauses.
    """
    _PAUSES.are_skipped = True
    try:
        yield
    finally:
        _PAUSES.are_skipped, _PAUSES.skipped_seconds = False, 0.0


class Clock:
    """The clock of a run. This base class gives the time of this process; recording and playback override it."""

    def now(self) -> datetime:
        """The time of day, timezone-aware, UTC."""
        return datetime.now(UTC) + timedelta(seconds=_PAUSES.skipped_seconds)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, in whole microseconds, for measuring differences."""
        skipped = round(_PAUSES.skipped_seconds * 1_000_000)
        return (time.monotonic_ns() // 1000 + skipped) / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Block for this many seconds, or skip them."""
        if _PAUSES.are_skipped:
            _PAUSES.skipped_seconds += max(0.0, seconds)
        else:
            time.sleep(seconds)


REAL = Clock()


class Draws:
    """Store of the values that generators draw in a run, by purpose; all values are of JSON types.

    This base class is for runs without a recording and stores nothing.
    """

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        """The values that the recorded run drew for the purpose `of`; None if they must be drawn now."""
        del of
        return None

    def drew(self, of: str, value: object, /) -> None:
        """Store a value that was just drawn for the purpose `of`."""

    def given(self, of: str, values: Sequence[Any], /) -> Sequence[Any]:
        """Values for the purpose `of` that do not follow from the seed, such as those of a file of the user's.

        They are stored. If a recording is judged again, the recorded values take their place, if there are any.
        """
        for value in values:
            self.drew(of, value)
        return values
