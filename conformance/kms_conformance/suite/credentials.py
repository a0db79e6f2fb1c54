"""Faulty credentials of the checks of authentication."""

from __future__ import annotations

from kms_conformance.auth import Sabotage, SignerFactory, sabotages
from kms_conformance.client.judge import Inconclusive
from kms_conformance.suite.scenario import Scenario

#: The faults of credentials that must be refused; `auth.{fault}` is the requirement.
FAULTS = (
    "missing",
    "incomplete",
    "garbage",
    "expired",
    "other-project",
    "other-region",
    "unknown-access-key",
    "wrong-secret",
    "tampered",
    "stale",
)


def all_sabotages(kms: Scenario) -> tuple[Sabotage, ...]:
    """All faulty signers for the target's way to sign in."""
    return sabotages(kms.client.target, SignerFactory(kms.client.session), kms.client.world.clock.now, kms.chance)


def found_sabotages(kms: Scenario, fault: str) -> list[Sabotage]:
    """The faulty signers with this fault. Raises `Inconclusive` if the target file gives none."""
    found = [each for each in all_sabotages(kms) if each.name.replace("_", "-").startswith(fault)]
    if not found:
        raise Inconclusive(
            f"Not tested: the target file has no credentials for the case {fault!r}.",
            "The case `expired` needs an expired token in `auth.expired_token`.",
        )
    return found
