"""What the adapter of a vendor's client offers: calls in our words, and what came of them in values of our own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kms_conformance.target import Target


@dataclass(frozen=True)
class Told:
    """What a call returned; None for what it does not tell. `state` is as the dialect writes it, dates are aware.

    `keys` are the ids of a whole list; `secret` is a ciphertext, or the plaintext that was decrypted.
    """

    key_id: str | None = None
    state: str | None = None
    deletion_at: datetime | None = None
    keys: tuple[str, ...] | None = None
    secret: object = None


@dataclass(frozen=True)
class Raised:
    """An error of the client's own kinds: the names of its class and their bases, and what it says of the reply."""

    kinds: tuple[str, ...]
    status: int | None
    code: str | None
    text: str


@dataclass(frozen=True)
class Crash:
    """Any other exception: the names of its class and their bases, its text, and where in the client it was raised."""

    kinds: tuple[str, ...]
    text: str
    where: str


Outcome = Told | Raised | Crash


class Driver(ABC):
    """One client, signed in at one target. `calls` are the abstract operations that it has, by the vendor's names."""

    calls: ClassVar[Mapping[str, str]]

    @abstractmethod
    def __init__(self, target: Target, scope: str) -> None:
        """`scope` is the project that the credentials are for, "" where the dialect knows none."""

    def call(self, operation: str, **arguments: object) -> Told:
        """Make one call. Raises whatever the client raises, and what a program would meet that uses its objects."""
        done: Callable[..., Told] = getattr(self, f"_{operation}")
        return done(**arguments)

    @abstractmethod
    def raised(self, error: Exception) -> Raised | None:
        """What an error says, if it is of a kind that the client documents; None for any other: that is a crash."""


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """The names of an exception's class and of its bases, the nearest first."""
    return tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)


def ca_file(target: Target) -> str | None:
    """The file of certificate authorities that the target file names."""
    return None if target.verify is True else str(target.verify)
