"""What the user says about an endpoint: where it is, how to sign in, what we may do to it."""

from kms_conformance.target.errors import Problem, TargetError
from kms_conformance.target.load import load_target, load_targets, parse_target
from kms_conformance.target.model import (
    WAYS,
    AccessKeyAuth,
    Auth,
    Limits,
    PasswordAuth,
    RpcAuth,
    SigV4Auth,
    Target,
    TokenAuth,
)

__all__ = [
    "WAYS",
    "AccessKeyAuth",
    "Auth",
    "Limits",
    "PasswordAuth",
    "Problem",
    "RpcAuth",
    "SigV4Auth",
    "Target",
    "TargetError",
    "TokenAuth",
    "load_target",
    "load_targets",
    "parse_target",
]
