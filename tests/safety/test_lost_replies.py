"""A reply that is lost says nothing about the target: the key is read, nothing is sent twice, nobody is accused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance.apps.selftest.deviation import BOTH, only, serving
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import parse_target


class Cutting:
    """Cuts short the first reply to each of some operations; the request has been carried out by then."""

    def __init__(self, *operations: str) -> None:
        self.left = set(operations)
        self.asked: Counter[str | None] = Counter()

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        self.asked[inbound.operation] += 1
        if inbound.operation in self.left:
            self.left.remove(inbound.operation)
            return replace(outbound, cut_after=3)
        return outbound


@pytest.mark.parametrize("dialect", BOTH)
def test_a_change_whose_reply_is_lost_is_read_off_the_key(dialect: str, tmp_path: Path) -> None:
    cutting = Cutting("disable", "enable", "schedule", "cancel")
    with Emulator(dialect, filters=(cutting,)) as emulator:
        target = parse_target(yaml.safe_dump(emulator.target()), "t.yaml")
        target_session = TargetSession(target, Ledger.of(target, tmp_path), keys=1)
        target_session.open()
        key = target_session.pool.create()
        for state in (DISABLED, ENABLED, PENDING, ENABLED):
            view = target_session.pool.bring(key, state)
            assert view is not None
            assert view.state == state
        once = {operation: cutting.asked[operation] for operation in ("disable", "schedule", "cancel")}
        assert once == dict.fromkeys(once, 1)
        assert target_session.end() == ()
    assert cutting.left == set()


# The reply that is cut off within its body, the connection that is closed before it, and the one that is reset.
LOSSES: Mapping[str, Mapping[str, Any]] = {
    "cut short": {"cut_after": 0},
    "closed": {"silence": "closed"},
    "reset": {"silence": "reset"},
}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dialect", BOTH)
def test_a_network_that_loses_one_reply_in_thirty_accuses_nobody(dialect: str, loss: str) -> None:
    def losing(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, **LOSSES[loss]) if inbound.number % 31 == 30 else outbound

    outcome = run_suite(serving(dialect, filters=(losing,)), arguments=only(("window", "cancel", "unknown_keys")))
    assert outcome.failed == frozenset()
    assert outcome.exit_code == 3
    asked = [entry["verdict"] for entry in outcome.verdict["requirements"] if not entry.get("not_run")]
    assert asked.count("passed") > asked.count("inconclusive")
    # What follows nothing from is told all the same.
    assert bool(outcome.verdict.get("observations")) == (loss != "cut short")
