"""Runs the suite again against a tape: no network, no target, no waiting; what is judged is judged anew."""

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
from kms_conformance.client.ledger import ACCOUNT, Ledger
from kms_conformance.core.tier import EFFORTS
from kms_conformance.keys.target_session import Bench
from kms_conformance.recording.player import OffTape, Player, Tape
from kms_conformance.recording.storage import Facts, chance_of
from kms_conformance.recording.target_snapshot import put_up
from kms_conformance.run.plugin import add_marks
from kms_conformance.run.settings import Settings
from kms_conformance.run.worker import Worker, check_of
from kms_conformance.target import Target
from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class Rejudged:
    """What the suite says to a tape. `problem` tells where the two part; then nothing else here means anything.

    `plan` are all checks that the tier has for this target, with what they declare; `ledger` is what was written anew.
    """

    problem: str
    results: tuple[CheckResult, ...]
    plan: Mapping[str, tuple[str, ...]]
    isolation: Mapping[str, Any] | None
    target: Target
    ledger: str
    exchanges: int


# Compared by identity: pytest keeps its plugins in sets.
@dataclass(eq=False)
class _Stage:
    """The pytest plugin of such a run: the checks that began, in their order, and no others."""

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
    tape: Tape, ledger: str, facts: Facts, stage: Mapping[str, Any], settings: Settings, *, draw_again: bool
) -> Rejudged:
    """Judge a tape. `stage` describes the target, `ledger` is the extract; both as they were sealed.

    With `draw_again`, what was drawn at random is drawn again and compared, and not only taken from the tape.
    """
    target = put_up(stage)
    player = Player(tape, target, draw_again=draw_again)
    with TemporaryDirectory(prefix="kms-conformance-") as directory:
        own = Ledger(Path(directory) / "ledger.jsonl", facts.run)
        before = [line for line in ledger.splitlines() if f'"run": "{facts.run}"' not in line]
        own.path.write_text("".join(f"{line}\n" for line in before), encoding="utf-8")
        own.clock = player
        bench = Bench(target, own, EFFORTS[settings.tier].keys, player.world(chance_of(settings.seed, facts.chance)))
        worker = Worker(settings, [bench])
        plugin = _Stage(worker, player, facts.checks)
        said = _run(worker, plugin)
        player.ended()
        problem = player.problem
        if plugin.unknown:
            problem = f"this suite has no check {plugin.unknown[0]} for such a target at this tier"
        elif not problem and len(plugin.results) != len(facts.checks):
            problem = f"of {len(facts.checks)} checks, {len(plugin.results)} came to an end here\n{said}"
        return Rejudged(
            problem,
            tuple(plugin.results.values()),
            worker.plans[target.name].declared_requirements(),
            worker.isolation.get(target.name),
            target,
            "".join(f"{entry.line}\n" for entry in own.entries() if entry.event != ACCOUNT),
            player.asked,
        )


def _run(worker: Worker, plugin: _Stage) -> str:
    """Run pytest within this process; returns what it said."""
    arguments = [
        *suite.CONFINED,
        *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "--tb=line", "-q"),
        str(suite.FOLDER),
    ]
    said = io.StringIO()
    # What cannot be asked cannot be let go of at the end either.
    with _bare_environment(), contextlib.redirect_stdout(said), contextlib.suppress(OffTape):
        pytest.main(arguments, plugins=[worker, plugin])
    return said.getvalue()[-2000:]


@contextlib.contextmanager
def _bare_environment() -> Iterator[None]:
    """No plugin that happens to be here, and no option of the caller's, takes part."""
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
