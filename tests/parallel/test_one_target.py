"""Two processes at one target give the results and the verdict of one process, and keep its limits together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, Inbound, Outbound, State

# Everything in `tox run -e shards`; a change waits for families that come first, together and last.
ALL = os.environ.get("KMS_CONFORMANCE_SHARDS") == "all"
SELECTION = (
    () if ALL else ("--", "-k", "isolation or below or out_of_range or near_miss or history or end_of or afterwards")
)
DIALECTS = specs.dialects() if ALL else ("huawei",)
# This fault lets a request change other keys: then one process runs all checks.
OTHER_KEYS = "cancel-enables-other-keys"
# Random walks may end a key of these targets in one run and not in another, so that checks fail or are left open.
ENDING = ("gone-a-day-early", "never-gone", "gone-key-decrypts")
FAULTY = ("window-below-minimum-accepted", OTHER_KEYS, *ENDING)
FAULTY_NAMES = {fault.name: fault for fault in FAULTS}
MOST_KEYS, RATE = 6, 150


@dataclass
class Ran:
    """One run: exit code, output, results, and what the emulator saw."""

    code: int
    said: str
    found: dict[str, Any]
    a_second: Counter[int] = field(default_factory=Counter)
    keys: int = 0
    left: frozenset[State] = frozenset()

    @property
    def outcomes(self) -> dict[str, tuple[str, list[str]]]:
        return {
            check["check"]: (check["outcome"], sorted({each["requirement"] for each in check["failures"]}))
            for check in self.found["checks"]
        }

    @property
    def verdicts(self) -> dict[str, tuple[str, list[str]]]:
        requirements = self.found["verdict"]["requirements"]
        return {each["id"]: (each["verdict"], sorted(each["tests"])) for each in requirements}


def ran(dialect: str, fault: str | None, folder: Path, processes: str) -> Ran:
    """Run the command at an emulator of its own, with a limit of keys and of requests a second."""
    chosen = None if fault is None else FAULTY_NAMES[fault]
    seen = Ran(2, "", {})

    def note(inbound: Inbound, outbound: Outbound) -> Outbound:
        seen.a_second[int(time.monotonic())] += 1
        seen.keys = max(seen.keys, sum(key.id not in foreign for key in emulator.store.keys))
        return outbound

    decisions = type("Deviating", (() if chosen is None else chosen.decisions) or (Decisions,), {})
    filters = () if chosen is None else chosen.filters
    with Emulator(dialect, decisions=decisions, filters=[*filters, note]) as emulator:
        foreign = {key.id for key in emulator.store.keys}
        limits = {"max_keys": MOST_KEYS, "requests_per_second": RATE}
        folder.mkdir()
        (folder / "t.yaml").write_text(yaml.safe_dump(emulator.target() | {"limits": limits}))
        command = [sys.executable, "-m", "kms_conformance", "run", "--target", "t.yaml", "--seed", "7", "-n", processes]
        environment = os.environ | {"KMS_CONFORMANCE_STATE": str(folder / "state"), "NO_COLOR": "1"}
        ended = subprocess.run(
            [*command, *SELECTION], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        seen.left = frozenset(key.state for key in emulator.store.keys if key.id not in foreign)
    seen.code, seen.said = ended.returncode, ended.stdout + ended.stderr
    (seen.found,) = json.loads((folder / "reports/latest/results.json").read_text())["targets"]
    return seen


@pytest.mark.parametrize("fault", [None, *(FAULTY if ALL else FAULTY[:1])])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_two_processes_say_what_one_says(dialect: str, fault: str | None, tmp_path: Path) -> None:
    if fault is not None and dialect not in FAULTY_NAMES[fault].dialects:
        pytest.skip("the dialect has no such fault")
    with ThreadPoolExecutor(2) as pool:
        alone, shared = pool.map(lambda number: ran(dialect, fault, tmp_path / number, number), ("0", "2"))
    said = alone.said + shared.said
    assert (shared.code, shared.found["verdict"]["result"]) == (alone.code, alone.found["verdict"]["result"]), said
    if fault in ENDING:
        named = FAULTY_NAMES[fault].requirements
        assert all(any(each.verdicts[name][0] == "failed" for name in named) for each in (alone, shared))
    else:
        assert shared.outcomes == alone.outcomes
        assert shared.verdicts == alone.verdicts
    assert (shared.found["verdict"]["isolation"] is None) == (alone.found["verdict"]["isolation"] is None)
    second = any(raw["number"] > 1_000_000 for check in shared.found["checks"] for raw in check["exchanges"])
    assert second == (fault != OTHER_KEYS)
    assert ("One process runs all checks" in shared.said) == (fault == OTHER_KEYS)
    # Moments of arrival are later than those of sending by a little, so a second may have some more.
    assert max(shared.a_second.values()) <= RATE * 1.2
    assert shared.keys <= MOST_KEYS
    # Keys that the moved clock has ended are gone.
    assert shared.left <= {State.PENDING_DELETION}
    assert not list((tmp_path / "2").rglob(".joint*"))
