"""A pytest session of the suite: starts what a run needs, collects results, and decides the verdicts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from conformance import suite
from conformance.bench import Bench
from conformance.catalogue.frozen import Frozen, load_frozen
from conformance.consent import require
from conformance.division import Division
from conformance.emulators import Emulators
from conformance.judge import Inconclusive
from conformance.ledger import Ledger
from conformance.reporting import allure
from conformance.reporting.again import remember
from conformance.reporting.model import Report
from conformance.reporting.parts import Parts, Plan, write_parts
from conformance.reporting.recorded import keep
from conformance.results import CheckResult
from conformance.shard import Shard
from conformance.stale import STALE_WAIVER, stale
from conformance.tape.spool import emptied
from conformance.target import Target, load_targets
from conformance.tier import Tier
from conformance.verdict import EXIT_CODES, USAGE_ERROR, Run, Verdict, decide, worst_exit_code
from conformance.waivers import Waiver, load_waivers
from conformance.wire.redact import Redactor
from conformance.worker import Settings, Worker


@dataclass
class Controller:
    """Starts what the run needs, collects results, and says at the end what follows from them."""

    settings: Settings
    reports: Path
    emulators: Emulators
    targets: tuple[Target, ...]
    waivers: tuple[Waiver, ...]
    frozen: Mapping[str, Frozen] = field(default_factory=dict)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    results: dict[str, list[CheckResult]] = field(default_factory=dict)
    planned: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    isolation: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    divisions: dict[str, Division] = field(default_factory=dict)
    refusal: str = ""
    trouble: dict[str, str] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    report: Report | None = None
    _clock: float = field(default_factory=time.monotonic)

    @classmethod
    def start(
        cls,
        targets: Iterable[str],
        reports: Path,
        tier: Tier,
        seed: int,
        waivers: str | None = None,
        requirements: str | None = None,
        further: Mapping[str, Any] = MappingProxyType({}),
        *,
        consent: bool = False,
    ) -> Controller:
        """Load targets and waivers; with no target, start the built-in emulator in every dialect.

        `further` are settings on planted keys (plant, watch, rescue) and on shards (shard, durations). Raises
        `LedgerError`, and `TargetError`, also for a real account to which there is no `consent` in the target file or
        given here.
        """
        given = tuple(targets)
        emulators = Emulators(reports / "targets")
        paths = given or emulators.start()
        # The built-in emulator forgets its keys when the run ends: their ledger need not outlive the report.
        state = None if given else str(reports / "ledger")
        loaded = load_targets([Path(path) for path in paths])
        for target in loaded:
            # Raises `LedgerError` for one that cannot be read, before anything is sent.
            Ledger.of(target, None if state is None else Path(state)).records()
        accepted = load_waivers(waivers)
        dialects = {target.dialect for target in loaded}
        frozen = {} if requirements is None else {name: load_frozen(requirements, name) for name in dialects}
        settings = Settings(
            tuple(map(str, paths)),
            state,
            tier,
            seed,
            **further,
            spool=str(emptied(reports)),
        )
        if settings.part is not None:
            settings.part.refuse_moving_clocks(loaded)
        require(loaded, given=consent, mark=settings.mark)
        return cls(settings, reports, emulators, tuple(loaded), accepted, frozen)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        node.workerinput["kms_conformance"] = asdict(self.settings)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ANN401 - xdist has no types
        found = getattr(node, "workeroutput", {}).get("kms_found")
        # A worker that died has told nothing.
        if found is not None:
            self._take(found)

    def _take(self, found: Mapping[str, Any]) -> None:
        """Take over what a worker found (see `Worker.found`)."""
        self.isolation |= found["isolation"]
        self.refusal = self.refusal or found["refusal"]
        self.divisions |= {name: Division.from_json(raw) for name, raw in found["divisions"].items()}
        for name, plan in found["planned"].items():
            self.planned.setdefault(name, {}).update({check: tuple(ids) for check, ids in plan.items()})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        raw = getattr(report, "kms", None)
        if raw is not None:
            result = CheckResult.from_json(raw)
            # A check that is run again counts as it ended last.
            kept = [other for other in self.results.get(result.target, []) if other.check != result.check]
            self.results[result.target] = [*kept, result]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        worker = session.config.pluginmanager.get_plugin("kms-worker")
        if isinstance(worker, Worker):
            self._take(worker.found())
        if getattr(session.config.option, "numprocesses", None):
            self._finish_for_workers()
        if not self.results:
            # Nothing was run: an earlier report is worth more than an empty one.
            self.emulators.stop()
            if session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
                session.exitstatus = USAGE_ERROR
            return
        run = Run(self.settings.tier, self.settings.seed, self.started, time.monotonic() - self._clock)
        self.verdicts = tuple(self._verdict(target, run) for target in self.targets)
        codes = [EXIT_CODES[verdict.result] for verdict in self.verdicts]
        # What is well with the target is not well with the account as long as a key of ours may be left in it.
        unfinished = [EXIT_CODES["inconclusive"] for _ in self.afterwards()]
        # What a waiver covers may fail in another shard: `merge` knows.
        whole = self.settings.part is None
        outlived = stale(self.waivers, self.verdicts, run.started.date()) if whole else ()
        session.exitstatus = worst_exit_code([*codes, *unfinished, *(STALE_WAIVER for _ in outlived)])
        self.emulators.stop()
        decided = [(verdict, self.results.get(verdict.target.name, [])) for verdict in self.verdicts]
        from conformance.reporting.write import write  # noqa: PLC0415 - once, at the end

        self.report = write(self.reports, decided, outlived)
        files = [Path(path) if self.settings.state is None else None for path in self.settings.targets]
        remember(self.reports, dict(zip((target.name for target in self.targets), files, strict=True)))
        keep(
            self.reports,
            self.targets,
            self.planned,
            tier=self.settings.tier,
            seed=self.settings.seed,
            nights={name: getattr(self.settings, name) for name in ("plant", "watch", "rescue")},
            filters=filters_of(session.config),
        )
        if self.settings.part is not None:
            self._write_shard(self.settings.part)
        results = session.config.getoption("--alluredir", None)
        if results is not None:
            allure.write_files(Path(results), self.targets, tier=self.settings.tier, seed=self.settings.seed)

    def _write_shard(self, shard: Shard) -> None:
        """What `merge` must know besides the results."""
        assert self.report is not None
        plans = tuple(
            Plan(target.name, target.auth.way, self.divisions[target.name], self.frozen.get(target.dialect))
            for target in self.targets
        )
        write_parts(self.reports, Parts.of_run(shard, self.report, plans, self.waivers, tuple(self.afterwards())))

    def _finish_for_workers(self) -> None:
        """A worker that is told to end, or that dies, has no time to let its keys go."""
        for target in self.targets:
            ledger = Ledger.of(target, self.settings.ledgers)
            if not ledger.unfinished():
                continue
            bench = Bench(target, ledger, keys=0)
            # What remains undone for whatever reason is named to the user, with the command that finishes it.
            try:
                bench.enter()
                bench.pool.recover()
                bench.pool.release()
            except Exception as error:  # noqa: BLE001 - as above, with that reason
                said = error.reason if isinstance(error, Inconclusive) else f"{type(error).__name__}: {error}"
                self.trouble[target.name] = self.clean(said)
            finally:
                bench.close()

    def _verdict(self, target: Target, run: Run) -> Verdict:
        results, planned = self.results.get(target.name, []), self.planned.get(target.name, {})
        verdict = decide(target, results, run, planned, self.waivers, self.frozen.get(target.dialect))
        return replace(verdict, isolation=self.isolation.get(target.name))

    def clean(self, text: str) -> str:
        """The text without the secrets that stand in target files."""
        for target in self.targets:
            text = Redactor(target.secrets, target.labels).text(text)
        return text

    def afterwards(self) -> Iterator[str]:
        """What is left to be done by the user: keys that are not known to be scheduled for deletion, and why not."""
        for target, path in zip(self.targets, self.settings.targets, strict=True):
            for record in Ledger.of(target, self.settings.ledgers).unfinished():
                reason = record.facts.get("reason") or self.trouble.get(target.name)
                why = f" ({reason.rstrip('.')})" if reason else ""
                yield (
                    f"{target.name}: {record.named} is not scheduled for deletion{why}. "
                    f"Finish that with: kms-conformance sweep --target {shlex.quote(path)}"
                )

    @pytest.hookimpl(optionalhook=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """For plain pytest: the verdict of each target, and where the report lies."""
        if self.refusal:
            terminalreporter.write_line(self.refusal)
        for verdict in self.verdicts:
            terminalreporter.write_line(f"{verdict.target.name}: {verdict.result}")
        for found in () if self.report is None else self.report.stale:
            terminalreporter.write_line(f"stale waiver {found.waiver.requirement}: {found.why} {found.next}")
        terminalreporter.write_line(f"report: {self.reports / 'index.html'}")
        for line in self.afterwards():
            terminalreporter.write_line(line)


def filters_of(config: pytest.Config) -> dict[str, str]:
    """What pytest was told to confine the run to."""
    named = [argument for argument in config.args if not is_suite(argument)]
    ignored = [*(config.getoption("ignore", None) or ()), *(config.getoption("ignore_glob", None) or ())]
    found = {
        "keyword": config.getoption("keyword", ""),
        "marks": config.getoption("markexpr", ""),
        "files": " ".join(Path(argument).name for argument in named),
        "ignored": " ".join(Path(path).name for path in ignored),
        "shard": config.getoption("--shard", None),
    }
    return {name: value for name, value in found.items() if value}


def is_suite(argument: str) -> bool:
    """Whether what stands on pytest's command line names the whole suite."""
    return argument in ("conformance.suite", "conformance/suite") or Path(argument).resolve() == suite.FOLDER
