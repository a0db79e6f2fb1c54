"""The controller of a run: prepares the session, collects results, decides verdicts, writes the reports."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.catalogue.frozen import Frozen, load_frozen
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.errors import refuse_replaced
from kms_conformance.core.folders import try_ledgers
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.text import printable
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.consent import require_or_still, run_reach
from kms_conformance.recording.storage import emptied_folder
from kms_conformance.report.allure import labels as allure
from kms_conformance.report.model import Report
from kms_conformance.report.recorded import keep_recordings
from kms_conformance.report.reproduce import write_replay_file
from kms_conformance.report.store import UNFINISHED, begin
from kms_conformance.run.emulators import Emulators
from kms_conformance.run.parallel.groups import groups_of
from kms_conformance.run.parallel.joining import join_belongings
from kms_conformance.run.parallel.scheduling import one_worker_per_group, worker_number
from kms_conformance.run.parallel.shared_target import SharedTarget, new_joint_file
from kms_conformance.run.plan import plan_of
from kms_conformance.run.pytest_reports import (
    NO_FILTERS,
    Missing,
    filters_of,
    last_line,
    outcome_words,
    reason_of,
    set_outcome,
)
from kms_conformance.run.settings import Options, Settings
from kms_conformance.run.shards.parts import Parts, ShardedPlan, write_parts
from kms_conformance.run.shards.shard import Shard
from kms_conformance.run.worker import Worker
from kms_conformance.suite.checks import SuiteCheck
from kms_conformance.target import Target, load_targets
from kms_conformance.verdict.decide import Circumstances, Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers import Waiver, load_waivers
from kms_conformance.verdict.waivers.outdated import stale_waivers
from kms_conformance.wire.secrets.redactor import Redactor


# eq=False: pytest keeps plugins in sets, so they must be hashable.
@dataclass(eq=False)
class Controller:
    """The pytest plugin of the controlling process.

    - `results`: the results of checks, by target and check id.
    - `isolation`: by target, the comparison of the keys of others before and after the run.
    - `belongings`: by target, what the run gave to its keys and what was given back.
    - `trouble`: by target, why keys could not be scheduled for deletion.
    - `verdict_only`: see `Options`.
    - `unwritten`: the error if reports could not be written, else empty.
    """

    settings: Settings
    reports: Path
    emulators: Emulators
    targets: tuple[Target, ...]
    waivers: tuple[Waiver, ...]
    frozen: Mapping[str, Frozen] = field(default_factory=dict)
    verdict_only: bool = False
    interrupts: Interrupts = field(default_factory=Interrupts)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    results: dict[str, dict[str, CheckResult]] = field(default_factory=dict)
    isolation: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    belongings: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    report: Report | None = None
    unwritten: str = ""
    _missing: Missing = field(default_factory=Missing)
    _clock: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.plans = {target.name: plan_of(target, self.settings) for target in self.targets}
        self._shared = SharedTarget.of(self.targets, self.plans, self.settings)
        self._by_node_id = {
            check.node_id(name): (name, check) for name, plan in self.plans.items() for check in plan.checks.values()
        }

    @classmethod
    def start(cls, options: Options, interrupts: Interrupts) -> Controller:
        """Load targets and waivers, and compute the plans; without targets, start the emulator of every dialect.

        Before the first request, an unfinished verdict is written for each target. Raises `LibraryReplaced`,
        `LedgerError`, `StorageError`, `LocksDoNotHold`, and `TargetError` (among other reasons, if the owner of a real
        account has not consented).
        """
        refuse_replaced()
        emulators = Emulators(options.reports / "targets")
        paths = options.targets or emulators.start()
        # The keys of the built-in emulator end with the run, so their ledger is kept in the reports folder only.
        state = None if options.targets else str(options.reports / "ledger")
        loaded = load_targets([Path(path) for path in paths])
        first = options.first
        if first.settings is not None:
            first.refuse_unknown(tuple(target.name for target in loaded))
        for target in loaded:
            # An error is raised before the first request if the ledger cannot be read or written.
            ledger = Ledger.of(target, None if state is None else Path(state))
            if options.asking:
                try_ledgers(ledger.path.parent)
                ledger.try_locks()
            ledger.records()
        accepted = load_waivers(options.waivers)
        dialects = {target.dialect for target in loaded}
        release = options.requirements
        frozen = {} if release is None else {name: load_frozen(release, name) for name in dialects}
        emptied = str(emptied_folder(options.reports))
        recordings = None if options.verdict_only else emptied
        further = dict(options.further)
        if further.get("workers", 1) > 1:
            # The order of exchanges of several workers is not known, so a recording of them could not be judged again.
            recordings, further["joint"] = None, new_joint_file(options.reports)
        settings = Settings(
            tuple(map(str, paths)),
            state,
            options.tier,
            options.seed,
            **further,
            recordings=recordings,
            cache=options.cache,
            first=first.settings,
            only=first.only,
        )
        settings.kept_examples.check()
        if settings.part is not None:
            settings.part.refuse_moving_clocks(loaded)
        # Without requests, no clock is moved; runs that only observe planted keys do not move it either.
        moving = options.asking and not settings.watch
        reach_of = run_reach(options.tier) if moving else None
        still = require_or_still(loaded, given=options.consent, mark=settings.mark, reach_of=reach_of)
        settings, only = replace(settings, still=tuple(still)), options.verdict_only
        begun = cls(settings, options.reports, emulators, tuple(loaded), accepted, frozen, only, interrupts)
        if options.asking:
            begin(options.reports, [begun.verdict_on(target, missed=UNFINISHED) for target in begun.targets])
        return begun

    @pytest.hookimpl(optionalhook=True, tryfirst=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> object:
        """The checks of one target share keys, so they go to one worker, regardless of `--dist`."""
        if self._shared is not None:
            return self._shared.scheduler(self._check_of, self.results_of)
        groups = groups_of(self.targets, self.settings.ledgers)
        return one_worker_per_group(config, log, lambda node_id: groups.get((self.place(node_id) or ("",))[0]))

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        number = 0 if self._shared is None else worker_number(node)
        node.workerinput["kms_conformance"] = asdict(replace(self.settings, worker=number))

    def _check_of(self, node_id: str) -> str | None:
        place = self.place(node_id)
        return None if place is None else place[1].id

    # --- results and verdicts -----------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:  # noqa: ANN401 - xdist has no types
        found = getattr(node, "workeroutput", {}).get("kms_found")
        if found is None:
            # The worker died before it sent its results.
            self._missing.add_event(f"Its worker process died: {last_line(error) or 'without a message'}.")
        else:
            self._take(found)

    def _take(self, found: Mapping[str, Any]) -> None:
        """Take over the output of a worker (see `Worker.found`)."""
        self.isolation |= found["isolation"]
        for name, given in found["belongings"].items():
            known = self.belongings.get(name)
            self.belongings[name] = given if known is None else join_belongings([known, given])
        for raw in found["stopped"]:
            self._keep(CheckResult.from_json(raw))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._missing.add_event(f"Collecting {report.nodeid or 'the suite'} failed: {last_line(report.longrepr)}")

    def pytest_internalerror(self, excrepr: object) -> None:
        self._missing.add_event(f"pytest or one of its plugins failed: {last_line(excrepr)}")

    # This hook runs first, so that pytest's own reports get our outcome.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        raw = getattr(report, "kms", None)
        if raw is not None:
            result = CheckResult.from_json(raw)
            self._keep(result)
            set_outcome(report, result, decides=result.outcome == "failed" and self._decides(result))
            return
        target, check = self.place(report.nodeid) or ("", None)
        if check is not None and not report.passed:
            self._missing.add_reason(target, check.id, reason_of(report))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        return outcome_words(report)

    def _keep(self, result: CheckResult) -> None:
        """Store a result. If another plugin runs the check again, the later result replaces any but a failed one."""
        kept = self.results.setdefault(result.target, {})
        known = kept.get(result.check)
        joined = None if self._shared is None else self._shared.joined(known, result)
        if joined is not None:
            kept[result.check] = joined
        elif known is None or known.outcome != "failed":
            kept.pop(result.check, None)
            kept[result.check] = result

    def _decides(self, result: CheckResult) -> bool:
        """Whether the failures of a check make its target nonconformant."""
        target = next(target for target in self.targets if target.name == result.target)
        return self.decided(target, [result]).result == "nonconformant"

    def place(self, node_id: str) -> tuple[str, SuiteCheck] | None:
        """The target and the planned check of a pytest item; None for other items."""
        return self._by_node_id.get(node_id.rpartition("/")[2])

    # This is the innermost wrapper. Pytest's terminal reporter is an outer wrapper, so it prints after the verdicts.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Decide and write the verdicts, also if other plugins fail at the end of the session."""
        try:
            return (yield)
        finally:
            self._finish(session)

    def pytest_report_header(self) -> str:
        """The names of the targets, for plain pytest."""
        names = ", ".join(target.name for target in self.targets)
        seed = f", seed {self.settings.seed}"
        return f"kms-conformance: {names}{seed}" + ("" if self.settings.state is None else " (no --target was given)")

    def _finish(self, session: pytest.Session) -> None:
        if session.config.getoption("collectonly", default=False):
            self.emulators.stop()
            return
        self.interrupts.checks_finished()
        worker = session.config.pluginmanager.get_plugin("kms-worker")
        if isinstance(worker, Worker):
            self._take(worker.found())
        if getattr(session.config.option, "numprocesses", None):
            with self.interrupts.cleaning_up():
                self._finish_for_workers()
        for why in (session.shouldfail, session.shouldstop):
            if why:
                self._missing.add_event(f"The run was stopped before this check: {why}.")
        if self.interrupts.first is not None or session.exitstatus == pytest.ExitCode.INTERRUPTED:
            self._missing.add_event("The run was interrupted before this check.")
        filters = filters_of(session.config, only=self.settings.only)
        self.verdicts = tuple(self.verdict_on(target, filters=filters) for target in self.targets)
        # A shard does not look for waivers that are out of date, because they may cover failures of other shards; the
        # command `merge` does.
        whole = self.settings.part is None
        wider = {name: plan.wider for name, plan in self.plans.items()}
        outlived = stale_waivers(self.waivers, self.verdicts, self.started.date(), wider) if whole else ()
        self.emulators.stop()
        decided = [(verdict, self.results_of(verdict.name)) for verdict in self.verdicts]
        from kms_conformance.report.store import NotWrittenError, write  # noqa: PLC0415 - once, at the end

        try:
            self.report = write(self.reports, decided, outlived, verdict_only=self.verdict_only)
        except NotWrittenError as error:
            self.report, self.unwritten = error.report, str(error)
            session.exitstatus = self.interrupts.exit_code or error.exit_code
            return
        self._keep_for_replay(filters)
        if self.settings.part is not None:
            self._write_shard(self.settings.part)
        results = session.config.getoption("--alluredir", None)
        if results is not None:
            allure.write_files(Path(results), self.targets, tier=self.settings.tier, seed=self.settings.seed)
        # The exit code is set last, so that the codes 0 and 1 imply a verdict on disk.
        session.exitstatus = self.interrupts.exit_code or self.report.exit_code

    def _keep_for_replay(self, filters: Mapping[str, str]) -> None:
        """Write what the commands `replay` and `certify` need besides the results."""
        if self.verdict_only:
            return
        files = [Path(path) if self.settings.state is None else None for path in self.settings.targets]
        write_replay_file(self.reports, dict(zip((target.name for target in self.targets), files, strict=True)))
        keep_recordings(
            self.reports,
            self.targets,
            {name: plan.declared_requirements() for name, plan in self.plans.items()},
            tier=self.settings.tier,
            seed=self.settings.seed,
            nights={name: getattr(self.settings, name) for name in ("plant", "watch", "rescue")},
            filters=filters,
        )

    def _write_shard(self, shard: Shard) -> None:
        """Write `shard.json`, the input of `merge` besides the results."""
        assert self.report is not None
        plans = tuple(
            ShardedPlan(target.name, target.auth.way, division, self.frozen.get(target.dialect))
            for target in self.targets
            if (division := self.plans[target.name].division) is not None
        )
        write_parts(self.reports, Parts.of_run(shard, self.report, plans, self.waivers, tuple(self.unscheduled_keys())))

    def _finish_for_workers(self) -> None:
        """Schedule keys for deletion that belong to workers which were stopped or died before they could do so."""
        for target in self.targets:
            ledger = Ledger.of(target, self.settings.ledgers)
            if not ledger.unfinished() and all(map(ledger.was_kept, ledger.burdened())):
                continue
            target_session = TargetSession(target, ledger, keys=0)
            try:
                target_session.open()
                target_session.pool.recover()
                target_session.pool.release()
            except Exception as error:  # noqa: BLE001 - any error is shown to the user, see `unscheduled_keys`
                said = error.reason if isinstance(error, Inconclusive) else f"{type(error).__name__}: {error}"
                self.trouble[target.name] = self.clean(said)
            finally:
                target_session.close()
        if self._shared is not None:
            self._shared.finish()

    def results_of(self, target: str) -> list[CheckResult]:
        """The results of a target's checks so far, in the order in which they ended."""
        return list(self.results.get(target, {}).values())

    def verdict_on(self, target: Target, *, missed: str = "", filters: Mapping[str, str] = NO_FILTERS) -> Verdict:
        """The verdict on a target so far; `missed` is the reason shown for missing checks without a known reason."""
        beside = Circumstances(
            {check: self.clean(why) for check, why in self._missing.of(target.name).items()},
            missed or self.clean(self._missing.why(filters)),
            filters,
            tuple(record.key or record.marker for record in Ledger.of(target, self.settings.ledgers).unfinished()),
        )
        verdict = self.decided(target, self.results_of(target.name), beside)
        name = target.name
        return replace(verdict, isolation=self.isolation.get(name), belongings=self.belongings.get(name))

    def decided(self, target: Target, results: Sequence[CheckResult], beside: Circumstances | None = None) -> Verdict:
        """The verdict on a target from the given results."""
        duration = time.monotonic() - self._clock
        run = Run(self.settings.tier, self.settings.seed, self.started, duration, self.settings.watch)
        planned = self.plans[target.name].declared_requirements()
        return decide(target, results, run, planned, self.waivers, self.frozen.get(target.dialect), beside)

    def clean(self, text: str) -> str:
        """The text without the secrets of the target files."""
        for target in self.targets:
            text = Redactor.of(target).text(text)
        return text

    def unscheduled_keys(self) -> Iterator[str]:
        """A line for each key that is not confirmed as scheduled for deletion, and for what was not given back.

        Each line has the reason and the command that finishes the job.
        """
        for target, path in zip(self.targets, self.settings.targets, strict=True):
            for record in Ledger.of(target, self.settings.ledgers).unfinished():
                reason = record.facts.get("reason") or self.trouble.get(target.name)
                why = f" ({reason.rstrip('.')})" if reason else ""
                yield (
                    f"{target.name}: {record.named} is not scheduled for deletion{why}. "
                    f"Schedule it with: kms-conformance sweep --target {shlex.quote(path)}"
                )
            for left in self.belongings.get(target.name, {}).get("left", ()):
                why = left["reason"].rstrip(".")
                yield (
                    f"{target.name}: the {left['kind']} of the key {left['key']} was not given back ({why}). "
                    f"Try again with: kms-conformance sweep --target {shlex.quote(path)}"
                )

    @pytest.hookimpl(optionalhook=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The result of each target and the path of the report, for plain pytest."""
        for verdict in self.verdicts:
            terminalreporter.write_line(printable(f"{verdict.name}: {verdict.result}"))
        for found in () if self.report is None else self.report.stale:
            terminalreporter.write_line(
                printable(f"waiver out of date: {found.waiver.requirement}: {found.why} {found.next}")
            )
        if self.report is not None:
            terminalreporter.write_line(printable(f"report: {self.reports / 'index.html'}"))
        for line in self.unscheduled_keys():
            terminalreporter.write_line(printable(line))
