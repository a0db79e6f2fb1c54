"""Target files: the URL of an endpoint, the credentials, and the limits of a run."""

from kms_conformance.target.auth import Auth
from kms_conformance.target.errors import Problem, TargetError
from kms_conformance.target.load import load_target, load_targets, parse_target
from kms_conformance.target.model import Limits, Target

__all__ = [
    "Auth",
    "Limits",
    "Problem",
    "Target",
    "TargetError",
    "load_target",
    "load_targets",
    "parse_target",
]
