from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import peer
from benchmarks.score import Run
from kms_conformance.apps.selftest.faults import FAULTS

if TYPE_CHECKING:
    import pytest

    from kms_conformance.apps.selftest.deviation import Fault

SILENT = Run((), (), 1, 1.0, 1)
LOUD = Run(("a POST /x",), ("a POST /x",), 1, 1.0, 1)


@dataclass
class Scripted:
    """A peer that says what it was told to, and remembers what it was asked."""

    asked: list[tuple[str, str, int, frozenset[str]]] = field(default_factory=list)

    def learn(self, dialect: str, seed: int) -> Run:
        return LOUD

    def ask(self, fault: Fault, dialect: str, seed: int, accepted: frozenset[str]) -> Run:
        self.asked.append((fault.name, dialect, seed, accepted))
        return SILENT


def test_both_tools_are_asked_for_the_same_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "ours", lambda fault, dialect, seed: Run((fault.name,), (fault.name,), 5, 1.0, 9))
    scripted, known = Scripted(), frozenset({"b POST /x"})
    fault = FAULTS[0]
    result = peer.compare(scripted, fault.name, fault.dialects[0], 7, known)
    assert scripted.asked == [(fault.name, fault.dialects[0], 7, known)]
    assert (result.fault, result.fault_class, result.seed) == (fault.name, fault.fault_class, 7)
    assert result.ours.reports == (fault.name,)
    assert result.peer == SILENT


def test_a_faultless_run_after_the_baseline_has_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer, "ours", lambda fault, dialect, seed: SILENT)
    scripted = Scripted()
    silence = peer.listen(scripted, "huawei", 1, 3)
    assert len(silence.baseline) == 3
    assert scripted.asked == [("faultless", "huawei", 4, frozenset({"a POST /x"}))]


def test_what_is_sent_to_another_process_can_travel() -> None:
    arguments = (peer.compare, FAULTS[0].name, FAULTS[0].dialects[0], 1, frozenset({"a"}))
    assert pickle.loads(pickle.dumps(arguments)) == arguments  # noqa: S301 - our own bytes
