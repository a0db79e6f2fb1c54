"""The status of requirements and checks in JUnit and Allure: failure, error, or skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from kms_conformance.core.text import one_line
from kms_conformance.report.text.failure import render
from kms_conformance.report.text.words import open_reason

if TYPE_CHECKING:
    from kms_conformance.client.judge import Judgement
    from kms_conformance.report.html.page import TargetPage
    from kms_conformance.verdict.model import RequirementVerdict
    from kms_conformance.verdict.results import CheckResult

StatusKind = Literal["failure", "error", "skipped"]


@dataclass(frozen=True)
class Status:
    """A status that is not *passed*.

    - `type`: the level of the requirement, or `waived`; if no requirement causes the status, a word for the reason.
    - `text`: the explanation. Its first line is complete on its own, because some systems show only that line.
    """

    kind: StatusKind
    type: str
    text: str


def requirement_status(page: TargetPage, entry: RequirementVerdict) -> Status | None:
    """The status of a requirement; None if it passed.

    A MUST that failed is a failure, and a MUST that could not be judged is an error, because both make the exit code
    nonzero. All others (waived, SHOULD, MAY, not applicable) are skipped, with a text.
    """
    if entry.verdict == "passed":
        return None
    clause = _clause(page, entry)
    if entry.verdict in {"failed", "waived"}:
        found = next(((c, f) for c in page.report.checks for f in c.failures if f.requirement == entry.id), None)
        text = clause if found is None else f"{clause}\n\n{failure_text(page, *found)}"
        if entry.verdict == "waived":
            return Status("skipped", "waived", f"Waived: {one_line(entry.reason)} · {text}")
        return Status("failure" if _weighs(entry) else "skipped", entry.level, text)
    decides = _weighs(entry) and entry.verdict != "not_applicable"
    return Status("error" if decides else "skipped", entry.level, f"{one_line(open_reason(entry))}\n\n{clause}")


def check_status(page: TargetPage, check: CheckResult) -> Status | None:
    """The status of a check, from the requirements that it declares; None if it passed.

    Some requirements are judged on every exchange. They count here only if the check declares them; otherwise one wrong
    header would make every check a failure.
    """
    statuses = [status for name in check.declared if (status := _of_declared(page, check, name)) is not None]
    if not check.ended:
        # An unfinished check is an error even if no requirement is open, because the run cannot be conformant.
        statuses.append(Status("error", "unfinished", one_line(check.reason)))
    for kind in ("failure", "error", "skipped"):
        fitting = [status for status in statuses if status.kind == kind]
        if fitting:
            return Status(
                fitting[0].kind, fitting[0].type, "\n\n".join(dict.fromkeys(status.text for status in fitting))
            )
    return None


def undeclared_failures(page: TargetPage) -> tuple[RequirementVerdict, ...]:
    """Requirements that failed or are waived, and whose failures come only from checks that do not declare them."""
    blamed = {f.requirement for check in page.report.checks for f in check.failures if f.requirement in check.declared}
    return tuple(e for e in page.verdict.requirements if e.verdict in {"failed", "waived"} and e.id not in blamed)


def failure_text(page: TargetPage, check: CheckResult, failure: Judgement) -> str:
    """The explanation of one failure of a check, as text."""
    requirement = page.requirement(failure.requirement)
    return render(failure, requirement, check.exchanges, name=check.failure_id(failure))


def _of_declared(page: TargetPage, check: CheckResult, name: str) -> Status | None:
    entry = page.entries.get(name)
    if entry is None:
        return None
    failures = [failure for failure in check.failures if failure.requirement == name]
    if failures:
        waived = f"Waived: {one_line(entry.reason)} · " if entry.verdict == "waived" else ""
        text = "\n\n".join(
            [f"{waived}{_clause(page, entry)}", *(failure_text(page, check, failure) for failure in failures)]
        )
        decides = _weighs(entry) and entry.verdict == "failed"
        return Status("failure" if decides else "skipped", "waived" if waived else entry.level, text)
    if name not in check.inconclusive:
        return None
    said = "\n".join(filter(None, (one_line(check.reason) or "It could not be judged.", one_line(check.hint))))
    return Status("error" if _weighs(entry) else "skipped", entry.level, said)


def _weighs(entry: RequirementVerdict) -> bool:
    """Whether the exit code of the run depends on the requirement."""
    return entry.weight == "MUST"


def _clause(page: TargetPage, entry: RequirementVerdict) -> str:
    requirement = page.requirement(entry.id)
    said = one_line(requirement.statement) if requirement else "not in this version's catalogue"
    return f"{one_line(entry.id)} ({entry.level}): {said}"
