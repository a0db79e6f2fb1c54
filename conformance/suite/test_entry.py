"""Entry: the target signs us in, creates a key and knows it."""

from __future__ import annotations

from datetime import datetime

from conformance.dialects.base import KeyView
from conformance.judge import Inconclusive
from conformance.oracle import ENABLED
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario


@requirement("create.enabled", "create.reply", "create.date", "describe.reply")
def test_new_key_is_enabled(kms: Scenario) -> None:
    asked_at = kms.time.now()
    key = kms.pool.create()
    view = kms.pool.settled(key, lambda view: view.state == ENABLED)
    kms.judge.that("describe.reply", view.id == key, f"the key {key}", f"the key {view.id}")
    kms.judge.that("create.enabled", view.state == ENABLED, f"state {ENABLED}", f"state {view.state}")
    expected = f"created at {asked_at:%Y-%m-%dT%H:%M:%SZ}"
    kms.judge.that("create.date", _is_now(kms, view, asked_at), expected, view.created_at)


def _is_now(kms: Scenario, view: KeyView, asked_at: datetime) -> bool:
    tolerance = kms.profile.deletion.date_tolerance_seconds
    return view.created_at is not None and abs((view.created_at - asked_at).total_seconds()) <= tolerance


@requirement("auth.token-from-iam")
def test_token_of_the_identity_service_signs_in(kms: Scenario) -> None:
    answer = kms.ask("list")
    if not answer.accepted:
        raise Inconclusive(f"The list of keys could not be read: {answer.summary}.")
    kms.must_be_accepted("auth.token-from-iam", answer)
