"""Computes the values on the page of a run from its report: failures, unjudged requirements, rows, open choices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue, Erratum, Requirement, Source
from kms_conformance.core import specs
from kms_conformance.report.answers import AnswersOfTarget
from kms_conformance.report.documents import CitedDocument, age, cited_documents
from kms_conformance.report.explanation import AcceptedAnswers, accepted_answers, errata_of
from kms_conformance.report.html.evidence import Budget, Proof, proofs
from kms_conformance.report.html.open_choices import OpenChoice, open_choices
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.reproduce import Command, commands
from kms_conformance.report.text.failure import FailureView, explain
from kms_conformance.report.text.others import OtherKeys
from kms_conformance.report.text.words import not_run_because, open_reason, sentence
from kms_conformance.report.trace import traces
from kms_conformance.target.own_profile import add_content
from kms_conformance.verdict.decide import specs_digest
from kms_conformance.verdict.model import LEVELS, VERDICTS, Counts, RequirementResult, RequirementVerdict, Verdict

if TYPE_CHECKING:
    from kms_conformance.verdict.results import CheckResult

# The number of characters that are shown of a body: enough for every documented reply except lists of keys.
_BODY_LIMIT = 6000


@dataclass(frozen=True)
class Elsewhere:
    """A further failure of the same requirement, in another check or in the same one."""

    check: str
    expected: str
    received: str


@dataclass(frozen=True)
class Card:
    """One requirement that failed: its first failure in full, and its further failures."""

    verdict: RequirementVerdict
    failure: FailureView
    check: CheckResult
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True)
class OpenGroup:
    """Requirements that could not be judged for the same reason. With `each`, the page also shows a reason for each."""

    verdict: RequirementResult
    reason: str
    hint: str
    requirements: tuple[RequirementVerdict, ...]
    each: bool = False

    @property
    def size(self) -> int:
        return len(self.requirements)


@dataclass(frozen=True)
class RequirementRow:
    """One requirement in the table of all requirements.

    - `titles`: the titles of all checks, by id.
    - `evidence`: by check, the exchanges behind its judgements of this requirement, as text.
    - `proof`: one exchange that proves the requirement; None if there is none or the page has no room.
    """

    verdict: RequirementVerdict
    requirement: Requirement | None
    titles: Mapping[str, str]
    evidence: Mapping[str, str]
    proof: Proof | None


@dataclass(frozen=True)
class Group:
    """The requirements whose ids have one prefix, and their number by verdict."""

    name: str
    rows: tuple[RequirementRow, ...]
    counts: Mapping[RequirementResult, int]


@dataclass(frozen=True)
class TargetPage:
    """The part of the page for one target.

    - `anchor`: the HTML id of the part, unique on the page.
    - `report`: the results of the target.
    - `proofs`: by requirement, one exchange that proves it.
    - `brief`: true if passed requirements are shown as symbols only.
    """

    anchor: str
    report: TargetReport
    proofs: Mapping[str, Proof]
    brief: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.report.verdict

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The catalogue of the dialect; None if this version does not know the dialect."""
        return Catalogue.load(self.verdict.dialect) if self.verdict.dialect in specs.dialects() else None

    @cached_property
    def profile(self) -> Profile | None:
        """The profile of the target; None if this version does not know the profile."""
        if self.catalogue is None:
            return None
        dialect, name = self.verdict.dialect, self.verdict.profile
        if self.verdict.own_profile is not None:
            with suppress(ValueError):
                name = add_content(dialect, self.verdict.own_profile)
        return Profile.load(dialect, name) if specs.has_profile(dialect, name) else None

    @cached_property
    def answers(self) -> AnswersOfTarget | None:
        """The documented answers and those that came; None if the run noted none, or used other specs."""
        noted = any(check.answers for check in self.report.checks)
        known = noted and self.same_specs and self.profile is not None
        return AnswersOfTarget.of(self.report, self.profile) if known and self.profile is not None else None

    @cached_property
    def same_specs(self) -> bool:
        """Whether the run judged by the specs of this version, whose statements and sources the page shows."""
        return self.catalogue is not None and specs_digest(self.verdict.dialect) == self.verdict.specs_digest

    @property
    def sentence(self) -> str:
        return sentence(self.verdict)

    @cached_property
    def counts(self) -> Counts:
        return self.verdict.counts()

    @cached_property
    def totals(self) -> dict[RequirementResult, int]:
        """The number of requirements by verdict, over all levels; verdicts without requirements are left out."""
        sums = {verdict: sum(self.counts[level][verdict] for level in LEVELS) for verdict in VERDICTS}
        return {verdict: number for verdict, number in sums.items() if number}

    @cached_property
    def failed(self) -> tuple[Card, ...]:
        return self._cards("failed")

    @cached_property
    def waived(self) -> tuple[Card, ...]:
        return self._cards("waived")

    @cached_property
    def open(self) -> tuple[OpenGroup, ...]:
        """Requirements that could not be judged, by reason: most frequent reason first, `not tested` last."""
        by_reason: dict[str, list[RequirementVerdict]] = {}
        unclear = self.verdict.with_verdict("inconclusive")
        for entry in unclear:
            if entry.not_run:
                continue
            by_reason.setdefault(open_reason(entry), []).append(entry)
        hints = {check.reason: check.hint for check in reversed(self.report.checks) if check.reason}
        groups = [
            OpenGroup("inconclusive", reason, hints.get(reason, ""), tuple(entries))
            for reason, entries in sorted(by_reason.items(), key=lambda item: -len(item[1]))
        ]
        not_run = tuple(entry for entry in unclear if entry.not_run)
        groups += [OpenGroup("inconclusive", _NOT_RUN, _RUN_ALL, not_run, each=True)] if not_run else []
        not_tested = self.verdict.with_verdict("not_tested")
        groups += [OpenGroup("not_tested", _NOT_TESTED, "", not_tested, each=True)] if not_tested else []
        return tuple(groups)

    @cached_property
    def not_run(self) -> Mapping[str, tuple[str, ...]]:
        """The checks in the plan that did not run to their end, by reason."""
        return not_run_because(self.verdict)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All requirements by id prefix, in the order of the catalogue; small groups are merged into one last group."""
        titles = {check.check: check.title for check in self.report.checks}
        evidence: dict[str, dict[str, str]] = {}
        for found in traces(self.report):
            shown = ", ".join(f"{exchange.asked} (no. {exchange.number})" for exchange in found.exchanges)
            evidence.setdefault(found.requirement, {})[found.check] = shown
        sizes = Counter(_prefix(entry) for entry in self.verdict.requirements)
        rows: dict[str, list[RequirementRow]] = {}
        for entry in sorted(self.verdict.requirements, key=lambda entry: sizes[_prefix(entry)] < _SMALL_GROUP):
            name = _prefix(entry) if sizes[_prefix(entry)] >= _SMALL_GROUP else _OTHERS
            row = RequirementRow(
                entry, self.requirement(entry.id), titles, evidence.get(entry.id, {}), self.proofs.get(entry.id)
            )
            rows.setdefault(name, []).append(row)
        return tuple(Group(name, tuple(members), _tally(members)) for name, members in rows.items())

    @cached_property
    def entries(self) -> Mapping[str, RequirementVerdict]:
        return {entry.id: entry for entry in self.verdict.requirements}

    @cached_property
    def open_choices(self) -> tuple[OpenChoice, ...]:
        return open_choices(self.report, self.profile if self.same_specs else None)

    @cached_property
    def choice_of(self) -> Mapping[str, OpenChoice]:
        return {choice.requirement: choice for choice in self.open_choices}

    @cached_property
    def not_applicable(self) -> Mapping[str, tuple[RequirementVerdict, ...]]:
        """Requirements that do not apply to this target, by reason."""
        found: dict[str, tuple[RequirementVerdict, ...]] = {}
        for entry in self.verdict.with_verdict("not_applicable"):
            found[entry.reason] = (*found.get(entry.reason, ()), entry)
        return found

    @property
    def exclusions(self) -> tuple[tuple[Source, str], ...]:
        return self.catalogue.exclusions if self.catalogue else ()

    @property
    def commands(self) -> tuple[Command, ...]:
        return commands(self.report)

    @cached_property
    def other_keys(self) -> OtherKeys | None:
        """The comparison of the keys of others, in sentences."""
        return OtherKeys.of(self.verdict.isolation)

    @cached_property
    def documents(self) -> tuple[CitedDocument, ...]:
        """The cited documents, the oldest first; none if the run used other specs than this version."""
        return cited_documents(self.verdict, self.catalogue) if self.catalogue and self.same_specs else ()

    @property
    def evidence_age(self) -> str:
        """How old the cited documents are, in one sentence."""
        return age(self.documents)

    @property
    def errata(self) -> tuple[Erratum, ...]:
        return self.catalogue.errata if self.catalogue else ()

    def accepted(self, requirement: Requirement | None) -> tuple[AcceptedAnswers, ...]:
        """The answers that are accepted where a requirement demands refusals; none if the run used other specs."""
        if requirement is None or self.profile is None or not self.same_specs:
            return ()
        return tuple(accepted_answers(requirement, self.profile))

    def errata_of(self, requirement: Requirement | None) -> tuple[Erratum, ...]:
        """The errata about a requirement; none if the run used other specs."""
        if requirement is None or self.profile is None or self.catalogue is None or not self.same_specs:
            return ()
        return tuple(errata_of(requirement, self.profile, self.catalogue))

    def requirement(self, name: str) -> Requirement | None:
        """The requirement with this id in the catalogue; None if there is none."""
        return self.catalogue.requirements.get(name) if self.catalogue else None

    def _cards(self, verdict: RequirementResult) -> tuple[Card, ...]:
        return tuple(card for entry in self.report.causes_first(verdict) for card in self._card(entry))

    def _card(self, entry: RequirementVerdict) -> Iterable[Card]:
        found = [
            (check, failure)
            for check in self.report.checks
            for failure in check.failures
            if failure.requirement == entry.id
        ]
        for check, failure in found[:1]:
            explained = explain(
                failure,
                self.requirement(entry.id),
                check.exchanges,
                body_limit=_BODY_LIMIT,
                name=check.failure_id(failure),
            )
            elsewhere = tuple(Elsewhere(other.check, f.expected, f.received) for other, f in found[1:])
            yield Card(entry, explained, check, elsewhere)


_NOT_RUN = "Checks of these requirements did not run to the end."
_NOT_TESTED = "Not tested: no exchange of the run allowed a judgement."
_RUN_ALL = "Run the whole suite to its end, without -k, -m, --lf and --only."


def pages(report: Report) -> tuple[TargetPage, ...]:
    """The pages of all targets, in the order of the run."""
    brief = sum(len(target.verdict.requirements) for target in report.targets) > _MANY
    budget = Budget(0) if brief else Budget()
    return tuple(_page(f"target-{number}", target, budget, brief) for number, target in enumerate(report.targets, 1))


def _page(anchor: str, target: TargetReport, budget: Budget, brief: bool) -> TargetPage:  # noqa: FBT001 - one caller
    return TargetPage(anchor, target, dict(proofs(target.checks, anchor, budget)), brief)


# With more requirements than this (those of ten targets), pages are brief: a row with a proof takes some 3 kB, and a
# page of 10 MB opens slowly.
_MANY = 1200


_OTHERS = "others"
_SMALL_GROUP = 3


def _prefix(entry: RequirementVerdict) -> str:
    return entry.id.partition(".")[0]


def _tally(rows: Iterable[RequirementRow]) -> dict[RequirementResult, int]:
    verdicts = [row.verdict.verdict for row in rows]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
