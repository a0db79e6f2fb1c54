"""Isolation: keys that the run did not create are as they were before it."""

from __future__ import annotations

from conformance.oracle import PENDING
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario


@requirement("isolation.other-keys")
def test_other_keys_are_as_before(kms: Scenario) -> None:
    """Compares with what was read when the target was entered; a waiting period that ended meanwhile is its owner's."""
    before = kms.others_at_entry
    for key, was in before.items():
        now = kms.pool.read(key)
        if was.state == PENDING and was.deletion_at is not None and kms.time.now() >= was.deletion_at:
            continue
        same = (now.state, now.deletion_at, now.description) == (was.state, was.deletion_at, was.description)
        kms.judge.that("isolation.other-keys", same, f"{key} is {was.state}", f"it is {now.state}")
    known = set(before) | kms.pool.ever
    new = sorted(set(kms.pool.census()) - known)
    kms.judge.that("isolation.other-keys", not new, "no key that the run did not create", f"new: {new}")
