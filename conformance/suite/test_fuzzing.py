"""Fuzzing: whatever is sent, within the API's description or beside it, the reply keeps to the documents.

Every reply is examined as everywhere. Requests that name a key of ours are judged by what becomes of it as well.
"""

from __future__ import annotations

import pytest

from conformance import specs
from conformance.fuzz.names import names_of, operation_names
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario

# The operations that the normative documents describe.
NORMATIVE = ("schedule", "cancel")
_EVERYWHERE = set.intersection(*(set(names_of(dialect)) for dialect in specs.dialects()))
# operation -> what its check judges for certain: one that only some dialects have is asked where its reply counts
FURTHER = {
    name: "reply.no-server-error" if name in _EVERYWHERE else f"{name.replace('_', '-')}.reply"
    for name in operation_names()
    if name not in NORMATIVE
}
# Generated requests to create keys need room for one beside the two that all other checks lead about.
_WITH_KEYS = [pytest.param(*pair, marks=pytest.mark.keys(3) if pair[0] == "create" else ()) for pair in FURTHER.items()]


@requirement("reply.status", "reply.no-server-error")
@pytest.mark.parametrize("operation", NORMATIVE)
def test_operation(kms: Scenario, operation: str) -> None:
    """Along the examples of the description, at the boundaries of every field, and at random."""
    # Late: half a second that no other family needs.
    from conformance.fuzz.operations import fuzz_operation  # noqa: PLC0415

    fuzz_operation(kms, operation)


@requirement("{judged}")
@pytest.mark.standard
@pytest.mark.parametrize(("operation", "judged"), _WITH_KEYS, ids=list(FURTHER))
def test_further_operation(kms: Scenario, operation: str, judged: str) -> None:
    test_operation(kms, operation)


@requirement("reply.status", "reply.no-server-error")
@pytest.mark.standard
def test_chains(kms: Scenario) -> None:
    """Along the links of the description, one request made of the reply to the one before."""
    from conformance.fuzz.chains import walk_chains  # noqa: PLC0415 - as above

    walk_chains(kms)
