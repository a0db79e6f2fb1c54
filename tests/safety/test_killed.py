"""A run is killed at its requests, before each is carried out and after; then `sweep` finds and finishes everything."""

from __future__ import annotations

import logging
import os
import subprocess
import zlib
from pathlib import Path

import pytest

from conformance import specs
from conformance.catalogue.api import Api
from conformance.catalogue.profile import Profile
from conformance.cli.sweep import sweep_target
from conformance.emulator import Key, State
from conformance.ledger import Ledger
from conformance.selftest.killing import Deadly, Killings
from conformance.target import parse_target

LOGGER = logging.getLogger(__name__)
EVERY = os.environ.get("KMS_CONFORMANCE_SAFETY") == "all"
# What a change waits for: of the requests of a run one in so many, and others with every commit.
ONE_IN = 67


def first() -> int:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return zlib.crc32(head.stdout.encode()) % ONE_IN


@pytest.mark.parametrize("dialect", specs.dialects())
def test_killed_at_any_request_a_run_leaves_nothing_that_sweep_does_not_finish(
    dialect: str, monkeypatch: pytest.MonkeyPatch, record_property
) -> None:
    # Compiled once: it is most of what a sweep costs, and there are thousands.
    api = Api.load(Profile.load(dialect))
    monkeypatch.setattr(Api, "load", lambda _: api)
    with Deadly(dialect, foreign_keys=3) as emulator:
        foreign = {key.id for key in emulator.store.keys}
        target = parse_target(emulator.target_yaml(), "t")

        def judge(at: Deadly, before: dict[str, Key], state: Path) -> None:
            monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(state))
            others = {key.id: key for key in at.store.keys if key.id in foreign}
            assert sweep_target(target, dry_run=False) == 0
            keys = at.store.keys
            assert {key.id: key for key in keys if key.id in foreign} == others
            assert all(others[key] == before[key] for key in others), "the request itself touched a foreign key"
            left = [key for key in keys if key.id not in foreign and key.state is not State.PENDING_DELETION]
            assert not left, f"neither scheduled nor gone: {left}"
            assert Ledger.of(target).unfinished() == ()
            LOGGER.info("%s: killed %d times", dialect, killings.killed)

        beginning = first()
        killings = Killings(emulator, lambda number: EVERY or number % ONE_IN == beginning, judge)
        outcome = killings.run()
    record_property(
        "killed", f"{killings.killed} times in {outcome.verdict['requests']} requests, {killings.judged} states"
    )
    assert killings.problems == []
    assert killings.killed >= (2 * outcome.verdict["requests"] if EVERY else 10)
    wrong = [
        (r["id"], r["reason"])
        for r in outcome.verdict["requirements"]
        if r["level"] == "MUST" and r["verdict"] not in ("passed", "not_applicable")
    ]
    assert wrong == [], "the run that went on was disturbed, so it was not the run that is meant"
