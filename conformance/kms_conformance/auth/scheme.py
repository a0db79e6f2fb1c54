"""A way to sign in as one class: what it says of itself (`Auth`), its signer, and how it can go wrong.

A built-in way stands in `WAYS` of this package; see `kms_conformance.target.registry` for others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from kms_conformance.target.auth import CREDENTIAL, PROJECT_ID, TEXT, Auth

if TYPE_CHECKING:
    from kms_conformance.auth.sabotage import Sabotage, SabotageTools
    from kms_conformance.auth.signer import Clock, Nonce, Signer
    from kms_conformance.wire.session import Session

__all__ = ["CREDENTIAL", "PROJECT_ID", "TEXT", "Scheme", "SignerTools"]


@dataclass(frozen=True)
class SignerTools:
    """The session for what a signer must fetch, its clock, and its nonces."""

    session: Session
    now: Clock
    nonce: Nonce


@dataclass(frozen=True)
class Scheme(Auth, ABC):
    """The base of all ways to sign in. An instance holds the credentials of one target."""

    #: Whether all who have the same credentials get the same signer, because it fetches something by them.
    one_signer: ClassVar[bool] = False

    @abstractmethod
    def signer(self, tools: SignerTools) -> Signer:
        """The signer for these credentials."""

    @abstractmethod
    def sabotages(self, tools: SabotageTools) -> tuple[Sabotage, ...]:
        """Signers that have exactly one thing wrong, each with the refusal that is due."""
