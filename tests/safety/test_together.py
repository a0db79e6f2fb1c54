"""Two runs at once, at one endpoint and with one ledger: neither takes the other's keys, and nothing is left behind."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from nights import Nights

from kms_conformance.apps.selftest.deviation import only
from kms_conformance.apps.selftest.runner import Outcome
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, State


@pytest.mark.parametrize("dialect", specs.dialects())
def test_two_runs_at_once_keep_to_their_own_keys(tmp_path: Path, dialect: str) -> None:
    families = only(("states", "schedule", "cancel"))
    with Emulator(dialect) as emulator:
        nights = Nights(emulator, tmp_path)
        outcomes: list[Outcome] = []
        runs = [threading.Thread(target=lambda: outcomes.append(nights.run(*families))) for _ in range(2)]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert [outcome.failed for outcome in outcomes] == [frozenset(), frozenset()]
        assert {key.state for key in nights.ours} == {State.PENDING_DELETION}
        assert len(nights.ours) == sum(outcome.verdict["keys_created"] for outcome in outcomes) <= 4
        assert nights.ledger.unfinished() == ()
        # Each key was held by one run.
        holders = {(entry.key, entry.run) for entry in nights.ledger.entries() if entry.event == "created"}
        assert len({key for key, _ in holders}) == len(holders) == len(nights.ours)
        # The next one finds the keys of both, and needs no other.
        assert nights.run(*families).verdict["keys_created"] == 0
