"""What a run left red: checks that did not pass, and MUST requirements that failed or could not be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport
    from kms_conformance.verdict.model import RequirementVerdict


def checks_not_passed(target: TargetReport) -> tuple[str, ...]:
    """The ids of the checks that failed, were inconclusive, or did not run to their end, in the order of the run.

    Left out is what asking again cannot change: a check of what the target lacks, and one that waits for the date of a
    planted key. Checks that options left out were not asked, so nothing is known of them.
    """
    return tuple(dict.fromkeys(_not_passed(target)))


def _not_passed(target: TargetReport) -> Iterator[str]:
    for check in target.checks:
        if check.outcome != "passed" and not (
            check.outcome == "inconclusive" and (check.lacking or check.waiting_until)
        ):
            yield check.check
    if not target.verdict.filters:
        yield from (found.check for found in target.verdict.unfinished)


def red_requirements(target: TargetReport) -> frozenset[str]:
    """The ids of the MUST requirements that failed, or that checks of this run left open.

    Requirements that are waived or wait for a date are not red. Of a run that options confine, only requirements count
    that one of its checks found failed or left open.
    """
    verdict = target.verdict
    red = frozenset(entry.id for entry in verdict.requirements if _is_red(entry))
    return red & frozenset(_touched(target)) if verdict.filters else red


def _is_red(entry: RequirementVerdict) -> bool:
    is_open = entry.verdict == "inconclusive" and not entry.waiting_until
    return entry.weight == "MUST" and (entry.verdict == "failed" or is_open)


def _touched(target: TargetReport) -> Iterator[str]:
    """The requirements that a check of this run found failed or left open."""
    for check in target.checks:
        yield from (failure.requirement for failure in check.failures)
        yield from check.inconclusive
        yield from () if check.ended else check.declared
