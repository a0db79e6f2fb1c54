"""Base classes of all ways to sign in: `Scheme`, which holds credentials, and `Signer`, which adds them to requests.

The built-in schemes are listed in `WAYS` of this package. `kms_conformance.target.registry` finds those of other
packages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, Protocol

from kms_conformance.core.runtime import REAL, SYSTEM
from kms_conformance.target.auth import CREDENTIAL, PROJECT_ID, TEXT, Auth

if TYPE_CHECKING:
    from kms_conformance.auth.sabotage import Sabotage, SabotageTools
    from kms_conformance.wire.messages import Request
    from kms_conformance.wire.session import Session

__all__ = [
    "CREDENTIAL",
    "PROJECT_ID",
    "TEXT",
    "Clock",
    "Nonce",
    "Scheme",
    "SignInFailed",
    "Signer",
    "SignerTools",
    "fresh_nonce",
    "project_of",
    "utc_now",
]

Clock = Callable[[], datetime]
Nonce = Callable[[], str]


class Signer(Protocol):
    """Adds credentials to a request. Signing a signed request replaces its credentials."""

    def sign(self, request: Request) -> Request:
        """The request with credentials; raises `SignInFailed` if they must be fetched first and this fails."""
        ...


class SignInFailed(Exception):  # noqa: N818 - an event, not a programming error
    """The target refused our own credentials, or they could not be fetched: the run is inconclusive."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"


@dataclass(frozen=True)
class SignerTools:
    """Tools of signers: a session for those that fetch a token, the clock of signatures, and the source of nonces."""

    session: Session
    now: Clock
    nonce: Nonce


@dataclass(frozen=True)
class Scheme(Auth, ABC):
    """Base of all ways to sign in. An instance holds the credentials of one target."""

    #: Whether equal credentials share one signer. True for schemes that fetch a token and keep it.
    one_signer: ClassVar[bool] = False

    @abstractmethod
    def signer(self, tools: SignerTools) -> Signer:
        """The signer for these credentials."""

    @abstractmethod
    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """Signers with exactly one fault each, and the refusal that the profile expects for it."""


def project_of(signer: Signer) -> str:
    """The id of the project that the credentials belong to; "" for dialects without projects.

    Raises `SignInFailed` if the id must be fetched and this fails.
    """
    found = getattr(signer, "project_id", None)
    return found if isinstance(found, str) else ""


def utc_now() -> datetime:
    """The real time, timezone-aware. Signatures use real time even if `time_control` has moved the clock of keys."""
    return REAL.now()


def fresh_nonce() -> str:
    """32 random hexadecimal digits."""
    return SYSTEM.nonce()
