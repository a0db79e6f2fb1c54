"""Sources of time and randomness. A replay replaces them, so a recorded run gets the same times, names and ids."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Chance:
    """Random names and ids: unique to a run, and reproducible from its seed."""

    def __init__(self, random: Random) -> None:
        self._random = random

    @classmethod
    def of(cls, seed: str) -> Chance:
        """A source that repeats its values for the same seed. Keep the seed unguessable: it yields all ids of a run."""
        return cls(Random(seed))  # noqa: S311 - the seed is 16 bytes from the system

    def fork(self) -> Chance:
        """A separate source for a user whose number of draws may vary; the draws of `self` then stay in step."""
        return self if isinstance(self._random, SystemRandom) else Chance(Random(self._random.getrandbits(128)))  # noqa: S311

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
        """Capital letters and digits, as many as `text` has; each differs from the character of `text` at its place."""
        return "".join(self._random.choice(_ALPHABET.replace(character, "")) for character in text)


#: Randomness of the operating system, without a seed.
SYSTEM = Chance(SystemRandom())


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """The time of day, timezone-aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment, in whole microseconds, for measuring differences."""
        return time.monotonic_ns() // 1000 / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Block for this many seconds."""
        time.sleep(seconds)


REAL = Clock()


class Draws:
    """Drawn values by purpose, all of JSON types. This base class, for runs without a recording, stores none."""

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        """The values that the recorded run drew for one purpose; None if they must be drawn now."""
        del of
        return None

    def drew(self, of: str, value: object, /) -> None:
        """Store a value that was just drawn for a purpose."""
