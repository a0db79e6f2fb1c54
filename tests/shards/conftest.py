from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from fleet import commands

from conformance import specs
from conformance.emulator import Emulator, Key, State
from conformance.ledger import Ledger
from conformance.target import parse_target

SHARDS = 8
BUDGET = 20
# Everything in `tox run -e shards`; a change waits for one dialect, with a clock and without.
ALL = os.environ.get("KMS_CONFORMANCE_SHARDS") == "all"
CASES = [
    (dialect, tier, clock)
    for dialect in (specs.dialects() if ALL else ("huawei",))
    for tier in (("smoke", "standard") if ALL else ("smoke",))
    for clock in ((True, False) if ALL else (False,))
]


class Fleet:
    """One run, and the same in eight shards: eight processes, two at a time, at one emulator with one ledger."""

    def __init__(self, folder: Path, dialect: str, tier: str, *, clock: bool) -> None:
        self.folder, self.dialect, self.tier, self.clock = folder, dialect, tier, clock
        self.whole = folder / "whole"
        self.shards = [folder / f"{index}-of-{SHARDS}" for index in range(1, SHARDS + 1)]
        self.whole_code = self._run(folder / "one", [self._asked(self.whole)])[0]
        self.codes = self._run(
            folder / "eight",
            [self._asked(path, "--shard", f"{index}/{SHARDS}") for index, path in enumerate(self.shards, 1)],
        )

    def _asked(self, reports: Path, *further: str) -> tuple[str, ...]:
        target = str(self.folder / "target.yaml")
        return ("run", "--target", target, "--reports", str(reports), "--tier", self.tier, "--seed", "7", *further)

    def _run(self, state: Path, several: list[tuple[str, ...]]) -> list[int]:
        with Emulator(self.dialect) as emulator:
            target = emulator.target() | {"limits": {"max_keys": BUDGET}}
            if not self.clock:
                del target["time_control"]
            (self.folder / "target.yaml").write_text(yaml.safe_dump(target))
            foreign = {key.id for key in emulator.store.keys}
            codes = commands(several, state)
            self.keys: list[Key] = [key for key in emulator.store.keys if key.id not in foreign]
            ledger = Ledger.of(parse_target(yaml.safe_dump(target), "t"), state)
            assert ledger.unfinished() == ()
        assert emulator.failures == []
        assert {key.state for key in self.keys} <= {State.PENDING_DELETION}
        return codes


@pytest.fixture(
    scope="session", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}-{'clock' if case[2] else 'cloud'}"
)
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    dialect, tier, clock = request.param
    return Fleet(tmp_path_factory.mktemp("fleet"), dialect, tier, clock=clock)
