"""Fuzzing: replies to generated requests, valid or not, follow the documents.

The rules for every exchange (`client/exchange_rules.py`) judge each reply. If a request names a key of ours, the effect
on this key is judged too.
"""

from __future__ import annotations

import pytest

from kms_conformance.suite.marks import asks, of_each_operation, requirement
from kms_conformance.suite.scenario import Scenario

# The operations that the normative documents describe.
NORMATIVE = ("schedule", "cancel")
# Generated creates need a third key; all other checks need at most two. No other check can use the third key, which on
# a real account is pending for a week and may cost money.
_CREATING = (pytest.mark.keys(3), pytest.mark.wasteful)
# Generated aliases are names of the account, and chains use the same examples.
_NAMING = (pytest.mark.first_process,)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@pytest.mark.parametrize("operation", NORMATIVE)
def test_operation(kms: Scenario, operation: str) -> None:
    """Send requests from the examples in the API description, from the boundaries of every field, and at random."""
    # Imported late: the import takes 0.5 s, and no other family needs it.
    from kms_conformance.suite.fuzz.operations import fuzz_operation  # noqa: PLC0415

    fuzz_operation(kms, operation)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@asks("{operation}")
@pytest.mark.standard
@of_each_operation(
    besides=NORMATIVE,
    marked={"create": _CREATING, **dict.fromkeys(("set_alias", "update_alias", "delete_alias"), _NAMING)},
)
def test_further_operation(kms: Scenario, operation: str) -> None:
    test_operation(kms, operation)


@requirement("reply.status", "reply.no-server-error", "reply.answered")
@pytest.mark.standard
@pytest.mark.first_process
def test_chains(kms: Scenario) -> None:
    """Send chains of requests along the links in the API description, with values from earlier replies."""
    from kms_conformance.suite.fuzz.chains import walk_chains  # noqa: PLC0415 - takes 0.5 s

    walk_chains(kms)
