"""Unknown and malformed keys: not found, never a server error, and nothing is created by asking."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.judge import Inconclusive
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario

_OPERATIONS = ("schedule", "cancel", "describe")


def _arguments(kms: Scenario, operation: str) -> dict[str, Any]:
    return {"window": kms.window.minimum} if operation == "schedule" else {}


@requirement("unknown-key.{operation}")
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_unknown_key_is_not_found(kms: Scenario, operation: str) -> None:
    key = kms.dialect.unknown_key()
    before = kms.pool.census()
    if key in before:
        raise Inconclusive("A random id turned out to be that of a key.", "Run again.")
    bystander = kms.read(kms.key())
    requirement_id = f"unknown-key.{operation}"
    answer = kms.refuses(requirement_id, "unknown_key", operation, key_id=key, **_arguments(kms, operation))
    after = set(kms.pool.census()) - set(before)
    kms.judge.that(requirement_id, not after, "no key more than before", f"new: {sorted(after)}", (answer.number,))
    still_unknown = kms.ask("describe", key_id=key)
    kms.judge.that(requirement_id, not still_unknown.accepted, "the key stays unknown", still_unknown.summary)
    assert bystander.id is not None
    kms.must_be_unchanged(requirement_id, bystander, kms.read(bystander.id), answer)


@requirement("malformed-key.{operation}")
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_malformed_key_is_refused(kms: Scenario, operation: str) -> None:
    bystander = kms.key()
    for key in kms.dialect.malformed_keys:
        kms.refuses(
            f"malformed-key.{operation}",
            "malformed_key",
            operation,
            key_id=key,
            unchanged=[bystander],
            **_arguments(kms, operation),
        )
