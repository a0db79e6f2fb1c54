"""The one place where chance comes from, so that a run can be judged again with the names and ids that it made up."""

from __future__ import annotations

import uuid
from random import Random, SystemRandom

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
