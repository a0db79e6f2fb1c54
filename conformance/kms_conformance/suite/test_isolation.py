"""Isolation: no operation touches another key than the one that it names. Asked first: what comes later was warned."""

from __future__ import annotations

from typing import Any

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import MARKER_PREFIX
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# Each is read twice within moments, of which there should be few: whose key changes meanwhile looks like a victim.
_MOST_OTHERS = 50


@requirement("isolation.other-keys")
def test_no_operation_touches_another_key(kms: Scenario) -> None:
    """The lifecycle on one key of ours; a bystander of ours and the keys of others, read right before and right after.

    Their owners may change those too, so only what changes within these moments is held against the target.
    """
    bystander = kms.key(ENABLED)
    key = kms.key(ENABLED, bystander)
    others = sorted(kms.others_before)[:_MOST_OTHERS]
    before = {other: kms.pool.read(other) for other in (bystander, *others)}
    kms.ask("disable", key_id=key)
    if kms.pool.read_until(key, lambda view: view.state == DISABLED).state != DISABLED:
        raise Inconclusive("The key that was named did not change either, so nothing follows for the others.")
    for operation in ("enable", "update_description", "set_alias", "schedule", "schedule", "cancel", "cancel"):
        arguments = _arguments(kms, operation, key)
        # Not `kms.ask`: it does not matter here whether a target has the operation at all.
        kms.client.ask(operation, key_id=key, **arguments)
        kms.client.ask(operation, key_id=kms.dialect.unknown_key(), **arguments)
    for other, was in before.items():
        now = kms.pool.read(other)
        same = face(now) == face(was) or ended(kms, was)
        if kms.sharded and not same and other != bystander:
            raise Inconclusive(
                f"The key {other} changed, and it may be of another shard of this run, which is at work now.",
                "Run without shards where the account is small; what a bystander of ours shows was judged.",
            )
        kms.judge.that("isolation.other-keys", same, f"{other} is {was.state}", f"it is {now.state}")


def _arguments(kms: Scenario, operation: str, key: str) -> dict[str, Any]:
    alias = f"{MARKER_PREFIX}{kms.chance.hex(6)}"
    further: dict[str, dict[str, Any]] = {
        "schedule": {"window": kms.days},
        "update_description": {"description": kms.pool.marker(key)},
        "set_alias": {"alias": kms.dialect.alias(alias)},
    }
    return further.get(operation, {})


def face(view: KeyView) -> tuple[object, ...]:
    """What may not change on a key that nobody named: everything that is shown of it."""
    return (view.state, dict(view.fields))


def ended(kms: Scenario, was: KeyView) -> bool:
    """A waiting period that was running, and that has ended since, is its owner's."""
    return was.state == PENDING and was.deletion_at is not None and kms.time.now() >= was.deletion_at
