"""Entry: the target signs us in, creates a key and knows it."""

from __future__ import annotations

from conformance.judge import Inconclusive
from conformance.oracle import ENABLED
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario


@requirement("create.enabled", "create.reply", "describe.reply")
def test_new_key_is_enabled(kms: Scenario) -> None:
    key = kms.pool.create()
    view = kms.pool.settled(key, lambda view: view.state == ENABLED)
    kms.judge.that("describe.reply", view.id == key, f"the key {key}", f"the key {view.id}")
    kms.judge.that("create.enabled", view.state == ENABLED, f"state {ENABLED}", f"state {view.state}")


@requirement("auth.token-from-iam")
def test_token_of_the_identity_service_signs_in(kms: Scenario) -> None:
    answer = kms.ask("list")
    if not answer.accepted:
        raise Inconclusive(f"The list of keys could not be read: {answer.summary}.")
    kms.must_be_accepted("auth.token-from-iam", answer)
