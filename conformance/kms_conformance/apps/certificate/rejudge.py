"""Rejudging: runs the suite on the recorded exchanges of an earlier run, without network, target or waiting."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from kms_conformance import suite
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import ACCOUNT
from kms_conformance.core.tier import EFFORTS
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.recording.player import PlaybackDiverged, Player, Recording
from kms_conformance.recording.storage import RunFacts, run_seed
from kms_conformance.recording.target_snapshot import target_from_snapshot
from kms_conformance.run.plugin import add_marks
from kms_conformance.run.settings import Settings
from kms_conformance.run.worker import Worker, check_of
from kms_conformance.target import Target
from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class RejudgedRun:
    """Results of the suite on a recording.

    - `problem`: where the suite deviates from the recording; "" if nowhere. After a deviation, the other fields cover
      only the part before it.
    - `results`: the results of the checks.
    - `plan`: for each check of the tier for this target, the requirements that the check declares.
    - `isolation`: the statement that keys of others did not change.
    - `belongings`: what the run gave to its keys and what was given back.
    - `ledger`: the lines of the ledger after this run, including those of earlier runs.
    - `exchanges`: the number of exchanges that were played back.
    """

    problem: str
    results: tuple[CheckResult, ...]
    plan: Mapping[str, tuple[str, ...]]
    isolation: Mapping[str, Any] | None
    belongings: Mapping[str, Any] | None
    target: Target
    ledger: str
    exchanges: int


# `eq=False` makes the class hashable, by identity: pytest keeps its plugins in sets.
@dataclass(eq=False)
class _RejudgePlugin:
    """Pytest plugin that runs exactly the checks of the recorded run, in their order."""

    worker: Worker
    player: Player
    checks: Sequence[str]
    results: dict[str, CheckResult] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        add_marks(config)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        there: dict[str, pytest.Item] = {}
        for item in items:
            check = check_of(item)
            if check is not None:
                there[check.id] = item
        self.unknown = tuple(name for name in self.checks if name not in there)
        items[:] = [there[name] for name in self.checks if name in there]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        raw = getattr(report, "kms", None)
        if raw is not None:
            result = CheckResult.from_json(raw)
            self.results[result.check] = result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        if self.player.problem:
            item.session.shouldstop = self.player.problem


def rejudge(
    recording: Recording,
    ledger: str,
    facts: RunFacts,
    snapshot: Mapping[str, Any],
    settings: Settings,
    *,
    draw_again: bool,
) -> RejudgedRun:
    """Judge a recording again. `snapshot` (of the target) and `ledger` (its lines) are those of the sealed file.

    With `draw_again`, generated requests are drawn again and must equal the recorded ones; without it, they are taken
    from the recording.
    """
    target = target_from_snapshot(snapshot)
    player = Player(recording, target, draw_again=draw_again)
    with TemporaryDirectory(prefix="kms-conformance-") as directory:
        own = Ledger(Path(directory) / "ledger.jsonl", facts.run)
        before = [line for line in ledger.splitlines() if f'"run": "{facts.run}"' not in line]
        own.path.write_text("".join(f"{line}\n" for line in before), encoding="utf-8")
        own.clock = player
        target_session = TargetSession(
            target, own, EFFORTS[settings.tier].keys, player.world(run_seed(settings.seed, facts.chance))
        )
        worker = Worker(settings, [target_session])
        plugin = _RejudgePlugin(worker, player, facts.checks)
        output = _run(worker, plugin)
        player.ended()
        problem = player.problem
        if plugin.unknown:
            problem = f"this suite has no check {plugin.unknown[0]} for this target at this tier"
        elif not problem and len(plugin.results) != len(facts.checks):
            problem = f"of {len(facts.checks)} checks, only {len(plugin.results)} ended here\n{output}"
        return RejudgedRun(
            problem,
            tuple(plugin.results.values()),
            worker.plans[target.name].declared_requirements(),
            worker.isolation.get(target.name),
            worker.belongings.get(target.name),
            target,
            "".join(f"{entry.line}\n" for entry in own.entries() if entry.event != ACCOUNT),
            player.asked,
        )


def _run(worker: Worker, plugin: _RejudgePlugin) -> str:
    """Run pytest in this process; returns the end of its output."""
    arguments = [
        *suite.CONFINED,
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "--tb=line", "-q"),
        str(suite.FOLDER),
    ]
    output = io.StringIO()
    # The requests that release the keys at the end may not be in the recording; they raise `PlaybackDiverged`.
    with _without_pytest_options(), contextlib.redirect_stdout(output), contextlib.suppress(PlaybackDiverged):
        pytest.main(arguments, plugins=[worker, plugin])
    return output.getvalue()[-2000:]


@contextlib.contextmanager
def _without_pytest_options() -> Iterator[None]:
    """Disable installed pytest plugins and the caller's pytest options."""
    changed = {"PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    kept = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
