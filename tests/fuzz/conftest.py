from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from kms_conformance.client.judge import Inconclusive, Judge, Stop
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.tier import EFFORTS, Effort
from kms_conformance.emulator import Decisions, Emulator, Filter
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite.fuzz.chains import walk_chains
from kms_conformance.suite.fuzz.operations import fuzz_operation
from kms_conformance.suite.scenario import Scenario
from kms_conformance.target import load_targets

EFFORT = replace(EFFORTS["standard"], fuzz_examples=8, chains=3)


@dataclass
class Scene:
    """An emulator, a target file that leads there, and what a check has of it."""

    emulator: Emulator
    target_session: TargetSession
    kms: Scenario

    def fuzz(self, *operations: str) -> set[str]:
        """Fuzz these operations, `chains` among them, and return the requirements that broke."""
        for name in operations:
            # As in a run: what cannot go on has been judged, where it was the target that stood in the way.
            with contextlib.suppress(Stop, Inconclusive):
                walk_chains(self.kms) if name == "chains" else fuzz_operation(self.kms, name)
        return {failure.requirement for failure in self.kms.judge.failures}


Scenes = Callable[..., Scene]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scenes]:
    with ExitStack() as stack:

        def begin(
            dialect: str,
            decisions: type[Decisions] = Decisions,
            filters: Sequence[Filter] = (),
            effort: Effort = EFFORT,
            seed: int = 1,
        ) -> Scene:
            emulator = stack.enter_context(Emulator(dialect, decisions=decisions, filters=filters))
            path = tmp_path / f"{dialect}.yaml"
            path.write_text(emulator.target_yaml(), encoding="utf-8")
            (target,) = load_targets([path])
            target_session = TargetSession(target, Ledger.of(target, tmp_path), effort.keys)
            judge = Judge(
                target_session.catalogue, target_session.applicable, take=target_session.client.start_findings().take
            )
            target_session.require_state()
            kms = Scenario(
                target_session.client,
                target_session.pool,
                target_session.time,
                judge,
                effort,
                seed,
                target_session.others,
            )
            stack.callback(target_session.client.close)
            return Scene(emulator, target_session, kms)

        yield begin
