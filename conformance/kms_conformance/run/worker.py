"""The worker of a session: makes one item per check and target, runs it, and attaches its result."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.catalogue.families import BEFORE_ADMISSION, BEFORE_LISTING
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.joint_limits import JointLimits
from kms_conformance.client.judge import Inconclusive, Judge, Judgement, Nonconformity
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import reach_of_run
from kms_conformance.core.signals import Interrupts
from kms_conformance.core.tier import EFFORTS
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.recording.storage import TargetRecording
from kms_conformance.report.allure import labels as allure
from kms_conformance.report.text.failure import render
from kms_conformance.run import events
from kms_conformance.run.check import CheckExecution, SuiteFault, run_check, without_secrets
from kms_conformance.run.first_checks import is_asked, place
from kms_conformance.run.parallel.assignment import Assignment
from kms_conformance.run.plan import Plan, assignment_of, plan_of
from kms_conformance.run.settings import Settings
from kms_conformance.suite.checks import SuiteCheck, operation_names
from kms_conformance.suite.draw_cache import chosen_cache
from kms_conformance.suite.scenario import Scenario
from kms_conformance.target import load_targets
from kms_conformance.verdict.results import CheckResult, failure_id

_CHECK = pytest.StashKey[CheckExecution]()
# Marks of checks that are not called again after an internal error: the clock is moved as far as the user was told.
_ONCE = ("clock", "planted", "wasteful")
# The most checks of a target that are called again in a run.
_MOST_REPEATED = 5


class Worker:
    """The pytest plugin that makes and runs the items of all targets."""

    def __init__(
        self,
        settings: Settings,
        target_sessions: Sequence[TargetSession] | None = None,
        interrupts: Interrupts | None = None,
    ) -> None:
        """Open a recorded session for each target, unless `target_sessions` are given.

        They are given only to judge a recorded run again.
        """
        self.settings = settings
        self.recordings: dict[str, TargetRecording] = {}
        found = tuple(self._recorded_sessions()) if target_sessions is None else tuple(target_sessions)
        self.targets = tuple(target_session.target for target_session in found)
        self.target_sessions = {target_session.target.name: target_session for target_session in found}
        self.plans: Mapping[str, Plan] = {target.name: plan_of(target, settings) for target in self.targets}
        self._cache, self._examples = chosen_cache(settings.cache), settings.kept_examples
        self._assignments: dict[str, Assignment] = {}
        for name, target_session in self.target_sessions.items():
            target_session.share = self.plans[name].keys
            if settings.worker:
                assignment = self._assignments[name] = assignment_of(self.plans[name], target_session.target, settings)
                target_session.share = assignment.keys[settings.worker - 1]
            if not target_session.target.disposable:
                # The keys of others that end by this were named before the run (`preflight/clock_moves.py`).
                target_session.clock_reach = reach_of_run(
                    Profile.load(target_session.target.dialect, target_session.target.profile), settings.tier
                )
            if name in settings.still:
                target_session.clock_reach = timedelta()
        self.isolation: dict[str, dict[str, Any]] = {}
        self.belongings: dict[str, Mapping[str, Any]] = {}
        self._allure = False
        self._interrupts = interrupts or Interrupts()
        self._running: CheckExecution | None = None
        self._stopped: list[CheckResult] = []
        self._repeated = Counter[str]()
        self._events = events.EventSpool(None if settings.events is None else Path(settings.events))

    def _recorded_sessions(self) -> Iterator[TargetSession]:
        settings = self.settings
        # Each shard has its own built-in emulator, so shards share no limits there.
        shared = settings.part if settings.state is None else None
        for given in load_targets([Path(path) for path in settings.targets]):
            target = given if shared is None else shared.paced(given)
            target_session = TargetSession(
                target, Ledger.of(target, settings.ledgers, settings.mark), EFFORTS[settings.tier].keys
            )
            if settings.joint is not None and settings.worker:
                target_session.joint = JointLimits(Path(settings.joint), settings.worker, settings.workers)
            if settings.recordings is not None:
                self.recordings[target.name] = TargetRecording(
                    Path(settings.recordings), target, target_session.ledger, settings.seed
                )
                target_session.world = self.recordings[target.name].world
            yield target_session

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._allure = session.config.getoption("--alluredir", None) is not None

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "kms" in metafunc.fixturenames:
            names = [target.name for target in self.targets]
            metafunc.parametrize("kms", names, indirect=True)
        each = metafunc.definition.get_closest_marker("of_each_operation")
        if each is not None:
            dialects = sorted({target.dialect for target in self.targets})
            operations = dict.fromkeys(name for dialect in dialects for name in operation_names(dialect))
            chosen = [name for name in operations if name not in each.kwargs["besides"]]
            marked = each.kwargs["marked"]
            metafunc.parametrize("operation", [pytest.param(name, marks=marked.get(name, ())) for name in chosen])

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the items of planned checks of this shard, and items of other tests; sort them by target and family."""
        kept = []
        for item in items:
            target = _target_of(item)
            if target is None:
                kept.append(item)
            elif (found := self._planned(item, target)) is not None:
                item.stash[_CHECK] = CheckExecution.of(found, target)
                kept.append(item)
        order = {target.name: number for number, target in enumerate(self.targets)}
        first = {name: self.settings.first_on(name) for name in order}
        kept.sort(key=lambda item: _position(item, order, first))
        items[:] = kept

    def _planned(self, item: pytest.Item, target: str) -> SuiteCheck | None:
        """The planned check of an item; None if the check is not in the plan of this run or shard."""
        callspec = getattr(item, "callspec")  # noqa: B009 - pytest's items have it where they are parametrised
        parameters = {name: value for name, value in callspec.params.items() if name != "kms"}
        function = getattr(item, "originalname", item.name)
        found = self.plans[target].find(item.path.stem.removeprefix("test_"), function, parameters)
        if found is None or not self.settings.only:
            return found
        return found if is_asked(found.family, found.id, self.settings.first_on(target)) else None

    def labels(self, item: pytest.Item) -> allure.Labels | None:
        """The Allure labels of an item."""
        check = check_of(item)
        if check is None:
            return None
        target_session = self.target_sessions[check.target]
        return allure.label(
            target=check.target,
            dialect=target_session.target.dialect,
            family=check.family,
            title=check.title,
            check=check.id,
            requirements=[
                target_session.catalogue[name] for name in sorted(check.declared & target_session.applicable)
            ],
        )

    def scenario(self, item: pytest.Item) -> Scenario:
        """The scenario of one check, with its own judge, on the session of its target."""
        check = item.stash[_CHECK]
        target_session = self.target_sessions[check.target]
        clean = target_session.client.exchange_log.redactor.text
        target_session.client.session.trace.begin(check.id)
        judge = Judge(
            target_session.catalogue,
            target_session.applicable,
            check.declared,
            lambda: target_session.client.exchange_log.count,
            clean=clean,
            take=target_session.client.start_findings().take,
            told=partial(self._tell, check),
        )
        check.open(target_session, judge)
        self._running = check
        target_session.checks_started.append(check.id)
        if self._events.folder is not None:
            self._events.add(events.check_started(check.target, check.id))
        if check.target in self._assignments:
            target_session.share_target(shared=self._assignments[check.target].shared(check.id))
        with without_secrets(clean):
            target_session.connect()
            if check.family not in BEFORE_LISTING:
                target_session.open()
            if check.family not in BEFORE_ADMISSION:
                target_session.require_state()
                if check.target in self._assignments and self._assignments[check.target].begins_alone(check.id):
                    target_session.use_alone()
        return Scenario(
            client=target_session.client,
            pool=target_session.pool,
            time=target_session.time,
            judge=judge,
            effort=EFFORTS[self.settings.tier],
            seed=self.settings.seed,
            others_before=target_session.others,
            others_since=target_session.others_since,
            plant=self.settings.plant,
            rescue=self.settings.rescue,
            sharded=self.settings.part is not None,
            cache=self._cache,
            examples=self._examples,
        )

    def _tell(self, check: CheckExecution, judgement: Judgement) -> None:
        if self._events.folder is not None:
            catalogue = self.target_sessions[check.target].catalogue
            self._events.add(events.judged(check.target, check.id, judgement, catalogue))

    def _tell_end(self, result: CheckResult) -> None:
        if self._events.folder is not None:
            self._events.add(events.check_ended(result))

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        check = check_of(pyfuncitem)
        if check is None:
            return (yield)
        try:
            return (yield from run_check(check, self._again(pyfuncitem, check.target)))
        except Nonconformity:
            raise Nonconformity(self._rendered(check)) from None

    def _again(self, item: pytest.Function, target: str) -> Callable[[], object] | None:
        """A call of a check's function once more; None if it moves the clock, uses up keys, or was often needed."""
        if self._repeated[target] >= _MOST_REPEATED or any(item.get_closest_marker(name) for name in _ONCE):
            return None

        def again() -> object:
            self._repeated[target] += 1
            arguments = inspect.signature(item.obj).parameters
            return item.obj(**{name: value for name, value in item.funcargs.items() if name in arguments})

        return again

    # This is the innermost wrapper, so that other plugins get reports without secrets.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        check = check_of(item)
        if check is not None and (call.when == "call" or (call.when == "setup" and call.excinfo is not None)):
            self._running = None
            result = check.result(call.excinfo, call.duration)
            self._tell_end(result)
            report.kms = result.to_json()  # type: ignore[attr-defined]
            if call.excinfo is not None and isinstance(call.excinfo.value, SuiteFault):
                report.longrepr = f"{call.excinfo.value}\n\n{call.excinfo.value.traceback_text}"
            elif call.excinfo is not None and isinstance(call.excinfo.value, (Nonconformity, Inconclusive)):
                # The traceback is left out, because it shows only code of the suite.
                report.longrepr = str(call.excinfo.value)
            if self._allure:
                allure.attach(result, self.target_sessions[check.target].catalogue)
        self._clean(report)
        return report

    def _rendered(self, check: CheckExecution) -> str:
        """The failed judgements of a check, as text for pytest, JUnit and Allure."""
        target_session = self.target_sessions[check.target]
        return "\n\n".join(
            render(
                failure,
                target_session.catalogue.requirements.get(failure.requirement),
                [record.as_json() for record in target_session.client.exchange_log.records(failure.exchanges)],
                name=failure_id(check.target, check.id, failure.requirement, failure.expected),
            )
            for failure in check.failures
        )

    def _clean(self, report: pytest.TestReport) -> None:
        """Remove secrets from pytest's report of a test: traceback, captured output, log."""
        clean = self._clean_text
        report.sections = [(name, clean(text)) for name, text in report.sections]
        if report.longrepr and not hasattr(report, "kms"):
            report.longrepr = clean(str(report.longrepr))

    def _clean_text(self, text: str) -> str:
        for target_session in self.target_sessions.values():
            if "client" in vars(target_session):
                text = target_session.client.exchange_log.redactor.text(text)
        return text

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Run the checks; after them, signals are only recorded.

        An interruption after the checks would lose results and leave keys unscheduled.
        """
        try:
            return (yield)
        finally:
            self._interrupts.checks_finished()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        self._interrupts.checks_finished()
        if self._running is not None:
            # The judgements of the interrupted check count; its other requirements stay without a judgement.
            self._stopped.append(self._running.interrupted())
            self._tell_end(self._stopped[-1])
        hurried = exitstatus == pytest.ExitCode.INTERRUPTED or self._interrupts.first is not None
        for name, target_session in self.target_sessions.items():
            if "client" not in vars(target_session):
                continue
            with self._interrupts.cleaning_up():
                target_session.end(hurried=hurried)
            if target_session.isolation is not None:
                self.isolation[name] = target_session.isolation.to_json()
            self.belongings[name] = target_session.belongings
        for name, recording in self.recordings.items():
            if self.target_sessions[name].checks_started:
                # If the recording cannot be written, the run is still valid, but no certificate can be made of it.
                with suppress(OSError):
                    recording.finish(self.target_sessions[name].checks_started, interrupted=hurried)
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["kms_found"] = self.found()

    def found(self) -> dict[str, Any]:
        """The output for the controller: isolation, belongings, and results of stopped checks; JSON types only."""
        return {
            "isolation": self.isolation,
            "belongings": self.belongings,
            "stopped": [result.to_json() for result in self._stopped],
        }

    @pytest.fixture
    def kms(self, request: pytest.FixtureRequest) -> Scenario:
        """The scenario of the check on its target."""
        return self.scenario(request.node)


def check_of(item: pytest.Item) -> CheckExecution | None:
    """The check of an item; None if the item is not a check of the suite."""
    return item.stash.get(_CHECK, None)


def _target_of(item: pytest.Item) -> str | None:
    """The target of an item; None for an item that is not a check of the suite."""
    callspec = getattr(item, "callspec", None)
    name = None if callspec is None else callspec.params.get("kms")
    return name if isinstance(name, str) else None


def _position(
    item: pytest.Item, order: Mapping[str, int], first: Mapping[str, frozenset[str]]
) -> tuple[int, tuple[int, int]]:
    check = check_of(item)
    if check is None:
        return (len(order), (0, 0))
    return (order[check.target], place(check.family, check.id, first[check.target]))
