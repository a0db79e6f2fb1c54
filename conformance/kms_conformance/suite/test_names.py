"""Names: the lifecycle operations accept a key's id, some its ARN, and refuse its alias and an ARN of another place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("schedule.key-id.arn", "cancel.key-id.arn", "describe.arn-agrees")
def test_key_is_known_by_its_arn(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    arn = kms.arn(key, "describe.arn-agrees")
    described = kms.dialect.key(kms.accepts("describe.arn-agrees", "describe", key_id=arn).value)
    if kms.dialect.account_field in described.fields:
        account, told = kms.dialect.account_of(arn), described.fields[kms.dialect.account_field]
        kms.judge.that("describe.arn-agrees", told == account, f"the account {account} of the ARN", f"{told}")
    kms.judge.that("describe.arn-agrees", described.id == key, f"the key {key}", f"the key {described.id}")
    answer = kms.ask("schedule", key_id=arn, window=kms.days)
    answer = kms.must_be_accepted("schedule.key-id.arn", answer, key)
    kms.must_read_back("schedule.key-id.arn", key, [PENDING], answer)
    kms.refuses("schedule.twice", "already_pending", "schedule", key_id=key, window=kms.days, unchanged=[key])
    answer = kms.ask("cancel", key_id=arn)
    answer = kms.must_be_accepted("cancel.key-id.arn", answer)
    kms.must_read_back("cancel.key-id.arn", key, kms.states_after_cancel, answer)


@contextmanager
def _alias(kms: Scenario, key: str) -> Iterator[str]:
    """A context in which the key has a new alias. Raises `Inconclusive` if the target refuses the alias."""
    alias = kms.new_alias()
    kms.done("set_alias", key_id=key, alias=alias)
    try:
        yield alias
    finally:
        kms.ask("delete_alias", alias=alias)


@requirement("{operation}.key-id.alias")
@pytest.mark.parametrize(
    ("operation", "state"), [("schedule", ENABLED), ("cancel", PENDING)], ids=["schedule", "cancel"]
)
def test_alias_does_not_name_the_key(kms: Scenario, operation: str, state: str) -> None:
    key = kms.key(ENABLED)
    arn = kms.arn(key, "describe.arn-agrees")
    window = {"window": kms.days} if operation == "schedule" else {}
    with _alias(kms, key) as alias:
        for name in (alias, kms.dialect.alias_arn(arn, alias)):
            kms.pool.bring(key, state)
            kms.refuses(
                as_id(f"{operation}.key-id.alias"), "alias_as_key", operation, key_id=name, unchanged=[key], **window
            )


@requirement("{operation}.key-id.arn-open")
@pytest.mark.parametrize(
    ("operation", "state"), [("schedule", ENABLED), ("cancel", PENDING)], ids=["schedule", "cancel"]
)
def test_arn_names_the_key_or_nothing(kms: Scenario, operation: str, state: str) -> None:
    key = kms.key(state)
    arn = kms.arn(key, "describe.arn-agrees")
    before = kms.view(key)
    window = {"window": kms.days} if operation == "schedule" else {}
    requirement_id = as_id(f"{operation}.key-id.arn-open")
    answer = kms.ask(operation, key_id=arn, **window)
    if kms.must_be_refused(requirement_id, "arn_as_key", answer, {key: before}):
        return
    kms.must_read_back(requirement_id, key, [PENDING] if state == ENABLED else kms.states_after_cancel, answer)


@requirement("other-arn.schedule")
def test_arn_of_another_place_does_not_name_the_key(kms: Scenario) -> None:
    key = kms.key(ENABLED)
    for name in kms.dialect.arns_elsewhere(kms.arn(key, "describe.arn-agrees")).values():
        kms.refuses("other-arn.schedule", "key_elsewhere", "schedule", key_id=name, window=kms.days, unchanged=[key])
