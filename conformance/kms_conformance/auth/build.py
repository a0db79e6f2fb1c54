"""Which signer a target's credentials need."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.iam import PasswordSigner
from kms_conformance.auth.rpc_v1 import RpcV1Signer
from kms_conformance.auth.sdk_hmac import SdkHmacSigner
from kms_conformance.auth.signer import Clock, Nonce, Signer
from kms_conformance.auth.sigv4 import SigV4Signer
from kms_conformance.auth.token import TokenSigner
from kms_conformance.target.model import AccessKeyAuth, Auth, PasswordAuth, RpcAuth, SigV4Auth, TokenAuth

if TYPE_CHECKING:
    from kms_conformance.target.model import Target
    from kms_conformance.wire.session import Session

_RPC: dict[str, type[RpcV1Signer | Acs3Signer]] = {"v1": RpcV1Signer, "v3": Acs3Signer}


@dataclass(frozen=True)
class SignerFactory:
    """Makes signers for credentials; those that must fetch something do so through `session`.

    One factory gives one signer for a password: every other one would sign in anew.
    """

    session: Session
    _by_password: dict[PasswordAuth, PasswordSigner] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, auth: Auth, *, now: Clock | None = None, nonce: Nonce | None = None) -> Signer:
        """The signer for these credentials, with its own clock and nonces where its signatures have them."""
        world = self.session.world
        now, nonce = now or world.clock.now, nonce or world.chance.fork().nonce
        match auth:
            case TokenAuth():
                return TokenSigner(auth.token, auth.project_id)
            case PasswordAuth():
                return self._by_password.setdefault(auth, PasswordSigner(auth, self.session, now))
            case AccessKeyAuth():
                key = auth.access_key_id, auth.access_key_secret
                return SdkHmacSigner(*key, auth.project_id, auth.security_token, now)
            case RpcAuth():
                key = auth.access_key_id, auth.access_key_secret
                return _RPC[auth.signature](*key, auth.security_token, now, nonce)
            case SigV4Auth():
                key = auth.access_key_id, auth.access_key_secret
                return SigV4Signer(*key, auth.region, auth.security_token, now)


def signer_for(target: Target, session: Session) -> Signer:
    """The signer for a target's own credentials."""
    return SignerFactory(session)(target.auth)


def project_of(signer: Signer) -> str:
    """The id of the project that the signer's credentials are for, "" where the dialect knows no projects.

    Raises `SignInFailed` where it must be fetched and cannot be.
    """
    found = getattr(signer, "project_id", None)
    return found if isinstance(found, str) else ""
