"""A target that throttles is asked more slowly and judged all the same; one that throttles for ever ends the run."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from itertools import count

import pytest
import yaml
from doors import Bucket, refusing

from kms_conformance.apps.selftest.deviation import BOTH, Prepare, only, serving
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.emulator import Emulator

# A smoke run sends 780 requests, and 100 a second if it may. At 2 requests a second it takes 8 minutes; a tenth of its
# checks at 15 a second is refused as often, and takes 15 s.
RATE = 15
SOME = ("window", "pending_use", "replies")


@pytest.mark.parametrize("dialect", BOTH)
def test_what_is_throttled_hard_is_still_judged(dialect: str) -> None:
    door = refusing("throttled", Bucket(RATE))
    started = time.monotonic()
    outcome = run_suite(serving(dialect, decisions=(door,)), arguments=only(SOME))
    seconds = time.monotonic() - started
    # What -k has left out is inconclusive, and says so.
    found = {entry["verdict"] for entry in outcome.verdict["requirements"] if not entry.get("not_run")}
    assert found <= {"passed", "not_tested", "not_applicable"}
    # What would have been sent in a tenth of the time: the target did set the pace, and hardly more was asked twice.
    assert outcome.verdict["requests"] / RATE * 0.8 < seconds < outcome.verdict["requests"] / RATE * 2 + 10


def impatient(dialect: str, served: int, refusal: str = "throttled") -> Prepare:
    """An emulator that serves so many requests and no more, and a target file with little patience."""

    @contextlib.contextmanager
    def prepared() -> Iterator[str]:
        number = count(1)
        door = refusing(refusal, lambda _: next(number) > served)
        with Emulator(dialect, decisions=door) as emulator:
            yield yaml.safe_dump(emulator.target() | {"limits": {"timeout_seconds": 0.5}})

    return prepared


@pytest.mark.parametrize("served", [0, 150])
@pytest.mark.parametrize("dialect", BOTH)
def test_what_is_throttled_for_ever_is_inconclusive_with_what_was_judged(dialect: str, served: int) -> None:
    started = time.monotonic()
    outcome = run_suite(impatient(dialect, served))
    # Six times the time-out, once in the checks and once when keys are let go; the rest is the run itself, which takes
    # some 3 s, and many times that on a loaded machine.
    assert time.monotonic() - started < 2 * 6 * 0.5 + 60
    assert (outcome.exit_code, outcome.verdict["result"]) == (3, "inconclusive")
    found = [entry["verdict"] for entry in outcome.verdict["requirements"]]
    assert "failed" not in found
    assert ("passed" in found) == (served > 0)
    open_ones = [e["reason"] for e in outcome.verdict["requirements"] if e["verdict"] == "inconclusive"]
    assert any("did not serve us" in reason for reason in open_ones)
