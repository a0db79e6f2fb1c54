"""Requests for unknown and malformed keys are refused, without a server error and without creating a key."""

from __future__ import annotations

from typing import Any

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.keys.reader import shown
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# Owners may create keys during an attempt. If a new key appears in each of this many attempts, and in none of as many
# attempts without the request, the request is taken to have created it.
_ATTEMPTS = 3
_OPERATIONS = ("schedule", "cancel", "describe")


def _arguments(kms: Scenario, operation: str) -> dict[str, Any]:
    return {"window": kms.days} if operation == "schedule" else {}


@requirement("unknown-key.{operation}")
@pytest.mark.parametrize("operation", _OPERATIONS)
@pytest.mark.alone
def test_unknown_key_is_not_found(kms: Scenario, operation: str) -> None:
    bystander = kms.key(ENABLED)
    if operation != "describe":
        # Schedule and cancel one of our own keys first. If the target refuses that, the credentials may lack
        # permissions, so the check ends as inconclusive and the target has not failed.
        kms.pool.bring(bystander, PENDING)
        kms.pool.bring(bystander, ENABLED)
    requirement_id = as_id(f"unknown-key.{operation}")
    new: set[str] = set()
    for _ in range(_ATTEMPTS):
        key = kms.dialect.unknown_key()
        before = kms.pool.list_keys()
        if key in before:
            raise Inconclusive("A random id is that of an existing key.", "Run again.")
        kms.refuses(
            requirement_id, "unknown_key", operation, key_id=key, unchanged=[bystander], **_arguments(kms, operation)
        )
        still = kms.ask("describe", key_id=key)
        kms.judge.that(requirement_id, not still.accepted, "the key stays unknown", still.summary, (still.number,))
        new = set(kms.pool.list_keys()) - set(before)
        if not new or kms.judge.failures:
            break
    if new and any(_appear_meanwhile(kms, bystander) for _ in range(_ATTEMPTS)):
        raise Inconclusive(
            "Keys appear in the list also while this run sends nothing that could create one.",
            "Run again while nobody creates keys in this account.",
        )
    kms.judge.that(
        requirement_id, not new, "no key more than before", f"each time a new one, such as {min(new, default='')}"
    )


def _appear_meanwhile(kms: Scenario, key: str) -> bool:
    """Whether new keys are listed after a few requests that only read."""
    before = set(kms.pool.list_keys())
    for _ in range(_ATTEMPTS):
        kms.read(key)
    return bool(set(kms.pool.list_keys()) - before)


@requirement("malformed-key.{operation}")
@pytest.mark.parametrize("operation", _OPERATIONS)
def test_malformed_key_is_refused(kms: Scenario, operation: str) -> None:
    """One read after all requests shows whether one of them changed a key; if so, each is sent once more by itself."""
    bystander = kms.key()
    requirement_id, before = as_id(f"malformed-key.{operation}"), kms.view(bystander)
    for unchanged in ([], [bystander]):
        for key in kms.dialect.malformed_keys:
            arguments = {"key_id": key, **_arguments(kms, operation)}
            answer = kms.refuses(requirement_id, "malformed_key", operation, unchanged=unchanged, **arguments)
        if shown(now := kms.read(bystander)) == shown(before):
            return
    kms.must_be_unchanged("refused.changes-nothing", before, now, answer)
