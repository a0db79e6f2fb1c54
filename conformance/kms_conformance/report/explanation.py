"""Explains one requirement: its clause, the accepted answers, its errata, checks and faults, and what a run saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.catalogue.requirements import Catalogue, Erratum, Requirement
from kms_conformance.core.errors import ExplainedMistake
from kms_conformance.core.spelling import did_you_mean, near
from kms_conformance.report.trace import Trace, traces
from kms_conformance.suite.checks import SuiteCheck, all_checks

if TYPE_CHECKING:
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.report.model import TargetReport
    from kms_conformance.verdict.model import RequirementVerdict

FaultTitles = Mapping[str, str]
"""The titles of deliberate faults, by name."""

_MOST_NEAR = 5
# Marks of checks that do not run in every run, and the words for them.
_CONDITIONS = {
    "standard": "tier standard and nightly",
    "clock": "targets with time_control",
    "planted": "runs that observe a planted key",
    "wasteful": "without time_control only at nightly",
}


@dataclass(frozen=True)
class AcceptedAnswers:
    """The answers that are accepted where the requirement demands a refusal.

    - `refusal`: its name in the profile; `operations`: the operations that must be refused so.
    - `or_accepted`: whether the request may also be carried out.
    - `reason`: why several answers are accepted; may be empty.
    """

    refusal: str
    operations: tuple[str, ...]
    answers: tuple[str, ...]
    or_accepted: bool
    reason: str


@dataclass(frozen=True)
class RunView:
    """What one run saw of a requirement at one target."""

    target: str
    started: str
    verdict: RequirementVerdict
    traces: tuple[Trace, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Explanation:
    """A requirement of one dialect, explained for one profile.

    - `faults`: the deliberate faults of the self-test for which the requirement must be reported as failed.
    - `runs`: what a run saw, for each of its targets of this dialect.
    """

    dialect: str
    profile: str
    requirement: Requirement
    accepted: tuple[AcceptedAnswers, ...]
    errata: tuple[Erratum, ...]
    checks: tuple[SuiteCheck, ...]
    faults: FaultTitles
    runs: tuple[RunView, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The explanation in JSON types."""
        requirement = self.requirement
        return {
            "id": requirement.id,
            "dialect": self.dialect,
            "profile": self.profile,
            "level": requirement.level,
            "statement": requirement.statement,
            "sources": [
                {
                    "publisher": source.document.publisher,
                    "document": source.document.title,
                    "section": source.section,
                    "row": source.row,
                    "url": source.document.url,
                }
                for source in requirement.sources
            ],
            "basis": requirement.tier,
            "reached": sorted(requirement.reached),
            "accepted": [
                vars(each) | {"operations": list(each.operations), "answers": list(each.answers)}
                for each in self.accepted
            ],
            "errata": [
                {"id": each.id, "question": each.question, "followed": each.followed, "reason": each.reason}
                for each in self.errata
            ],
            "checks": [{"id": check.id, "only": list(conditions(check))} for check in self.checks],
            "faults": dict(self.faults),
            "runs": [_run_json(run) for run in self.runs],
        }


def explained(
    requirement: Requirement, profile: Profile, faults: FaultTitles, targets: Sequence[TargetReport] = ()
) -> Explanation:
    """Explain a requirement of the dialect of `profile`; `targets` are the results of a run."""
    catalogue = Catalogue.load(profile.dialect)
    accepted = tuple(accepted_answers(requirement, profile))
    return Explanation(
        profile.dialect,
        profile.name,
        requirement,
        accepted,
        tuple(errata_of(requirement, profile, catalogue)),
        tuple(check for check in all_checks(profile.dialect) if requirement.id in check.declared),
        faults,
        tuple(
            run
            for target in targets
            if target.verdict.dialect == profile.dialect
            for run in _runs(requirement.id, target)
        ),
    )


def accepted_answers(requirement: Requirement, profile: Profile) -> Iterator[AcceptedAnswers]:
    """The answers that are accepted where a requirement demands refusals that the profile has."""
    for name, operations in requirement.refusals.items():
        if profile.has_refusal(name):
            found = profile.refusal(name)
            further = ("another code that means nothing else",) if found.any_code else ()
            answers = (*map(str, found.answers), *further)
            yield AcceptedAnswers(name, operations, answers, found.or_accepted, found.reason)


def errata_of(requirement: Requirement, profile: Profile, catalogue: Catalogue) -> Iterator[Erratum]:
    """The errata about a requirement, or about the accepted answers of its refusals."""
    entries = (profile.facts["refusals"][name] for name in requirement.refusals if profile.has_refusal(name))
    named = {entry.get("erratum") for entry in entries}
    return (each for each in catalogue.errata if requirement.id in each.requirements or each.id in named)


def conditions(check: SuiteCheck) -> tuple[str, ...]:
    """The runs to which a check is limited, in words; empty if it runs in every run."""
    return tuple(words for mark, words in _CONDITIONS.items() if check.mark(mark) is not None)


class UnknownRequirementError(ExplainedMistake):
    """No requirement has the name that the user gave."""

    def __init__(self, name: str, dialects: Sequence[str]) -> None:
        where = f" of {dialects[0]}" if len(dialects) == 1 else ""
        hint = did_you_mean(near_names(name, dialects), "`kms-conformance requirements` lists all of them.")
        super().__init__(f"No requirement{where} is called `{name}`.", "The catalogue has no such id.", hint)


def near_names(name: str, dialects: Sequence[str]) -> tuple[str, ...]:
    """At most five ids like this one: those that begin with it or contain it, then those with a similar spelling."""
    known = list(dict.fromkeys(each.id for dialect in dialects for each in Catalogue.load(dialect)))
    word = name.strip("*. ").lower()
    begin = [each for each in known if word and each.startswith(word)]
    within = [each for each in known if word and word in each]
    similar = near(word, known, _MOST_NEAR)
    return tuple(dict.fromkeys([*begin, *similar, *within]))[:_MOST_NEAR]


def _runs(name: str, target: TargetReport) -> Iterator[RunView]:
    entry = next((each for each in target.verdict.requirements if each.id == name), None)
    if entry is not None:
        ids = (
            check.failure_id(failure)
            for check in target.checks
            for failure in check.failures
            if failure.requirement == name
        )
        found = tuple(trace for trace in traces(target) if trace.requirement == name)
        yield RunView(target.verdict.name, target.verdict.started, entry, found, tuple(dict.fromkeys(ids)))


def _run_json(run: RunView) -> dict[str, Any]:
    return {
        "target": run.target,
        "started": run.started,
        "verdict": run.verdict.verdict,
        "reason": run.verdict.reason,
        "failures": list(run.failures),
        "checks": [
            {
                "check": trace.check,
                "passed": trace.passed,
                "failed": trace.failed,
                "exchanges": [each.number for each in trace.exchanges],
            }
            for trace in run.traces
        ],
    }
