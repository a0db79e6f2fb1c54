"""Signing in: one signer a file, and signers with exactly one thing wrong."""

from conformance.auth.build import SignerFactory, project_of, signer_for
from conformance.auth.sabotage import Sabotage, sabotages
from conformance.auth.signer import Signer, SignInFailed

__all__ = ["Sabotage", "SignInFailed", "Signer", "SignerFactory", "project_of", "sabotages", "signer_for"]
