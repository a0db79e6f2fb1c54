"""Isolation: keys that the run did not create are as they were before it."""

from __future__ import annotations

from conformance.dialects.base import KeyView
from conformance.judge import Inconclusive
from conformance.oracle import ENABLED, PENDING
from conformance.suite.marks import requirement
from conformance.suite.scenario import Scenario


@requirement("isolation.other-keys")
def test_other_keys_are_as_before(kms: Scenario) -> None:
    """Every operation of the lifecycle on a key of ours, and the keys of others read right before and right after.

    Their owners may change them too: only what changes within these moments is held against the target. What changed
    at some time during the run is left open.
    """
    key = kms.key(ENABLED)
    before = {other: kms.pool.read(other) for other in kms.others_at_entry}
    for operation in ("disable", "enable", "schedule", "schedule", "cancel", "cancel"):
        window = {"window": kms.days} if operation == "schedule" else {}
        kms.ask(operation, key_id=key, **window)
        kms.ask(operation, key_id=kms.dialect.unknown_key(), **window)
    for other, was in before.items():
        now = kms.pool.read(other)
        same = _face(now) == _face(was) or _ended(kms, was)
        kms.judge.that("isolation.other-keys", same, f"{other} is {was.state}", f"it is {now.state}")
    ours_alone = not before
    if ours_alone:
        # An empty account has nothing to spare but our own bystanders, which `*.only-named-key` judge.
        kms.judge.holds("isolation.other-keys")
    changed = [
        other
        for other, was in kms.others_at_entry.items()
        if _face(before[other]) != _face(was) and not _ended(kms, was)
    ]
    if changed and not kms.judge.failures:
        raise Inconclusive(
            f"Keys that the run did not create changed while it ran: {', '.join(changed)}.",
            "If their owners did that, run again while nobody works on the account; else look at the exchanges.",
        )


def _face(view: KeyView) -> tuple[object, ...]:
    return (view.state, view.deletion_at, view.description)


def _ended(kms: Scenario, was: KeyView) -> bool:
    """A waiting period that was running at entry, and that has ended since, is its owner's."""
    return was.state == PENDING and was.deletion_at is not None and kms.time.now() >= was.deletion_at
