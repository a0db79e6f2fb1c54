"""Interface of the adapters of vendors' clients: abstract operations in, results or errors as plain values out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from kms_conformance.target import Target


@dataclass(frozen=True)
class CallResult:
    """Values that a call returned; None for values that the reply does not have.

    `state` is written as in the dialect, dates are aware, `keys` are the ids of a whole list, `secret` is a ciphertext
    or the decrypted plaintext.
    """

    key_id: str | None = None
    state: str | None = None
    deletion_at: datetime | None = None
    keys: tuple[str, ...] | None = None
    secret: object = None


@dataclass(frozen=True)
class RaisedError:
    """Documented exception of a client: the names of its class and bases, and its status, code and text."""

    kinds: tuple[str, ...]
    status: int | None
    code: str | None
    text: str


@dataclass(frozen=True)
class Crash:
    """Undocumented exception of a client: the names of its class and bases, its text, and the line that raised it."""

    kinds: tuple[str, ...]
    text: str
    where: str


Outcome = CallResult | RaisedError | Crash


class Driver(ABC):
    """Adapter of one client, signed in at one target.

    `calls` maps each abstract operation that the client has to the vendor's name of the call.
    """

    calls: ClassVar[Mapping[str, str]]

    @abstractmethod
    def __init__(self, target: Target, scope: str) -> None:
        """`scope` is the project of the credentials; "" if the dialect has no projects."""

    def call(self, operation: str, **arguments: object) -> CallResult:
        """Make one call. Raises the exceptions of the client, and those of reading its reply objects."""
        done: Callable[..., CallResult] = getattr(self, f"_{operation}")
        return done(**arguments)

    @abstractmethod
    def raised(self, error: Exception) -> RaisedError | None:
        """The documented error of a client as plain values; None for an undocumented exception."""


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Names of an exception's class and its bases, in method resolution order."""
    return tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)


def ca_file(target: Target) -> str | None:
    """The file of certificate authorities that the target file names, or None."""
    return None if target.verify is True else str(target.verify)
