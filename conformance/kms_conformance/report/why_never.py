"""Why a documented answer did not come: the requirements that demand it, their checks, and what came in its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.report.answers import CARRIED_OUT, LISTED, Came
from kms_conformance.report.explanation import conditions
from kms_conformance.suite.checks import SuiteCheck, all_checks

if TYPE_CHECKING:
    from kms_conformance.catalogue.requirements import Requirement
    from kms_conformance.report.answers import AnswersOfTarget, ContractCell
    from kms_conformance.report.model import TargetReport


@dataclass(frozen=True)
class Bringer:
    """A check that would bring an answer, the requirements that it declares, and what became of it in the run."""

    check: str
    requirements: tuple[str, ...]
    outcome: str


@dataclass(frozen=True)
class WhyNever:
    """Why no answer of a cell came.

    - `reason`: in one sentence.
    - `requirements`: those whose checks demand the answer.
    - `bringers`: these checks.
    - `instead`: the answers of the same operation that came in the same state of the key.
    """

    cell: ContractCell
    reason: str
    requirements: tuple[str, ...]
    bringers: tuple[Bringer, ...]
    instead: tuple[Came, ...]

    def to_json(self) -> dict[str, Any]:
        """The explanation in JSON types."""
        return {
            "operation": self.cell.operation,
            "state": self.cell.state,
            "refusal": self.cell.refusal,
            "answers": [answer._asdict() for answer in self.cell.answers],
            "reason": self.reason,
            "requirements": list(self.requirements),
            "checks": [{"check": each.check, "outcome": each.outcome} for each in self.bringers],
            "instead": [each.to_json() for each in self.instead],
        }


def why_never(cell: ContractCell, answers: AnswersOfTarget, report: TargetReport) -> WhyNever:
    """Explain why no answer of a cell came in the run of `report`."""
    dialect = report.verdict.dialect
    demanding = [each for each in Catalogue.load(dialect) if _demands(each, cell)]
    ids = tuple(each.id for each in demanding)
    bringers = tuple(
        Bringer(check.id, tuple(sorted(check.declared.intersection(ids))), _outcome(check, report))
        for check in all_checks(dialect)
        if check.declared.intersection(ids)
    )
    instead = tuple(
        each
        for each in answers.came
        if cell.state
        and (each.answer.operation, each.answer.state) == (cell.operation, cell.state)
        and answers.contract.depends_on_state(each.answer)
    )
    return WhyNever(cell, _reason(cell, demanding, bringers), ids, bringers, instead)


def _demands(requirement: Requirement, cell: ContractCell) -> bool:
    """Whether checks of a requirement demand the refusal of a cell, on a key in its state."""
    if cell.refusal in (CARRIED_OUT, LISTED):
        return False
    demanded = requirement.demands(cell.refusal, cell.name) if cell.name else cell.refusal in requirement.refusals
    return demanded and (not cell.state or cell.state in requirement.reached)


def _reason(cell: ContractCell, demanding: Sequence[Requirement], bringers: Sequence[Bringer]) -> str:
    if cell.refusal == LISTED:
        return "The documents list this code for the operation, and no requirement demands it."
    if cell.refusal == CARRIED_OUT:
        return f"No request of the run was carried out by this operation{_in(cell)}."
    if not demanding:
        return f"No requirement demands this refusal{_in(cell)}."
    if not bringers:
        return "No check demands it alone: random walks meet it, or do not."
    if all(each.outcome.startswith("did not run") for each in bringers):
        return "The checks that would bring it did not run."
    return "A check asked for it, and another answer came, or the check could not be finished."


def _in(cell: ContractCell) -> str:
    return f" on a key in the state {cell.state}" if cell.state else ""


def _outcome(check: SuiteCheck, report: TargetReport) -> str:
    ran = next((each for each in report.checks if each.check == check.id), None)
    if ran is not None:
        return f"{ran.outcome}: {ran.reason}" if ran.reason else ran.outcome
    unfinished = next((each for each in report.verdict.unfinished if each.check == check.id), None)
    if unfinished is not None:
        return f"did not run: {unfinished.why}"
    only = conditions(check)
    limits = f" (only {', '.join(only)})" if only else ""
    return f"did not run: it is not in the plan of this target at tier {report.verdict.tier}{limits}"


def matching(word: str, answers: AnswersOfTarget) -> Iterator[ContractCell]:
    """The cells whose code, status, operation or refusal is this word; upper and lower case count as equal."""
    wanted = word.strip().lower()
    for cell in answers.contract.cells:
        names = [cell.operation, cell.name, cell.refusal]
        names += [part for answer in cell.answers for part in (str(answer.status), answer.code, str(answer))]
        if wanted in (name.lower() for name in names):
            yield cell
