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
    """One exchange: its number in the run; operation and status as text."""

    number: int
    asked: str


@dataclass(frozen=True)
class Trace:
    """One requirement in one check: the numbers of passed, productive and failed judgements.

    Productive judgements were made on a key in a state that the requirement is about. `declared`: whether the check
    declares the requirement; requirements on every exchange are judged by other checks as well. `exchanges`: the first
    that prove the requirement, or all that its failures cite.
    """

    requirement: str
    check: str
    declared: bool
    passed: int
    productive: int
    failed: int
    exchanges: tuple[TracedExchange, ...]


def traces(target: TargetReport) -> Iterator[Trace]:
    """One trace per requirement and check that judged it, in the order of the catalogue, then of the run."""
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
