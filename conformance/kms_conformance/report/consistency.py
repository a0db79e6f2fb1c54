"""Finds contradictions in a report: computes results and counts again from its parts, to find edited files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from kms_conformance.core import specs
from kms_conformance.verdict.decide import decide_result, is_confined

if TYPE_CHECKING:
    from kms_conformance.report.model import Report, TargetReport
    from kms_conformance.verdict.model import Verdict


def problems_of_verdict(verdict: Verdict) -> Iterator[str]:
    """The contradictions within one verdict, one sentence each."""
    yield from _doubled("requirement", (entry.id for entry in verdict.requirements))
    if not verdict.requirements:
        yield "It has no requirements."
    yield from _doubled("unfinished check", (found.check for found in verdict.unfinished))
    result = decide_result(
        verdict.requirements,
        unfinished=bool(verdict.unfinished) or is_confined(verdict.filters),
        keys_left=bool(verdict.keys_left),
    )
    if verdict.result != result:
        yield f"The result is {verdict.result}, but its requirements and checks make it {result}."
    own = verdict.own_profile
    if specs.is_own(verdict.profile) if own is None else verdict.profile != _reference(verdict.dialect, own):
        yield "The profile does not match `own_profile`."
    left_out = {found.check for found in verdict.unfinished}
    for entry in verdict.requirements:
        if entry.verdict == "passed" and not entry.productive:
            yield f"{entry.id} passed, but no judgement proves it."
        if not left_out.issuperset(entry.not_run):
            yield f"{entry.id} names unfinished checks that are not in the verdict's list of unfinished checks."
        if entry.waiting_until and entry.verdict != "inconclusive":
            yield f"{entry.id} is {entry.verdict}, but waits until {entry.waiting_until}."
        if entry.verdict in {"waived", "not_applicable"} and not entry.reason.strip():
            yield f"{entry.id} is {entry.verdict} without a reason."


def _reference(dialect: str, content: Mapping[str, Any]) -> str:
    return specs.OwnProfile(dialect, content).reference


def problems_of_report(report: Report) -> Iterator[str]:
    """The contradictions within the results of a run, one sentence each, with the name of the target."""
    yield from _doubled("target", (target.verdict.name for target in report.targets))
    for target in report.targets:
        for problem in (*problems_of_verdict(target.verdict), *_problems_of_checks(target)):
            yield f"{target.verdict.name}: {problem}"
        for name in ("tier", "seed", "suite_version"):
            if getattr(target.verdict, name) != getattr(report.run, name):
                yield f"{target.verdict.name}: Its {name.replace('_', ' ')} is not that of the other targets."


def _problems_of_checks(target: TargetReport) -> Iterator[str]:
    verdict, checks = target.verdict, target.checks
    yield from _doubled("check", (check.check for check in checks))
    for check in checks:
        if check.target != verdict.name:
            yield f"{check.check} belongs to another target, {check.target}."
        if (check.outcome == "failed") != bool(check.failures):
            yield f"{check.check} is {check.outcome}, with {len(check.failures)} failed judgements."
    for name, total in (
        ("requests", sum(check.requests for check in checks)),
        ("keys_created", sum(check.keys_created for check in checks)),
    ):
        if getattr(verdict, name) != total:
            yield f"The verdict counts {getattr(verdict, name)} {name.replace('_', ' ')}, its checks count {total}."
    yield from _problems_of_judgements(target)


def _problems_of_judgements(target: TargetReport) -> Iterator[str]:
    failed = Counter[str](failure.requirement for check in target.checks for failure in check.failures)
    judged = Counter(failed)
    for check in target.checks:
        judged.update(check.passes)
    productive = Counter[str]()
    for check in target.checks:
        productive.update(check.productive)
    there = {check.check for check in target.checks}
    known = {entry.id for entry in target.verdict.requirements}
    for name in sorted(set(judged) - known):
        yield f"A check judged {name}, which the verdict does not have."
    for entry in target.verdict.requirements:
        missing = sorted(set(entry.tests) - there)
        if missing:
            yield f"{entry.id} was judged by {', '.join(missing)}, but there is no result of these checks."
        if entry.judged != judged[entry.id]:
            yield f"{entry.id} was judged {entry.judged} times, but its checks have {judged[entry.id]} judgements."
        if entry.productive != productive[entry.id]:
            counts = f"{entry.productive} times, its checks {productive[entry.id]} times"
            yield f"{entry.id} was proved {counts}."
        if bool(failed[entry.id]) != (entry.verdict in {"failed", "waived"}) and entry.verdict != "not_applicable":
            yield f"{entry.id} is {entry.verdict}, with {failed[entry.id]} failed judgements."


def _doubled(kind: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"The {kind} {name} occurs {count} times."
