"""The benchmark's own arithmetic, and what it counts beside what it counted at the last release."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kept import document, worse
from benchmarks.measure import Figure, Ratio, count
from benchmarks.shown import markdown
from kms_conformance import __version__

RECORD = Path(__file__).parents[2] / "benchmarks" / "records" / f"{__version__}.json"
RATIO = Ratio("overhead", "scenarios, processor time", "bare", (1.5, 2.0, 9.0), (1.0, 1.0, 1.0), target=1.6)
FASTER = Ratio("fuzzing", "a second", "the peer", (100.0,), (40.0,), "1/s", 2.0, at_least=True)
REQUESTS = count("money", "requests", 700, "requests")
SECONDS = Figure("start-up", "--help", (0.1,), "s", 0.25)


@pytest.fixture
def record(tmp_path) -> Path:
    path = tmp_path / "1.0.json"
    path.write_text(json.dumps(document([RATIO, FASTER, REQUESTS, SECONDS], "python -m benchmarks")))
    return path


def test_the_middle_round_decides_whether_a_target_is_met() -> None:
    assert RATIO.ratio.middle == 2.0
    assert RATIO.met is False
    assert replace(RATIO, ours=(1.5, 1.6, 9.0)).met is True
    assert FASTER.met is True
    assert replace(FASTER, ours=(79.0,)).met is False
    assert count("money", "keys", 3, "keys", 2).met is False
    assert REQUESTS.met is None


def test_nothing_is_worse_than_itself(record) -> None:
    assert list(worse(record, [RATIO, FASTER, REQUESTS, SECONDS])) == []


@pytest.mark.parametrize(
    "result",
    [
        replace(RATIO, ours=(2.8, 2.8, 2.8)),
        replace(FASTER, ours=(60.0,)),
        count("money", "requests", 800, "requests"),
    ],
)
def test_a_ratio_or_a_count_beyond_its_tolerance_is_worse(record, result) -> None:
    (line,) = worse(record, [result])
    assert f"{result.part}: {result.name}" in line


@pytest.mark.parametrize(
    "result",
    [
        replace(RATIO, ours=(2.0, 2.6, 9.0)),
        replace(RATIO, ours=(0.1,), other=(1.0,)),
        count("money", "requests", 100, "requests"),
        replace(SECONDS, values=(99.0,)),
        count("money", "of another name", 1e6, "requests"),
    ],
)
def test_what_is_better_or_within_tolerance_or_in_seconds_is_not_worse(record, result) -> None:
    assert list(worse(record, [result])) == []


@pytest.mark.parametrize("unstable", [replace(RATIO, against="http.client"), replace(RATIO, name="scenarios")])
def test_an_unstable_ratio_is_shown_and_not_compared(tmp_path: Path, unstable: Ratio) -> None:
    path = tmp_path / "1.0.json"
    path.write_text(json.dumps(document([unstable], "python -m benchmarks")))
    assert list(worse(path, [replace(unstable, ours=(90.0, 90.0, 90.0))])) == []


def test_the_page_has_a_row_for_each_result_and_says_what_was_missed() -> None:
    lines = markdown([RATIO, SECONDS]).splitlines()
    assert len(lines) == 4
    assert "≤ 1.6 missed" in lines[2]
    assert "≤ 0.25 met" in lines[3]


def test_neither_what_is_counted_nor_the_ratio_of_an_exchange_is_worse_than_at_the_last_release() -> None:
    parts = ["--part", "counts", "--part", "ratios", "--rounds", "5"]
    command = [sys.executable, "-m", "benchmarks", *parts, "--against", str(RECORD)]
    done = subprocess.run(command, cwd=RECORD.parents[2], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "requests" in done.stdout
