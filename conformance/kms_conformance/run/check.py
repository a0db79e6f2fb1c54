"""One check at one target: what it declares, how it ends, and the result that comes of it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from kms_conformance.client.judge import Inconclusive, Judge, Judgement, Nonconformity, Stop
from kms_conformance.core.text import shortened
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite.checks import SuiteCheck
from kms_conformance.verdict.results import CheckOutcome, CheckResult

# Of a traceback, what is ours: below it stand pytest and its plugins.
_MOST_FRAMES = 12


class SuiteFault(Inconclusive):
    """The suite itself failed; `told` is the traceback, without secrets and without values of variables."""

    def __init__(self, what: str, told: str) -> None:
        super().__init__(f"The suite itself failed: {what}", "Please report it with this report attached.")
        self.told = told


@dataclass
class Check:
    """`id` names it without its target; `declared` are the requirements that it judges.

    `stopped` says that it did not come to its end, for whatever reason.
    """

    id: str
    family: str
    title: str
    target: str
    declared: frozenset[str]
    target_session: TargetSession | None = None
    judge: Judge | None = None
    stopped: bool = False
    _before: tuple[int, int] = field(default=(0, 0))
    _started: datetime | None = None

    @classmethod
    def of(cls, planned: SuiteCheck, target: str) -> Check:
        """A check of a plan, at one target."""
        return cls(planned.id, planned.family, planned.title, target, planned.declared)

    @property
    def failures(self) -> tuple[Judgement, ...]:
        """The failed judgements so far."""
        return () if self.judge is None else tuple(self.judge.failures)

    def open(self, target_session: TargetSession, judge: Judge) -> None:
        """Begin in a target session; what is sent from now on counts for this check."""
        self.target_session, self.judge = target_session, judge
        self._before = (target_session.client.requests, target_session.pool.created)
        self._started = datetime.now(UTC)

    def result(self, excinfo: pytest.ExceptionInfo[BaseException] | None, seconds: float) -> CheckResult:
        """What became of it; an exception that is no judgement is the harness's fault, and inconclusive."""
        return self._result(None if excinfo is None else excinfo.value, seconds)

    def cut_short(self) -> CheckResult:
        """What had become of it when the run was interrupted."""
        since = 0.0 if self._started is None else (datetime.now(UTC) - self._started).total_seconds()
        return self._result(KeyboardInterrupt(), max(0.0, since))

    def _result(self, error: BaseException | None, seconds: float) -> CheckResult:
        target_session, judge = self.target_session, self.judge
        reason, hint = _reason(error)
        if target_session is None or judge is None:
            # It was ended before it met its target.
            declared = tuple(sorted(self.declared))
            return CheckResult(
                target=self.target,
                family=self.family,
                check=self.id,
                title=self.title,
                outcome="inconclusive",
                seconds=round(seconds, 4),
                declared=declared,
                inconclusive=declared,
                reason=reason,
                hint=hint,
                ended=False,
            )
        outcome: CheckOutcome = "failed" if judge.failures else "passed" if error is None else "inconclusive"
        cited = {number for failure in judge.failures for number in failure.exchanges}
        evidence = {name: tuple(passes.exchanges) for name, passes in judge.passes.items() if passes.exchanges}
        shown = cited.union(numbers[0] for name, numbers in evidence.items() if name in self.declared)
        if isinstance(error, Nonconformity) and (self.stopped or judge.unjudged):
            reason = "The check that judges it ended early: what it builds on was judged failed."
        return CheckResult(
            target=self.target,
            family=self.family,
            check=self.id,
            title=self.title,
            outcome=outcome,
            seconds=round(seconds, 4),
            declared=tuple(sorted(self.declared & judge.applicable)),
            passes={name: passes.count for name, passes in judge.passes.items()},
            productive={name: passes.productive for name, passes in judge.passes.items()},
            evidence=evidence,
            observed={name: tuple(sorted(answers)) for name, answers in sorted(judge.observed.items())},
            refusals=dict(sorted(judge.refusals.items())),
            silences=dict(sorted(judge.silences.items())),
            asked=target_session.client.recorder.lines(cited.union(*evidence.values())),
            failures=tuple(judge.failures),
            inconclusive=tuple(sorted(judge.open if self.stopped or not _ended(error) else judge.unjudged)),
            reason=reason,
            hint=hint,
            exchanges=tuple(record.as_json() for record in target_session.client.recorder.records(shown)),
            requests=target_session.client.requests - self._before[0],
            keys_created=target_session.pool.created - self._before[1],
            started="" if self._started is None else self._started.isoformat(timespec="milliseconds"),
            ended=_ended(error),
            waiting_until=error.waiting_until if isinstance(error, Inconclusive) else "",
        )


def run_check(check: Check) -> Generator[None, object, object]:
    """Run the check's function, and end it by what was judged: silence is not a pass."""
    judge = check.judge
    assert judge is not None
    outcome: object = None
    problem: Inconclusive | None = None
    try:
        with without_secrets(judge.clean):
            outcome = yield
    except Stop:
        problem = Inconclusive("The check ended early: what it builds on was judged failed.")
    except Inconclusive as error:
        problem = error
    # Also where it has failed: what it had still to judge, it has not.
    check.stopped = problem is not None
    if judge.failures and not isinstance(problem, SuiteFault):
        raise Nonconformity(f"It failed: {', '.join(failure.requirement for failure in judge.failures)}.")
    if problem is not None:
        raise problem from None
    if judge.unjudged:
        # Nothing befell it and nothing was found: the check is wrong, or another plugin has taken its place.
        raise SuiteFault(f"the check ended without judging {', '.join(sorted(judge.unjudged))}.", "")
    return outcome


@contextmanager
def without_secrets(clean: Callable[[str], str]) -> Iterator[None]:
    """Whatever is raised within leaves as an exception whose text, traceback and causes hold no secret."""
    try:
        yield
    except (Stop, Nonconformity):
        raise
    except SuiteFault:
        raise
    except Inconclusive as error:
        reason, hint = shortened(clean(error.reason)), shortened(clean(error.hint))
        raise Inconclusive(reason, hint, error.waiting_until) from None
    except Exception as error:  # noqa: BLE001 - a fault of ours, told with its traceback
        told = "".join(traceback.format_exception(error, limit=-_MOST_FRAMES))
        raise SuiteFault(shortened(clean(f"{type(error).__name__}: {error}")), clean(told)) from None


def _ended(error: BaseException | None) -> bool:
    """Whether a check ended by its own judgement, and not by something that befell it."""
    return error is None or (isinstance(error, (Nonconformity, Inconclusive)) and not isinstance(error, SuiteFault))


def _reason(error: BaseException | None) -> tuple[str, str]:
    if error is None or isinstance(error, Nonconformity):
        return "", ""
    if isinstance(error, Inconclusive):
        return error.reason, error.hint
    if isinstance(error, (pytest.skip.Exception, pytest.xfail.Exception)):
        return f"Another pytest plugin skipped it: {error}.", "Run without that plugin: -p no:NAME."
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        return "The run was interrupted during this check.", "Run again."
    return f"The suite itself failed: {type(error).__name__}.", "Please report it with this report attached."
