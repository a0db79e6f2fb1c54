"""Makes the signers of a target: valid ones, and those with exactly one fault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kms_conformance.auth.scheme import (
    Clock,
    Factory,
    Nonce,
    Sabotage,
    SabotageTools,
    Scheme,
    Signer,
    SignerTools,
    utc_now,
)
from kms_conformance.core.runtime import SYSTEM, Chance

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.target.auth import Auth
    from kms_conformance.target.model import Target
    from kms_conformance.wire.session import Session


@dataclass(frozen=True)
class SignerFactory:
    """Makes signers for credentials; signers that fetch a token use `session`.

    A factory makes only one signer for each password, because each signer fetches a token of its own.
    """

    session: Session
    _kept: dict[Scheme, Signer] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, auth: Auth, *, now: Clock | None = None, nonce: Nonce | None = None) -> Signer:
        """The signer for these credentials; `now` and `nonce` replace the clock and the random nonces of signatures."""
        world = self.session.world
        scheme = _scheme(auth)
        tools = SignerTools(self.session, now or self._now, nonce or world.chance.fork().nonce)
        signer = scheme.signer(tools)
        return self._kept.setdefault(scheme, signer) if scheme.one_signer else signer

    def _now(self) -> datetime:
        # Asked anew for each signature, because the session learns late whether the endpoint's time can be moved.
        return self.session.endpoint_now()


def signer_for(target: Target, session: Session) -> Signer:
    """The signer for a target's own credentials."""
    return SignerFactory(session)(target.auth)


def sabotages(target: Target, factory: Factory, now: Clock = utc_now, chance: Chance = SYSTEM) -> tuple[Sabotage, ...]:
    """All faulty signers of the target's way to sign in.

    `factory` makes valid signers. `now` is the clock from which timestamps that are too old are computed.
    """
    return _scheme(target.auth).sabotages(SabotageTools(factory, now, chance.fork()))


def _scheme(auth: Auth) -> Scheme:
    if not isinstance(auth, Scheme):
        raise TypeError(f"{type(auth).__name__} holds credentials and has no signer")
    return auth
