"""A pytest session of the suite: the worker runs checks and attaches results, the controller decides the verdicts."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from conformance import reporting, suite
from conformance.bench import Bench
from conformance.catalogue.frozen import Frozen, load_frozen
from conformance.check import Check, SuiteFault, run_check, without_secrets
from conformance.consent import require
from conformance.division import Division
from conformance.durations import load as load_durations
from conformance.emulators import Emulators
from conformance.ending import Ending
from conformance.judge import Inconclusive, Judge, Nonconformity
from conformance.ledger import Ledger
from conformance.reporting import allure
from conformance.reporting.again import remember
from conformance.reporting.parts import Parts, Plan, write_parts
from conformance.reporting.recorded import keep
from conformance.results import CheckResult
from conformance.shard import Shard
from conformance.sharding import divide_items
from conformance.stale import STALE_WAIVER, stale
from conformance.suite import BEFORE_ADMISSION, FAMILIES
from conformance.suite.scenario import Scenario
from conformance.tape.reel import Reel
from conformance.tape.spool import emptied
from conformance.target import Target, TargetError, load_targets
from conformance.tier import EFFORTS, Tier
from conformance.verdict import EXIT_CODES, USAGE_ERROR, Run, Verdict, decide, worst_exit_code
from conformance.waivers import Waiver, load_waivers
from conformance.wire.redact import Redactor

_SUITE = Path(suite.__file__).resolve().parent
_CHECK = pytest.StashKey[Check]()


@dataclass(frozen=True)
class Settings:
    """What every worker of a run must know; only JSON types, so that it can travel."""

    targets: tuple[str, ...]
    state: str | None
    tier: Tier
    seed: int
    plant: bool = False
    watch: bool = False
    rescue: bool = False
    spool: str | None = None
    shard: str | None = None
    durations: str | None = None

    @property
    def part(self) -> Shard | None:
        """The shard that this run is; None for a whole one."""
        return None if self.shard is None else Shard.parse(self.shard)

    @property
    def mark(self) -> str:
        return "" if self.part is None else self.part.mark


class Worker:
    """Makes one item of each check and target, and runs it."""

    def __init__(self, settings: Settings, benches: Sequence[Bench] | None = None) -> None:
        """`benches` are those of a run that is judged again; others are made, and what they do is recorded."""
        self.settings = settings
        self.reels: dict[str, Reel] = {}
        found = tuple(self._recorded_benches()) if benches is None else tuple(benches)
        self.targets = tuple(bench.target for bench in found)
        self.benches = {bench.target.name: bench for bench in found}
        self.divisions: dict[str, Division] = {}
        self.refusal = ""
        self.planned: dict[str, dict[str, tuple[str, ...]]] = {target.name: {} for target in self.targets}
        self.left_behind: dict[str, tuple[str, ...]] = {}
        self.isolation: dict[str, dict[str, Any]] = {}
        self._allure = False
        self._ending = Ending()

    def _recorded_benches(self) -> Iterator[Bench]:
        settings = self.settings
        state = None if settings.state is None else Path(settings.state)
        # Shards of the built-in emulator have one each: there is nothing to share.
        shared = settings.part if settings.state is None else None
        for given in load_targets([Path(path) for path in settings.targets]):
            target = given if shared is None else shared.paced(given)
            bench = Bench(target, Ledger.of(target, state, settings.mark), EFFORTS[settings.tier].keys)
            if settings.spool is not None:
                self.reels[target.name] = Reel(Path(settings.spool), target, bench.ledger, settings.seed)
                bench.world = self.reels[target.name].world
            yield bench

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._allure = session.config.getoption("--alluredir", None) is not None
        self._ending.watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "kms" in metafunc.fixturenames:
            names = [target.name for target in self.targets]
            metafunc.parametrize("kms", names, indirect=True)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the checks that speak of their target at this tier, target by target, in the order of families."""
        kept = []
        for item in items:
            check = self._check(item)
            if check is None:
                kept.append(item)
            elif self._speaks_of(check) and self._is_asked(item, check.target):
                item.stash[_CHECK] = check
                item.add_marker(pytest.mark.xdist_group(check.target))
                self.planned[check.target][check.id] = tuple(sorted(check.declared))
                kept.append(item)
        order = [target.name for target in self.targets]
        kept.sort(key=lambda item: _position(item, order))
        items[:] = kept if self.settings.part is None else self._divided(kept, self.settings.part)

    def _divided(self, items: list[pytest.Item], shard: Shard) -> list[pytest.Item]:
        """The items of this shard; those of others stay planned, so that nothing passes that rests on them."""
        checks = [(item, check) for item in items if (check := check_of(item)) is not None]
        try:
            for name, bench in self.benches.items():
                seconds = load_durations(self.settings.durations, bench.target.dialect, self.settings.tier)
                self.divisions[name] = divide_items(
                    checks, bench, shard, seconds, shared=self.settings.state is None, plant=self.settings.plant
                )
                self.planned[name] = self.divisions[name].planned({shard.index})
        except TargetError as error:
            self.refusal = str(error)
            return []
        others = {id(item) for item, c in checks if self.divisions[c.target].where[c.id] != shard.index}
        return [item for item in items if id(item) not in others]

    def labels(self, item: pytest.Item) -> allure.Labels | None:
        """What Allure is told of an item."""
        check = item.stash.get(_CHECK, None)
        if check is None:
            return None
        bench = self.benches[check.target]
        return allure.label(
            target=check.target,
            dialect=bench.target.dialect,
            family=check.family,
            title=check.title,
            check=check.id,
            requirements=[bench.catalogue[name] for name in sorted(check.declared & bench.applicable)],
        )

    def check_of(self, item: pytest.Item) -> Check | None:
        """The check that an item of this run is; None for what is none, or is not asked."""
        return item.stash.get(_CHECK, None)

    def _speaks_of(self, check: Check) -> bool:
        """Whether the check judges something that applies to its target, and asks for nothing that it has not."""
        bench = self.benches[check.target]
        return bool(check.declared & bench.applicable) and all(name in bench.client.api for name in check.asked)

    def _is_asked(self, item: pytest.Item, name: str) -> bool:
        """Whether the tier, the target's offers and limits, and what the user wants of this run include a check."""
        target, settings = self.benches[name].target, self.settings
        if settings.watch or item.get_closest_marker("planted") is not None:
            # Where the clock can be moved, nights need not be waited for unless somebody asks for it.
            nights = target.time_control is None or settings.plant or settings.watch or settings.rescue
            return item.get_closest_marker("planted") is not None and nights
        if item.get_closest_marker("clock") is not None and target.time_control is None:
            return False
        wasteful = item.get_closest_marker("wasteful") is not None
        if wasteful and target.time_control is None and settings.tier != "nightly":
            return False
        needed = item.get_closest_marker("keys")
        if needed is not None and target.limits.max_keys < needed.args[0]:
            return False
        return settings.tier != "smoke" or item.get_closest_marker("standard") is None

    def _check(self, item: pytest.Item) -> Check | None:
        callspec = getattr(item, "callspec", None)
        if callspec is None or "kms" not in callspec.params:
            return None
        parameters = {name: value for name, value in callspec.params.items() if name != "kms"}
        return Check.of(item, callspec.params["kms"], callspec.id, parameters)

    def scenario(self, item: pytest.Item) -> Scenario:
        """The scenario for one check: its own judge at the bench of its target."""
        check = item.stash[_CHECK]
        bench = self.benches[check.target]
        clean = bench.client.recorder.redactor.text
        judge = Judge(
            bench.catalogue, bench.applicable, check.declared, lambda: bench.client.recorder.count, clean=clean
        )
        check.open(bench, judge)
        bench.opened.append(check.id)
        bench.client.judge = judge
        with without_secrets(clean):
            bench.enter()
            if check.family not in BEFORE_ADMISSION:
                bench.admit()
        return Scenario(
            client=bench.client,
            pool=bench.pool,
            time=bench.time,
            judge=judge,
            effort=EFFORTS[self.settings.tier],
            seed=self.settings.seed,
            others_at_entry=bench.others,
            plant=self.settings.plant,
            rescue=self.settings.rescue,
            divided=self.settings.part is not None,
        )

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        check = pyfuncitem.stash.get(_CHECK, None)
        if check is None:
            return (yield)
        return (yield from run_check(check))

    # Innermost: what other plugins attach of a report has lost its secrets.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        check = item.stash.get(_CHECK, None)
        if check is not None and (call.when == "call" or (call.when == "setup" and call.excinfo is not None)):
            result = check.result(call.excinfo, call.duration)
            report.kms = result.to_json()  # type: ignore[attr-defined]
            if call.excinfo is not None and isinstance(call.excinfo.value, SuiteFault):
                report.longrepr = f"{call.excinfo.value}\n\n{call.excinfo.value.told}"
            elif call.excinfo is not None and isinstance(call.excinfo.value, (Nonconformity, Inconclusive)):
                # Where in our code a judgement was passed tells nobody anything.
                report.longrepr = str(call.excinfo.value)
            if self._allure:
                allure.attach(result, self.benches[check.target].catalogue)
        self._clean(report)
        return report

    def _clean(self, report: pytest.TestReport) -> None:
        """Take secrets out of what pytest and its plugins show of a test: its traceback, what it printed or logged."""
        clean = self._clean_text
        report.sections = [(name, clean(text)) for name, text in report.sections]
        if report.longrepr and not hasattr(report, "kms"):
            report.longrepr = clean(str(report.longrepr))

    def _clean_text(self, text: str) -> str:
        for bench in self.benches.values():
            if "client" in vars(bench):
                text = bench.client.recorder.redactor.text(text)
        return text

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._ending.in_order()
        for name, bench in self.benches.items():
            if "client" in vars(bench):
                self.left_behind[name] = bench.leave(hurried=exitstatus == pytest.ExitCode.INTERRUPTED)
                if bench.isolation is not None:
                    self.isolation[name] = bench.isolation.to_json()
        self._ending.over()
        for name, reel in self.reels.items():
            if self.benches[name].opened:
                # Without its tape a run can be read, and not sealed.
                with suppress(OSError):
                    reel.finish(self.benches[name].opened, interrupted=exitstatus == pytest.ExitCode.INTERRUPTED)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["kms_left_behind"] = {name: list(keys) for name, keys in self.left_behind.items()}
            output["kms_isolation"] = self.isolation
            output["kms_refusal"] = self.refusal
            output["kms_divisions"] = {name: division.to_json() for name, division in self.divisions.items()}
            output["kms_planned"] = {
                name: {check: list(ids) for check, ids in plan.items()} for name, plan in self.planned.items()
            }

    @pytest.fixture
    def kms(self, request: pytest.FixtureRequest) -> Scenario:
        """The target, as a check speaks to it."""
        return self.scenario(request.node)


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
    left_behind: dict[str, tuple[str, ...]] = field(default_factory=dict)
    divisions: dict[str, Division] = field(default_factory=dict)
    refusal: str = ""
    verdicts: tuple[Verdict, ...] = ()
    report: reporting.Report | None = None
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
        output = getattr(node, "workeroutput", {})
        self.left_behind |= {name: tuple(keys) for name, keys in output.get("kms_left_behind", {}).items() if keys}
        self.isolation |= output.get("kms_isolation", {})
        self.refusal = output.get("kms_refusal", "") or self.refusal
        self.divisions |= {name: Division.from_json(raw) for name, raw in output.get("kms_divisions", {}).items()}
        for name, plan in output.get("kms_planned", {}).items():
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
            self.left_behind |= worker.left_behind
            self.isolation |= worker.isolation
            self.divisions |= worker.divisions
            self.refusal = self.refusal or worker.refusal
            for name, plan in worker.planned.items():
                self.planned.setdefault(name, {}).update(plan)
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
        self.report = reporting.write(self.reports, decided, outlived)
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
        state = None if self.settings.state is None else Path(self.settings.state)
        for target in self.targets:
            ledger = Ledger.of(target, state)
            if not ledger.unfinished():
                continue
            bench = Bench(target, ledger, keys=0)
            # What remains undone for whatever reason is named to the user, with the command that finishes it.
            with suppress(Exception):
                bench.enter()
                bench.pool.recover()
                bench.pool.release()
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
        """What is left to be done by the user: keys that are not known to be scheduled for deletion."""
        state = None if self.settings.state is None else Path(self.settings.state)
        for target, path in zip(self.targets, self.settings.targets, strict=True):
            for record in Ledger.of(target, state).unfinished():
                key = record.key or f"that may have been created with the description {record.marker}"
                yield (
                    f"{target.name}: the key {key} is not scheduled for deletion. "
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
    return argument in ("conformance.suite", "conformance/suite") or Path(argument).resolve() == _SUITE


def check_of(item: pytest.Item) -> Check | None:
    """The check that an item is; None for what is no check of a target of this run."""
    return item.stash.get(_CHECK, None)


def _position(item: pytest.Item, order: list[str]) -> tuple[int, int]:
    check = item.stash.get(_CHECK, None)
    if check is None:
        return (len(order), 0)
    return (order.index(check.target), FAMILIES.index(check.family))
