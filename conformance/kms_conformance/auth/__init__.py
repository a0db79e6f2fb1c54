"""Signing in: one class and one file for each way, its signer, and signers with exactly one fault."""

from kms_conformance.auth.build import SignerFactory, sabotages, signer_for
from kms_conformance.auth.iam import PasswordAuth
from kms_conformance.auth.rpc import RpcAuth
from kms_conformance.auth.scheme import Sabotage, Scheme, Signer, SignInFailed, project_of
from kms_conformance.auth.sdk_hmac import AccessKeyAuth
from kms_conformance.auth.sigv4 import SigV4Auth
from kms_conformance.auth.token import TokenAuth

#: The built-in ways to sign in. Messages and the JSON Schema of target files list them in this order.
WAYS: tuple[type[Scheme], ...] = (TokenAuth, PasswordAuth, AccessKeyAuth, RpcAuth, SigV4Auth)

__all__ = [
    "WAYS",
    "AccessKeyAuth",
    "PasswordAuth",
    "RpcAuth",
    "Sabotage",
    "Scheme",
    "SigV4Auth",
    "SignInFailed",
    "Signer",
    "SignerFactory",
    "TokenAuth",
    "project_of",
    "sabotages",
    "signer_for",
]
