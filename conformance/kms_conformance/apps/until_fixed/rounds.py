"""The rounds of a loop: what was red before and is red now, what is counted, and the line that says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.core.disk import relative_path
from kms_conformance.core.text import counted, one_line
from kms_conformance.report.model import Report
from kms_conformance.report.red import checks_not_passed, red_requirements

# Most names of requirements in a line.
_MOST_NAMES = 4
# Most reasons of open requirements that are told.
_MOST_REASONS = 3


@dataclass(frozen=True)
class RedSet:
    """What a run left red, as pairs of target and requirement.

    - `failed`, `left_open`: the MUST requirements that failed, and those that could not be judged.
    - `askable`: whether there is a check that can be asked again.
    """

    failed: frozenset[tuple[str, str]]
    left_open: frozenset[tuple[str, str]]
    askable: bool

    @classmethod
    def of(cls, report: Report) -> RedSet:
        """What the run of a report left red."""
        red = {(each.verdict.name, name) for each in report.targets for name in red_requirements(each)}
        found = {(each.verdict.name, e.id) for each in report.targets for e in each.verdict.with_verdict("failed")}
        askable = any(checks_not_passed(each) for each in report.targets)
        return cls(frozenset(red & found), frozenset(red - found), askable)

    @property
    def requirements(self) -> frozenset[tuple[str, str]]:
        """All that is red."""
        return self.failed | self.left_open

    def __str__(self) -> str:
        failed = f"{counted(len(self.failed), 'requirement')} failed: {names(self.failed)}" if self.failed else ""
        left = f"{len(self.left_open)} could not be judged" if self.left_open else ""
        left += f": {names(self.left_open)}" if self.left_open and not self.failed else ""
        return "; ".join(filter(None, (failed, left)))


@dataclass(frozen=True)
class RoundCounts:
    """Requests, new keys, and runs: those of one run, or those of a whole loop."""

    requests: int = 0
    keys: int = 0
    runs: int = 0

    @classmethod
    def of(cls, report: Report) -> RoundCounts:
        """The counts of one run."""
        verdicts = [target.verdict for target in report.targets]
        return cls(sum(each.requests for each in verdicts), sum(each.keys_created for each in verdicts), 1)

    def plus(self, other: RoundCounts) -> RoundCounts:
        """The sum of both."""
        return RoundCounts(self.requests + other.requests, self.keys + other.keys, self.runs + other.runs)

    def __str__(self) -> str:
        return f"{counted(self.requests, 'request')}, {counted(self.keys, 'key')} created"


def round_lines(number: int, before: RedSet, now: RedSet, counts: RoundCounts, total: RoundCounts) -> Iterator[str]:
    """The short line of a round, with the numbers of this round and of the whole loop, and the names behind it."""
    fixed, still = before.requirements - now.requirements, before.requirements & now.requirements
    new = now.requirements - before.requirements
    left = f", {len(still & now.left_open)} could not be judged" if still & now.left_open else ""
    yield (
        f"round {number}: {len(fixed)} fixed, {len(still & now.failed)} still failing{left}, {len(new)} new · "
        f"{counts}; in all {counted(total.runs, 'run')}, {total}"
    )
    for word, found in (("still", still), ("new", new)):
        if found:
            yield f"  {word}: {names(found & now.failed or found)}"


def open_lines(report: Report, red: RedSet) -> Iterator[str]:
    """Why requirements of a round are open, with the next step; nothing if some failed, which may be the cause."""
    if red.failed:
        return
    found: dict[tuple[str, str], None] = {}
    for target in report.targets:
        names_of_target = {name for where_, name in red.left_open if where_ == target.verdict.name}
        for check in target.checks:
            if names_of_target & set(check.inconclusive):
                found[one_line(check.reason), one_line(check.hint)] = None
    for reason, hint in list(found)[:_MOST_REASONS]:
        yield f"  open: {reason}{f' → {hint}' if hint else ''}"


def names(red: Iterable[tuple[str, str]]) -> str:
    """The first names of red requirements, with the target if there are several targets."""
    found = sorted(red)
    several = len({target for target, _ in found}) > 1
    shown = [f"{target} {name}" if several else name for target, name in found]
    more = f" and {len(shown) - _MOST_NAMES} more" if len(shown) > _MOST_NAMES else ""
    return f"{', '.join(shown[:_MOST_NAMES])}{more}"


def where(directory: Path) -> str:
    """The path of the page in a reports folder, as it is printed."""
    return relative_path(directory / "index.html")
