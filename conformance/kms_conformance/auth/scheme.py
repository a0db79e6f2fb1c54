"""Base classes of all ways to sign in: `Scheme`, which holds credentials, and `Signer`, which adds them to requests.

The built-in schemes are listed in `WAYS` of this package. `kms_conformance.target.registry` finds those of other
packages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar, Protocol

from kms_conformance.core.runtime import REAL, SYSTEM, Chance
from kms_conformance.target.auth import CREDENTIAL, PROJECT_ID, TEXT, Auth

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request
    from kms_conformance.wire.session import Session

__all__ = [
    "CREDENTIAL",
    "EARLY",
    "PROJECT_ID",
    "STALE",
    "TEXT",
    "Clock",
    "Factory",
    "Nonce",
    "Sabotage",
    "SabotageTools",
    "Scheme",
    "SignInFailed",
    "Signer",
    "SignerTools",
    "fresh_nonce",
    "project_of",
    "utc_now",
]

#: Age of the timestamp in a stale signature. Every vendor documents 15 minutes as the largest clock difference that is
#: accepted.
STALE = timedelta(minutes=20)
#: How far ahead of our clock the timestamp of an early signature is. Our clock may be some minutes slow.
EARLY = timedelta(minutes=40)

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
class Sabotage:
    """A signer with exactly one fault, and the name of the refusal in the profile that its requests must get.

    The first `valid_first` requests of the signer are valid and must be accepted; later ones must be refused. `wrong`
    says in a sentence what is wrong with the others.
    """

    name: str
    refusal: str
    signer: Signer
    valid_first: int = 0
    wrong: str = ""


class Factory(Protocol):
    """The call signature of `SignerFactory`."""

    def __call__(self, auth: Auth, *, now: Clock | None = None, nonce: Nonce | None = None) -> Signer:
        """The signer for these credentials."""
        ...


@dataclass(frozen=True)
class SabotageTools:
    """Tools to make faulty signers: the factory of valid signers, the clock of signatures, and a random source."""

    factory: Factory
    now: Clock
    chance: Chance

    def stale(self) -> datetime:
        """A timestamp that is too old for a signature."""
        return self.now() - STALE

    def early(self) -> datetime:
        """A timestamp that is too far ahead for a signature."""
        return self.now() + EARLY


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
    """The real time, timezone-aware: that of signatures, unless `time_control` moves everything."""
    return REAL.now()


def fresh_nonce() -> str:
    """32 random hexadecimal digits."""
    return SYSTEM.nonce()
