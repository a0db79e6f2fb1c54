"""One check on one target: its declaration, its execution, and its result."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.client.judge import Inconclusive, Judge, Judgement, Lacking, Nonconformity, Stop, Undecided
from kms_conformance.core.text import shortened
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.suite.checks import SuiteCheck
from kms_conformance.verdict.results import CheckOutcome, CheckResult

# The number of innermost frames of a traceback that are kept; the outer frames belong to pytest and its plugins.
_MOST_FRAMES = 12
# The number of failed requirements that the reason of an unfinished check names.
_MOST_NAMED = 2


class SuiteFault(Inconclusive):
    """An error of the suite itself; `traceback_text` has no secrets and no values of variables."""

    def __init__(self, what: str, traceback_text: str) -> None:
        super().__init__(f"The suite itself failed: {what}", "Please report it with this report attached.")
        self.traceback_text = traceback_text


@dataclass
class CheckExecution:
    """The state of one check on one target.

    - `id`: the id of the check without the target, as in `CheckResult.check`.
    - `declared`: the ids of the requirements that the check judges.
    - `stopped`: true if the check function did not run to its end.
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
    def of(cls, planned: SuiteCheck, target: str) -> CheckExecution:
        """Build the state of a check of the plan."""
        return cls(planned.id, planned.family, planned.title, target, planned.declared)

    @property
    def failures(self) -> tuple[Judgement, ...]:
        """The failed judgements so far."""
        return () if self.judge is None else tuple(self.judge.failures)

    def open(self, target_session: TargetSession, judge: Judge) -> None:
        """Start the check in a target session; from now on, requests and new keys are counted for this check."""
        self.target_session, self.judge = target_session, judge
        self._before = (target_session.client.requests, target_session.pool.created)
        self._started = datetime.now(UTC)

    def result(self, excinfo: pytest.ExceptionInfo[BaseException] | None, seconds: float) -> CheckResult:
        """The result of the check. It is inconclusive if an exception ended the check without a failed judgement."""
        return self._result(None if excinfo is None else excinfo.value, seconds)

    def interrupted(self) -> CheckResult:
        """The result of a check that the user interrupts now."""
        since = 0.0 if self._started is None else (datetime.now(UTC) - self._started).total_seconds()
        return self._result(KeyboardInterrupt(), max(0.0, since))

    def _result(self, error: BaseException | None, seconds: float) -> CheckResult:
        target_session, judge = self.target_session, self.judge
        reason, hint = _reason(error)
        if target_session is None or judge is None:
            # The check was ended before its first request.
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
            # What ended the check was judged last.
            failed = list(dict.fromkeys(failure.requirement for failure in reversed(judge.failures)))
            more = f" and {len(failed) - _MOST_NAMED} more" if len(failed) > _MOST_NAMED else ""
            named = f"{', '.join(failed[:_MOST_NAMED])}{more}"
            reason = f"Not judged: the check ended early, because of what failed in it: {named}."
            if not self.stopped and (left := sorted(judge.unjudged & judge.left_open.keys())):
                reason, hint = (problem := judge.left_open[as_id(left[0])]).reason, problem.hint
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
            silences=dict(sorted(judge.observations.items())),
            asked=target_session.client.exchange_log.lines(cited.union(*evidence.values())),
            failures=tuple(judge.failures),
            inconclusive=tuple(sorted(judge.open if self.stopped or not _ended(error) else judge.unjudged)),
            reason=reason,
            hint=hint,
            exchanges=tuple(record.as_json() for record in target_session.client.exchange_log.records(shown)),
            requests=target_session.client.requests - self._before[0],
            keys_created=target_session.pool.created - self._before[1],
            started="" if self._started is None else self._started.isoformat(timespec="milliseconds"),
            ended=_ended(error),
            waiting_until=error.waiting_until if isinstance(error, Inconclusive) else "",
            lacking=isinstance(error, Lacking),
            refused={
                name: {refusal: tuple(sorted(operations)) for refusal, operations in sorted(found.items())}
                for name, found in sorted(judge.refused.items())
            },
            answers=target_session.client.answers_seen.take(),
        )


def run_check(check: CheckExecution, again: Callable[[], object] | None = None) -> Generator[None, object, object]:
    """Run the function of a check, and end the check by its judgements.

    A check passes only if it has judged every requirement that it declares. Raises `Nonconformity` if a judgement
    failed, `Inconclusive` if a prerequisite was missing, and `SuiteFault` if the function ended normally but left a
    declared requirement without a judgement.

    If an internal error of the target, after which nothing is known of a request, ended the function or a part of it,
    and no judgement failed, `again` calls the function once more.
    """
    judge = check.judge
    assert judge is not None
    outcome: object = None
    problem: Inconclusive | None = None
    try:
        with without_secrets(judge.clean):
            undecided: Undecided | None = None
            try:
                outcome = yield
            except Undecided as error:
                undecided = error
            if again is not None and not judge.failures and (undecided or _is_undecided(judge)):
                judge.left_open.clear()
                outcome = again()
            elif undecided is not None:
                raise undecided
    except Stop:
        problem = Inconclusive("The check ended early, because a prerequisite failed.")
    except Inconclusive as error:
        problem = error
    # This is also set after a failed judgement, because the remaining requirements of the check were not judged.
    check.stopped = problem is not None
    if judge.failures and not isinstance(problem, SuiteFault):
        raise Nonconformity(f"It failed: {', '.join(failure.requirement for failure in judge.failures)}.")
    if problem is not None:
        raise problem from None
    if judge.unjudged and judge.unjudged <= judge.left_open.keys():
        raise judge.left_open[as_id(min(judge.unjudged))] from None
    if judge.unjudged:
        # The check function has an error, or another plugin has replaced the function.
        raise SuiteFault(f"the check ended without judging {', '.join(sorted(judge.unjudged))}.", "")
    return outcome


def _is_undecided(judge: Judge) -> bool:
    """Whether a requirement was left open because of an internal error after which nothing is known of a request."""
    return any(isinstance(judge.left_open.get(as_id(name)), Undecided) for name in judge.unjudged)


@contextmanager
def without_secrets(clean: Callable[[str], str]) -> Iterator[None]:
    """Context manager: removes secrets from the text, traceback and causes of an exception that leaves the block."""
    try:
        yield
    except (Stop, Nonconformity):
        raise
    except SuiteFault:
        raise
    except Inconclusive as error:
        reason, hint = shortened(clean(error.reason)), shortened(clean(error.hint))
        kind = Lacking if isinstance(error, Lacking) else Inconclusive
        raise kind(reason, hint, error.waiting_until) from None
    except Exception as error:  # noqa: BLE001 - any other exception is a fault of the suite
        text = "".join(traceback.format_exception(error, limit=-_MOST_FRAMES))
        raise SuiteFault(shortened(clean(f"{type(error).__name__}: {error}")), clean(text)) from None


def _ended(error: BaseException | None) -> bool:
    """Whether a check ended normally, by a failed judgement or as inconclusive; false after any other exception.

    Other exceptions are faults of the suite and interruptions.
    """
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
