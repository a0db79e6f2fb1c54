"""What is no KMS earns no pass, and no run hangs on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import pytest
import yaml

from conformance.emulator import Emulator
from conformance.selftest.nulls import NULLS, Null
from conformance.selftest.runner import Outcome, run_suite
from conformance.selftest.serving import BOTH

CASES = [pytest.param(null, dialect, id=f"{null.name}-{dialect}") for null in NULLS for dialect in null.dialects]
LONGEST_SECONDS = 10
# The process of a run begins with that of pytest, from which it is forked, and serves the null target itself.
MOST_MEMORY = 300


def passed_musts(outcome: Outcome) -> list[str]:
    return [r["id"] for r in outcome.verdict["requirements"] if r["level"] == "MUST" and r["verdict"] == "passed"]


@pytest.mark.parametrize(("null", "dialect"), CASES)
def test_nothing_passes(null: Null, dialect: str) -> None:
    started = time.monotonic()
    outcome = run_suite(null.serving(dialect))
    assert time.monotonic() - started < LONGEST_SECONDS
    assert passed_musts(outcome) == []
    assert outcome.exit_code in {1, 3}
    assert outcome.most_memory <= MOST_MEMORY


@pytest.mark.parametrize("dialect", BOTH)
def test_nothing_passes_at_the_other_dialect(dialect: str) -> None:
    other = next(name for name in BOTH if name != dialect)

    @contextlib.contextmanager
    def served() -> Iterator[str]:
        with Emulator(other) as speaks, Emulator(dialect) as told:
            target = told.target()
            yield yaml.safe_dump({**target, "base_url": speaks.base_url})

    outcome = run_suite(served)
    assert passed_musts(outcome) == []
    assert outcome.exit_code in {1, 3}
