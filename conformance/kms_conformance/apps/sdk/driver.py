"""Interface of the adapters of vendors' clients, which map abstract operations to calls.

Abstract operations and states have the same names in all dialects, such as `schedule` and `pending_deletion`.
"""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from kms_conformance.target import Target


@dataclass(frozen=True)
class CallResult:
    """Values that a call returned; a value is None if the reply does not have it.

    - `state`: the state of the key, as the dialect writes it; `make_call` replaces it by the abstract state.
    - `deletion_at`: the deletion date (aware).
    - `keys`: the ids of all keys, from all pages of a list.
    - `secret`: a ciphertext, a decrypted plaintext, or a data key.
    """

    key_id: str | None = None
    state: str | None = None
    deletion_at: datetime | None = None
    keys: tuple[str, ...] | None = None
    secret: object = None


@dataclass(frozen=True)
class RaisedError:
    """Documented exception of a client, or an error reply that this suite decoded.

    - `kinds`: the names of the exception's class and its bases; empty for a decoded reply.
    - `status`, `code`: the status and the error code of the reply; None if the exception does not contain them.
    """

    kinds: tuple[str, ...]
    status: int | None
    code: str | None
    text: str


@dataclass(frozen=True)
class Crash:
    """Undocumented exception of a client.

    - `kinds`: the names of its class and its bases.
    - `where`: the line that raised it.
    """

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
        """Make the client for a target; `scope` is the project of the credentials, "" if the dialect has none."""

    def call(self, operation: str, **arguments: object) -> CallResult:
        """Make one call. Raises the exceptions of the client, and any exception of reading the objects it returns."""
        done: Callable[..., CallResult] = getattr(self, f"_{operation}")
        return done(**arguments)

    @abstractmethod
    def raised(self, error: Exception) -> RaisedError | None:
        """An exception of the client as plain values; None if the class of the exception is not documented."""


class AlibabaKms(Protocol):
    """Calls that both clients of Alibaba Cloud have, once each is wrapped. Plaintexts are in base64."""

    def enable(self, key_id: str) -> object: ...

    def disable(self, key_id: str) -> object: ...

    def schedule(self, key_id: str, window: int) -> object: ...

    def cancel(self, key_id: str) -> object: ...

    def encrypt(self, key_id: str, plaintext: str) -> str: ...

    def decrypt(self, blob: str) -> str: ...

    def data_key(self, key_id: str) -> str: ...


class AlibabaDriver(Driver):
    """Base of the adapters of both clients of Alibaba Cloud: the calls whose results have no form of their own."""

    _kms: AlibabaKms

    def _enable(self, key_id: str) -> CallResult:
        self._kms.enable(key_id)
        return CallResult()

    def _disable(self, key_id: str) -> CallResult:
        self._kms.disable(key_id)
        return CallResult()

    def _schedule(self, key_id: str, window: int) -> CallResult:
        self._kms.schedule(key_id, window)
        return CallResult()

    def _cancel(self, key_id: str) -> CallResult:
        self._kms.cancel(key_id)
        return CallResult()

    def _encrypt(self, key_id: str, plaintext: str) -> CallResult:
        return CallResult(secret=self._kms.encrypt(key_id, base64.b64encode(plaintext.encode()).decode()))

    def _decrypt(self, ciphertext: str) -> CallResult:
        return CallResult(secret=base64.b64decode(self._kms.decrypt(ciphertext)).decode())

    def _generate_data_key(self, key_id: str) -> CallResult:
        return CallResult(secret=self._kms.data_key(key_id))


def kinds_of(error: BaseException) -> tuple[str, ...]:
    """Names of an exception's class and its bases, in method resolution order."""
    return tuple(kind.__name__ for kind in type(error).__mro__ if kind is not object)


def ca_file(target: Target) -> str | None:
    """The file of certificate authorities that the target file names; None if it names none."""
    return None if target.verify is True else str(target.verify)
