"""Afterwards: the keys of others are as they were when the run began, and none was made by what was refused."""

from __future__ import annotations

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import GONE
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario
from kms_conformance.suite.test_isolation import ended, face


@requirement("isolation.other-keys")
def test_other_keys_are_as_before_the_run(kms: Scenario) -> None:
    """Minutes have passed, and their owners may have worked: what changed is shown and left open."""
    changed = [
        other
        for other, was in kms.others_before.items()
        if not ended(kms, was) and face(kms.pool.read(other)) != face(was)
    ]
    if changed:
        raise Inconclusive(
            f"Keys that the run did not create changed while it ran: {', '.join(changed)}.",
            "If their owners did that, run again while nobody works on the account; else look at the exchanges.",
        )
    # A key that has just been planted is the pool's no more, and ours all the same.
    for key in kms.pool.keys or sorted(kms.pool.held):
        view = kms.pool.read(key)
        there = view.state == GONE or view.id == key
        kms.judge.that("isolation.other-keys", there, f"the key {key}", f"the key {view.id}")


@requirement("refused.changes-nothing")
def test_refused_creates_have_made_no_key(kms: Scenario) -> None:
    """One list for all creates that the run saw refused; where there was none, there is nothing to look for."""
    if not kms.pool.judge_refused_creates(last=True):
        kms.judge.holds("refused.changes-nothing")
