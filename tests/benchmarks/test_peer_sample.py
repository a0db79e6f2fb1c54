from __future__ import annotations

from collections import Counter
from pathlib import Path

from benchmarks.record import Record, Silence
from benchmarks.sample import ordered
from benchmarks.score import Result, Run
from kms_conformance.apps.selftest.deviation import BOTH
from kms_conformance.apps.selftest.faults import FAULTS


def test_every_fault_is_asked_once_in_each_of_its_dialects() -> None:
    cases = [(fault.name, dialect) for fault, dialect in ordered(FAULTS, BOTH, 1)]
    everything = {(fault.name, dialect) for fault in FAULTS for dialect in fault.dialects if dialect in BOTH}
    assert len(cases) == len(everything)
    assert set(cases) == everything


def test_the_order_follows_the_seed() -> None:
    assert ordered(FAULTS, BOTH, 1) == ordered(FAULTS, BOTH, 1)
    assert ordered(FAULTS, BOTH, 1) != ordered(FAULTS, BOTH, 2)


def test_a_sample_has_each_class_by_its_share() -> None:
    cases = ordered(FAULTS, BOTH, 1)
    whole = Counter(fault.fault_class for fault, _ in cases)
    part = Counter(fault.fault_class for fault, _ in cases[:100])
    for name, count in whole.items():
        assert abs(part[name] - 100 * count / len(cases)) <= 1.5, name


def test_one_dialect_alone() -> None:
    assert {dialect for _, dialect in ordered(FAULTS, ("huawei",), 1)} == {"huawei"}


def test_a_record_is_continued_with_the_same_settings_alone(tmp_path: Path) -> None:
    path, run = tmp_path / "results.json", Run(("a",), ("a",), 1, 2.0, 3)
    record = Record.open(path, {"examples": 20})
    record.silence["huawei"] = Silence((run,), run, run)
    record.results.append(Result("one", "window", "major", "huawei", 1, run, run))
    record.save()
    again = Record.open(path, {"examples": 20})
    assert again.results == record.results
    assert again.silence == record.silence
    assert again.asked == {("one", "huawei")}
    assert again.silence["huawei"].accepted == {"a"}
    assert Record.open(path, {"examples": 100}).results == []
