"""What stands against a requirement, and against a check, for systems that know green, red, yellow and grey."""

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

Sign = Literal["failure", "error", "skipped"]


@dataclass(frozen=True)
class Mark:
    """The first line of `text` says it all, for systems that show no more; `type` is a level, or `waived`."""

    sign: Sign
    type: str
    text: str


def of_requirement(page: TargetPage, entry: RequirementVerdict) -> Mark | None:
    """What stands against a requirement; None if it passed.

    It is a failure where a MUST does not hold, and an error where one could not be judged: both end the run with a code
    that is not 0. What is waived, and what concerns a SHOULD or a MAY alone, does not, and is skipped: neither green
    nor red, with its text.
    """
    if entry.verdict == "passed":
        return None
    clause = _clause(page, entry)
    if entry.verdict in {"failed", "waived"}:
        found = next(((c, f) for c in page.report.checks for f in c.failures if f.requirement == entry.id), None)
        text = clause if found is None else f"{clause}\n\n{told(page, *found)}"
        if entry.verdict == "waived":
            return Mark("skipped", "waived", f"Waived: {one_line(entry.reason)} · {text}")
        return Mark("failure" if _weighs(entry) else "skipped", entry.level, text)
    decides = _weighs(entry) and entry.verdict != "not_applicable"
    return Mark("error" if decides else "skipped", entry.level, f"{one_line(open_reason(entry))}\n\n{clause}")


def of_check(page: TargetPage, check: CheckResult) -> Mark | None:
    """What stands against what a check is made for; None if nothing does.

    What is judged on every exchange, whatever a check is after, stands against no check: it would turn all of them red.
    """
    marks = [mark for name in check.declared if (mark := _of_declared(page, check, name)) is not None]
    if not check.ended:
        # Whatever it judges: without it the run is not conformant.
        marks.append(Mark("error", "unfinished", one_line(check.reason)))
    for sign in ("failure", "error", "skipped"):
        fitting = [mark for mark in marks if mark.sign == sign]
        if fitting:
            return Mark(fitting[0].sign, fitting[0].type, "\n\n".join(dict.fromkeys(mark.text for mark in fitting)))
    return None


def undeclared(page: TargetPage) -> tuple[RequirementVerdict, ...]:
    """What does not hold, and no check that met it was made for it."""
    blamed = {f.requirement for check in page.report.checks for f in check.failures if f.requirement in check.declared}
    return tuple(e for e in page.verdict.requirements if e.verdict in {"failed", "waived"} and e.id not in blamed)


def told(page: TargetPage, check: CheckResult, failure: Judgement) -> str:
    """All that explains one failure of a check, as text."""
    requirement = page.requirement(failure.requirement)
    return render(failure, requirement, check.exchanges, name=check.failure_id(failure))


def _of_declared(page: TargetPage, check: CheckResult, name: str) -> Mark | None:
    entry = page.entries.get(name)
    if entry is None:
        return None
    failures = [failure for failure in check.failures if failure.requirement == name]
    if failures:
        waived = f"Waived: {one_line(entry.reason)} · " if entry.verdict == "waived" else ""
        text = "\n\n".join([f"{waived}{_clause(page, entry)}", *(told(page, check, failure) for failure in failures)])
        decides = _weighs(entry) and entry.verdict == "failed"
        return Mark("failure" if decides else "skipped", "waived" if waived else entry.level, text)
    if name not in check.inconclusive:
        return None
    said = "\n".join(filter(None, (one_line(check.reason) or "It could not be judged.", one_line(check.hint))))
    return Mark("error" if _weighs(entry) else "skipped", entry.level, said)


def _weighs(entry: RequirementVerdict) -> bool:
    """Whether the run's exit code may rest on it."""
    return entry.weight == "MUST"


def _clause(page: TargetPage, entry: RequirementVerdict) -> str:
    requirement = page.requirement(entry.id)
    said = one_line(requirement.statement) if requirement else "not in this version's catalogue"
    return f"{one_line(entry.id)} ({entry.level}): {said}"
