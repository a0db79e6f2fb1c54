"""After all other checks: the keys of others are as before the run, and no refused create has created a key."""

from __future__ import annotations

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import GONE
from kms_conformance.keys.bystanders import denied_and_unlisted, find_moving_fields
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario


@requirement("isolation.other-keys")
@pytest.mark.alone
def test_other_keys_are_as_before_the_run(kms: Scenario) -> None:
    """Owners may have changed their keys during the run, so a change is reported as inconclusive."""
    elapsed = kms.elapsed(kms.others_since)
    now = {other: kms.pool.read(other) for other in kms.others_before}
    find_moving_fields(kms.pool, elapsed, kms.others_before, now)
    changed = [other for other, was in kms.others_before.items() if not elapsed.explains(was, now[other])]
    if changed:
        raise Inconclusive(
            f"Keys that the run did not create changed while it ran: {', '.join(changed)}.",
            "If their owners changed them, run again while nobody uses the account; otherwise read the exchanges.",
        )
    unlisted = denied_and_unlisted(kms.pool)
    if unlisted and not kms.time.moved:
        raise Inconclusive(
            f"Keys that these credentials may not describe are listed no more: {', '.join(unlisted)}.",
            "Whether their waiting period has ended cannot be read. Ask their owners.",
        )
    # If the pool is empty, the run may still hold a key that it planted.
    for key in kms.pool.keys or sorted(kms.pool.held):
        view = kms.pool.confirm(key) if kms.pool.settled(key) else kms.pool.read(key)
        there = view.state == GONE or view.id == key
        kms.judge.that("isolation.other-keys", there, f"the key {key}", f"the key {view.id}")


@requirement("refused.changes-nothing")
@pytest.mark.alone
def test_refused_creates_have_made_no_key(kms: Scenario) -> None:
    """One listing covers all refused creates of the run."""
    if not kms.pool.judge_refused_creates(last=True):
        kms.judge.holds("refused.changes-nothing")
