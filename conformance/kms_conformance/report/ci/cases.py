"""The cases of a run for CI systems: one for each check, and one for each problem that no check has. JUnit and CTRF
show the same cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.text import capped, counted, one_line, printable
from kms_conformance.report.status import Status, check_status, requirement_status, undeclared_failures

if TYPE_CHECKING:
    from kms_conformance.report.html.page import TargetPage
    from kms_conformance.verdict.results import CheckResult
    from kms_conformance.verdict.waivers.outdated import StaleWaiver

_TITLE = 200
_TEXT = 20_000


@dataclass(frozen=True)
class Case:
    """One case, by its family and name; no two cases of a target have both in common.

    - status: None if it passed.
    - seconds: the time that the check took; 0 for a case without a check.
    - check: the result of the check; None for a case without one.
    - requirements: the ids of the requirements that the case is about.
    """

    family: str
    name: str
    status: Status | None
    seconds: float = 0.0
    check: CheckResult | None = None
    requirements: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        """The first line of the status, which some systems show alone; "" if the case passed."""
        text = self.status.text if self.status else ""
        return capped(one_line(text.split("\n", 1)[0]), _TITLE)[0]

    @property
    def text(self) -> str:
        """The whole text of the status; "" if the case passed."""
        return capped(printable(self.status.text), _TEXT)[0] if self.status else ""


def cases_of(page: TargetPage) -> tuple[Case, ...]:
    """The cases of a target: its checks in their order, then what no check has.

    At least one of them is a failure or an error exactly if the target makes the exit code of the run nonzero.
    """
    return (*_checks(page), *_undeclared(page), *_not_run(page), *_not_tested(page))


def waiver_cases(stale: Sequence[StaleWaiver]) -> tuple[Case, ...]:
    """The cases of waivers that are out of date, which belong to the run and not to a target."""
    return tuple(
        Case(
            "stale",
            f"{one_line(found.waiver.requirement)}, line {found.waiver.line}",
            Status("failure", "stale waiver", f"Waiver out of date: {found.why}\n{found.next}"),
        )
        for found in stale
    )


def _checks(page: TargetPage) -> Iterator[Case]:
    names = Counter[tuple[str, str]]()
    for check in page.report.checks:
        names[check.family, check.title] += 1
        nth = names[check.family, check.title]
        title = one_line(check.title) + ("" if nth == 1 else f" ({nth})")
        yield Case(check.family, title, check_status(page, check), check.seconds, check, check.declared)


def _undeclared(page: TargetPage) -> Iterator[Case]:
    """One case for each failed requirement that no failed check declares.

    Most such requirements are judged on every exchange, whichever check sends the request.
    """
    for entry in undeclared_failures(page):
        status = requirement_status(page, entry)
        if status is not None:
            yield Case(entry.id.partition(".")[0], one_line(entry.id), status, requirements=(entry.id,))


def _not_run(page: TargetPage) -> Iterator[Case]:
    """One error for each planned check without a result; without these, CI would show a partial run as passed."""
    known = {check.check for check in page.report.checks}
    for found in page.verdict.unfinished:
        if found.check not in known:
            family, _, name = found.check.partition("::")
            text = f"{one_line(found.check)} did not run: {found.why}"
            yield Case(family, one_line(name), Status("error", "did not run", text))


def _not_tested(page: TargetPage) -> Iterator[Case]:
    """One error for all MUST requirements that were not tested; without it, CI would show the run as passed."""
    musts = [entry for entry in page.verdict.with_verdict("not_tested") if entry.weight == "MUST"]
    if musts:
        message = f"{counted(len(musts), 'MUST requirement')} not tested in this run."
        text = "\n".join([message, *(f"{entry.id}: {entry.reason}" for entry in musts)])
        yield Case("not tested", "every MUST is tested", Status("error", "not tested", text))
