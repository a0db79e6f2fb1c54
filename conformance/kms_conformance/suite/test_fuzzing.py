"""Fuzzing: whatever is sent, within the API's description or beside it, the reply keeps to the documents.

Every reply is examined as everywhere. Requests that name a key of ours are judged by what becomes of it as well.
"""

from __future__ import annotations

import pytest

from kms_conformance.suite.marks import asks, of_each_operation, requirement
from kms_conformance.suite.scenario import Scenario

# The operations that the normative documents describe.
NORMATIVE = ("schedule", "cancel")
# Generated requests to create keys need room for one beside the two that all other checks lead about. What they make
# serves nothing else: on a real account it waits for a week, and may be paid for.
_CREATING = (pytest.mark.keys(3), pytest.mark.wasteful)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@pytest.mark.parametrize("operation", NORMATIVE)
def test_operation(kms: Scenario, operation: str) -> None:
    """Along the examples of the description, at the boundaries of every field, and at random."""
    # Late: half a second that no other family needs.
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
    """Along the links of the description, one request made of the reply to the one before."""
    from kms_conformance.suite.fuzz.chains import walk_chains  # noqa: PLC0415 - as above

    walk_chains(kms)
