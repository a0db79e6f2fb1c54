"""Two requests at once: what loses one of them is accused, and what serves them otherwise is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.trial import try_fault, try_variant
from kms_conformance.apps.selftest.variants import VARIANTS


@pytest.mark.parametrize(
    ("name", "dialect"),
    [("together-enabled-and-dated", "huawei"), ("together-second-update-is-lost", "alibaba")],
)
def test_a_loss_is_accused(name: str, dialect: str) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    trial = try_fault(fault, dialect)
    assert (trial.problem, trial.accused) == ("", ("concurrency.nothing-lost",))


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("together-both-conflict", "aws"),
        ("together-throttled", "huawei"),
        ("together-unanswered-at-first", "alibaba"),
        ("together-one-connection", "huawei"),
    ],
)
def test_another_way_to_serve_them_is_spared(name: str, dialect: str) -> None:
    variant = next(variant for variant in VARIANTS if variant.name == name)
    assert try_variant(variant, dialect).problem == ""


def test_a_fault_without_a_race_is_not_accused_of_one() -> None:
    """Two schedules are accepted also one after the other: the requirement on the second one is broken, not this."""
    fault = next(fault for fault in FAULTS if fault.name == "schedule-twice-accepted")
    trial = try_fault(replace(fault, families=("schedule", "together")), "aws")
    assert "schedule.twice" in trial.accused
    assert not [name for name in trial.accused if name.startswith("concurrency.")]
