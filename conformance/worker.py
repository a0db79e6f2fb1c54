"""A worker of a session: makes one item of each check and target, runs it, and attaches what became of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conformance.bench import Bench
from conformance.check import Check, SuiteFault, run_check, without_secrets
from conformance.division import Division
from conformance.durations import load as load_durations
from conformance.ending import Ending
from conformance.fuzz.names import names_of
from conformance.judge import Inconclusive, Judge, Nonconformity
from conformance.ledger import Ledger
from conformance.reporting import allure
from conformance.shard import Shard
from conformance.sharding import divide_items
from conformance.suite import BEFORE_ADMISSION, BEFORE_THE_CENSUS, FAMILIES
from conformance.suite.scenario import Scenario
from conformance.tape.reel import Reel
from conformance.target import TargetError, load_targets
from conformance.tier import EFFORTS, Tier

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

    @property
    def ledgers(self) -> Path | None:
        """The folder of the ledgers; None for the user's own."""
        return None if self.state is None else Path(self.state)


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
        self.isolation: dict[str, dict[str, Any]] = {}
        self._allure = False
        self._ending = Ending()

    def _recorded_benches(self) -> Iterator[Bench]:
        settings = self.settings
        # Shards of the built-in emulator have one each: there is nothing to share.
        shared = settings.part if settings.state is None else None
        for given in load_targets([Path(path) for path in settings.targets]):
            target = given if shared is None else shared.paced(given)
            bench = Bench(target, Ledger.of(target, settings.ledgers, settings.mark), EFFORTS[settings.tier].keys)
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
        each = metafunc.definition.get_closest_marker("of_each_operation")
        if each is not None:
            dialects = sorted({target.dialect for target in self.targets})
            operations = dict.fromkeys(name for dialect in dialects for name in names_of(dialect))
            chosen = [name for name in operations if name not in each.kwargs["besides"]]
            marked = each.kwargs["marked"]
            metafunc.parametrize("operation", [pytest.param(name, marks=marked.get(name, ())) for name in chosen])

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
        check = check_of(item)
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
            bench.meet()
            if check.family not in BEFORE_THE_CENSUS:
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
        check = check_of(pyfuncitem)
        if check is None:
            return (yield)
        return (yield from run_check(check))

    # Innermost: what other plugins attach of a report has lost its secrets.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        check = check_of(item)
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
                bench.leave(hurried=exitstatus == pytest.ExitCode.INTERRUPTED)
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
            output["kms_found"] = self.found()

    def found(self) -> dict[str, Any]:
        """What the controller must know besides the results of checks; only JSON types, so that it can travel."""
        return {
            "isolation": self.isolation,
            "refusal": self.refusal,
            "divisions": {name: division.to_json() for name, division in self.divisions.items()},
            "planned": {name: {check: list(ids) for check, ids in plan.items()} for name, plan in self.planned.items()},
        }

    @pytest.fixture
    def kms(self, request: pytest.FixtureRequest) -> Scenario:
        """The target, as a check speaks to it."""
        return self.scenario(request.node)


def check_of(item: pytest.Item) -> Check | None:
    """The check that an item is; None for what is no check of a target of this run."""
    return item.stash.get(_CHECK, None)


def _position(item: pytest.Item, order: list[str]) -> tuple[int, int]:
    check = check_of(item)
    if check is None:
        return (len(order), 0)
    return (order.index(check.target), FAMILIES.index(check.family))
