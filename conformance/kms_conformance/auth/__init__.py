"""Signing in: one signer a file, and signers with exactly one thing wrong."""

from kms_conformance.auth.build import SignerFactory, project_of, signer_for
from kms_conformance.auth.sabotage import Sabotage, sabotages
from kms_conformance.auth.signer import Signer, SignInFailed

__all__ = ["Sabotage", "SignInFailed", "Signer", "SignerFactory", "project_of", "sabotages", "signer_for"]
