"""After all other checks: the keys of others are as before the run, and no refused create has created a key."""

from __future__ import annotations

import pytest

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import GONE
from kms_conformance.keys.bystanders import denied_and_unlisted, find_moving_fields, is_grave
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.watched_keys import others_at_work


@requirement("isolation.other-keys")
@pytest.mark.alone
def test_other_keys_are_as_before_the_run(kms: Scenario) -> None:
    """Owners may have changed their keys during the run, so no change is a failure.

    A change that concerns the deletion of a key is inconclusive, unless others are seen at work in the account. Other
    changes are shown in the comparison of the keys of others: `test_no_operation_touches_another_key` has judged what
    requests of the run do.
    """
    elapsed = kms.elapsed(kms.others_since)
    now = {other: kms.pool.read(other) for other in kms.others_before}
    find_moving_fields(kms.pool, elapsed, kms.others_before, now)
    changed = [other for other, was in kms.others_before.items() if not elapsed.explains(was, now[other])]
    grave = [other for other in changed if is_grave(kms.others_before[other], now[other])]
    if grave and not others_at_work(kms, grave):
        told = ", ".join(f"{other} was {kms.others_before[other].state}, now {now[other].state}" for other in grave)
        raise Inconclusive(
            f"The deletion of keys that the run did not create changed while it ran: {told}.",
            "If their owners did it, run again while nobody deletes keys in the account; otherwise read the exchanges.",
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
