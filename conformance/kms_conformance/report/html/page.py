"""What the page of a run shows, worked out of its report: cards of failures, groups of open questions, rows."""

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
from kms_conformance.report.html.evidence import Budget, Proof, proofs
from kms_conformance.report.html.open_choices import Room, rooms
from kms_conformance.report.html.reproduce import Command, commands
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.text.failure import FailureView, explain
from kms_conformance.report.text.words import not_run_because, open_reason, sentence
from kms_conformance.report.trace import traces
from kms_conformance.target.own_profile import add_content
from kms_conformance.verdict.decide import specs_digest
from kms_conformance.verdict.model import LEVELS, VERDICTS, Counts, RequirementResult, RequirementVerdict, Verdict

if TYPE_CHECKING:
    from kms_conformance.verdict.results import CheckResult

# Enough for every documented reply but a page of keys.
_BODY_LIMIT = 6000


@dataclass(frozen=True)
class Elsewhere:
    """The same requirement failing in another check, or otherwise in the same one."""

    check: str
    expected: str
    received: str


@dataclass(frozen=True)
class Card:
    """One requirement that failed: the first failure in full, and where else it failed."""

    verdict: RequirementVerdict
    failure: FailureView
    check: CheckResult
    elsewhere: tuple[Elsewhere, ...]


@dataclass(frozen=True)
class OpenGroup:
    """Requirements that could not be judged for one reason; with `each`, every one tells more in its own."""

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
    """One requirement in the table of all: its verdict, what it says, what each check's judgements rest on, a proof."""

    verdict: RequirementVerdict
    requirement: Requirement | None
    titles: Mapping[str, str]
    evidence: Mapping[str, str]
    proof: Proof | None


@dataclass(frozen=True)
class Group:
    """The requirements of one prefix, and how many of them met with each verdict."""

    name: str
    rows: tuple[RequirementRow, ...]
    counts: Mapping[RequirementResult, int]


@dataclass(frozen=True)
class TargetPage:
    """One target on the page. `anchor` is unique on it; `brief` leaves out what passed, but for its mark."""

    anchor: str
    report: TargetReport
    proofs: Mapping[str, Proof]
    brief: bool = False

    @property
    def verdict(self) -> Verdict:
        return self.report.verdict

    @cached_property
    def catalogue(self) -> Catalogue | None:
        """The catalogue of the dialect; None for a dialect that this version does not have."""
        return Catalogue.load(self.verdict.dialect) if self.verdict.dialect in specs.dialects() else None

    @cached_property
    def profile(self) -> Profile | None:
        """The profile of the target; None for one that this version does not have."""
        if self.catalogue is None:
            return None
        dialect, name = self.verdict.dialect, self.verdict.profile
        if self.verdict.own_profile is not None:
            with suppress(ValueError):
                name = add_content(dialect, self.verdict.own_profile)
        return Profile.load(dialect, name) if specs.has_profile(dialect, name) else None

    @cached_property
    def same_specs(self) -> bool:
        """Whether statements and sources shown here are those that the run judged by."""
        return self.catalogue is not None and specs_digest(self.verdict.dialect) == self.verdict.specs_digest

    @property
    def sentence(self) -> str:
        return sentence(self.verdict)

    @cached_property
    def counts(self) -> Counts:
        return self.verdict.counts()

    @cached_property
    def totals(self) -> dict[RequirementResult, int]:
        """Requirements by verdict, whatever their level; verdicts that none met with are left out."""
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
        """What could not be judged, the reason with most requirements first, and last what was not tested."""
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
        """The checks of the plan that did not run to their end, by the reason."""
        return not_run_because(self.verdict)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """All requirements by the first word of their ids, in the order of the catalogue, those with few together."""
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
    def rooms(self) -> tuple[Room, ...]:
        return rooms(self.report, self.profile if self.same_specs else None)

    @cached_property
    def room_of(self) -> Mapping[str, Room]:
        return {room.requirement: room for room in self.rooms}

    @cached_property
    def not_applicable(self) -> Mapping[str, tuple[RequirementVerdict, ...]]:
        """Requirements that say nothing of this target, by the reason."""
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

    @property
    def errata(self) -> tuple[Erratum, ...]:
        return self.catalogue.errata if self.catalogue else ()

    def requirement(self, name: str) -> Requirement | None:
        """What the catalogue says of a requirement, if it has it."""
        return self.catalogue.requirements.get(name) if self.catalogue else None

    def _cards(self, verdict: RequirementResult) -> tuple[Card, ...]:
        return tuple(card for entry in self.verdict.with_verdict(verdict) for card in self._card(entry))

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


_NOT_RUN = "Checks that judge them did not run to the end."
_NOT_TESTED = "No exchange of the run allowed a judgement."
_RUN_ALL = "Run the whole suite: no -k, no -m, no --lf, and to its end."


def pages(report: Report) -> tuple[TargetPage, ...]:
    """The targets of a run as the page shows them, in the order of the run."""
    brief = sum(len(target.verdict.requirements) for target in report.targets) > _MANY
    budget = Budget(0) if brief else Budget()
    return tuple(_page(f"target-{number}", target, budget, brief) for number, target in enumerate(report.targets, 1))


def _page(anchor: str, target: TargetReport, budget: Budget, brief: bool) -> TargetPage:  # noqa: FBT001 - one caller
    return TargetPage(anchor, target, dict(proofs(target.checks, anchor, budget)), brief)


# Rows, of ten targets and more. Each that opens takes some 3 kB, and a page of 10 MB is slow to open.
_MANY = 1200


_OTHERS = "others"
_SMALL_GROUP = 3


def _prefix(entry: RequirementVerdict) -> str:
    return entry.id.partition(".")[0]


def _tally(rows: Iterable[RequirementRow]) -> dict[RequirementResult, int]:
    verdicts = [row.verdict.verdict for row in rows]
    return {verdict: verdicts.count(verdict) for verdict in VERDICTS if verdict in verdicts}
