"""The only source of time and randomness: a run can be judged again with the time, names and ids it had."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random, SystemRandom
from typing import Any

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Chance:
    """Names and ids that nobody else has: no two runs share one, and the same seed gives the same again."""

    def __init__(self, random: Random) -> None:
        self._random = random

    @classmethod
    def of(cls, seed: str) -> Chance:
        """Chance that can be repeated by whoever knows the seed, which must not be guessed by others."""
        return cls(Random(seed))  # noqa: S311 - its seed comes from the system, 16 bytes a run

    def fork(self) -> Chance:
        """Chance of its own, for what may draw more or less often than it did before."""
        return self if isinstance(self._random, SystemRandom) else Chance(Random(self._random.getrandbits(128)))  # noqa: S311

    def hex(self, size: int) -> str:
        """So many bytes as hexadecimal digits, two a byte."""
        return self._random.randbytes(size).hex()

    def uuid(self) -> str:
        """A UUID of version 4."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def nonce(self) -> str:
        """32 hexadecimal digits that were never used before."""
        return self.hex(16)

    def other(self, text: str) -> str:
        """Letters and digits, as many as `text` has, none of which stands there in `text`."""
        return "".join(self._random.choice(_ALPHABET.replace(character, "")) for character in text)


#: What nobody can repeat.
SYSTEM = Chance(SystemRandom())


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, in whole microseconds; only differences mean anything."""
        return time.monotonic_ns() // 1000 / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


REAL = Clock()


class Draws:
    """Those of a run that is not recorded: they are drawn and forgotten. All values are of JSON types."""

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        """All that was drawn for one purpose of the recorded run; None where it is to be drawn now."""
        del of
        return None

    def drew(self, of: str, value: object, /) -> None:
        """Take note of what was just drawn for a purpose."""
