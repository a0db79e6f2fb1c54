"""The trace of a run (`traceability.json`): for each requirement, the checks and exchanges that judged it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.verdict.model import FORMAT

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport
    from kms_conformance.verdict.results import CheckResult


@dataclass(frozen=True)
class TracedExchange:
    """One exchange. `number`: its number in the run. `asked`: its operation and status, as text."""

    number: int
    asked: str


@dataclass(frozen=True)
class Trace:
    """The judgements of one requirement in one check.

    - `declared`: true if the check declares the requirement. Checks also judge requirements on every exchange, which
      they do not declare.
    - `passed`, `failed`: the numbers of passed and failed judgements.
    - `productive`: the number of passed judgements made after the check had read a key in a state that the requirement
      is about.
    - `exchanges`: all exchanges that the failures cite; without failures, the first that prove the requirement.
    """

    requirement: str
    check: str
    declared: bool
    passed: int
    productive: int
    failed: int
    exchanges: tuple[TracedExchange, ...]


def traces(target: TargetReport) -> Iterator[Trace]:
    """One trace for each pair of a requirement and a check that judged it.

    The traces follow the order of the catalogue; the traces of one requirement follow the order of the run.
    """
    judged: dict[str, list[CheckResult]] = {}
    for check in target.checks:
        for name in dict.fromkeys((*check.passes, *(failure.requirement for failure in check.failures))):
            judged.setdefault(name, []).append(check)
    for entry in target.verdict.requirements:
        yield from (_trace(entry.id, check) for check in judged.get(entry.id, ()))


def _trace(requirement: str, check: CheckResult) -> Trace:
    failures = [failure for failure in check.failures if failure.requirement == requirement]
    numbers = [number for failure in failures for number in failure.exchanges]
    numbers = numbers or list(check.evidence.get(requirement, ()))
    return Trace(
        requirement=requirement,
        check=check.check,
        declared=requirement in check.declared,
        passed=check.passes.get(requirement, 0),
        productive=check.productive.get(requirement, 0),
        failed=len(failures),
        exchanges=tuple(TracedExchange(n, check.asked.get(n, "not kept")) for n in dict.fromkeys(numbers)),
    )


def document(target: TargetReport) -> dict[str, Any]:
    """The content of a target's `traceability.json`, as `specs/schemas/traceability.schema.json` describes it."""
    verdicts = {entry.id: entry.verdict for entry in target.verdict.requirements}
    return {
        "format": FORMAT,
        "target": target.verdict.name,
        "dialect": target.verdict.dialect,
        "started": target.verdict.started,
        "rows": [_row(trace, verdicts[trace.requirement]) for trace in traces(target)],
        "not_judged": {
            entry.id: entry.verdict for entry in target.verdict.requirements if not entry.judged and not entry.tests
        },
    }


def _row(trace: Trace, verdict: str) -> dict[str, Any]:
    return vars(trace) | {"exchanges": [dict(vars(each)) for each in trace.exchanges], "verdict": verdict}
