"""Fuzzing: replies to generated requests, valid or not, follow the documents.

The rules of every exchange judge each reply. For requests that name a key of ours, the effect on it is judged as well.
"""

from __future__ import annotations

import pytest

from kms_conformance.suite.marks import asks, of_each_operation, requirement
from kms_conformance.suite.scenario import Scenario

# The operations that the normative documents describe.
NORMATIVE = ("schedule", "cancel")
# Generated creates need one key more than the two of all other checks. No other check can use the created key: on a
# real account it is pending for a week and may cost money.
_CREATING = (pytest.mark.keys(3), pytest.mark.wasteful)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@pytest.mark.parametrize("operation", NORMATIVE)
def test_operation(kms: Scenario, operation: str) -> None:
    """Requests from the description's examples, from the boundaries of every field, and at random."""
    # Imported late: this takes 0.5 s, which no other family needs.
    from kms_conformance.suite.fuzz.operations import fuzz_operation  # noqa: PLC0415

    fuzz_operation(kms, operation)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@asks("{operation}")
@pytest.mark.standard
@of_each_operation(besides=NORMATIVE, marked={"create": _CREATING})
def test_further_operation(kms: Scenario, operation: str) -> None:
    test_operation(kms, operation)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@pytest.mark.standard
def test_chains(kms: Scenario) -> None:
    """Chains of requests along the links of the description, with values from earlier replies."""
    from kms_conformance.suite.fuzz.chains import walk_chains  # noqa: PLC0415 - as above

    walk_chains(kms)
