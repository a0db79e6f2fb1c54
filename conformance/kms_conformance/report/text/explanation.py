"""The explanation of a requirement as lines of text for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kms_conformance.core.text import counted, one_line, printable, wrapped
from kms_conformance.report.explanation import conditions
from kms_conformance.report.text.words import VERDICT_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.report.explanation import AcceptedAnswers, Explanation, RunView

_BASIS = {
    "document": "a normative document",
    "vendor": "another page of a vendor",
    "inferred": "inferred from clients, recordings or analogy",
}
_COLUMN = 11
_MOST_CHECKS = 12
_LEAST_WIDTH = 40


def lines(found: Explanation, width: int, reports: Path | None = None) -> Iterator[str]:
    """The explanation, wrapped at `width`; only addresses and commands may be longer."""
    width = max(width, _LEAST_WIDTH)
    requirement = found.requirement
    yield f"{requirement.id} · {requirement.level} · {found.dialect}, profile {found.profile}"
    yield from wrapped(requirement.statement, width, "  ")
    yield ""
    for number, source in enumerate(requirement.sources):
        yield from _titled("source" if number == 0 else "", str(source), width)
        yield f"{' ' * (_COLUMN + 2)}{source.document.url}"
    yield from _titled("basis", _BASIS[requirement.tier], width)
    if requirement.reached:
        states = " or ".join(sorted(requirement.reached))
        yield from _titled("counts", f"after a key was read in the state {states}", width)
    for each in found.accepted:
        yield from _accepted(each, width)
    for erratum in found.errata:
        yield from _titled("erratum", f"{erratum.id}: {erratum.question} {erratum.followed} {erratum.reason}", width)
    yield from _checks(found, width)
    yield from _faults(found, width)
    for run in found.runs:
        yield ""
        yield from _run(run, width, reports)


def _titled(title: str, text: str, width: int) -> Iterator[str]:
    yield from wrapped(one_line(text), width, f"  {title:<{_COLUMN}}")


def _accepted(each: AcceptedAnswers, width: int) -> Iterator[str]:
    carried_out = " or carried out" if each.or_accepted else ""
    yield from _titled("accepted", f"{', '.join(each.operations)}: {' or '.join(each.answers)}{carried_out}", width)
    yield from _titled("", f"(refusal {each.refusal}) {each.reason}", width)


def _checks(found: Explanation, width: int) -> Iterator[str]:
    if not found.checks:
        yield from _titled("checks", "none of its own: every exchange is judged", width)
    for number, check in enumerate(found.checks[:_MOST_CHECKS]):
        only = conditions(check)
        yield from _titled("" if number else "checks", check.id + (f" (only {', '.join(only)})" if only else ""), width)
    if len(found.checks) > _MOST_CHECKS:
        yield from _titled("", f"and {len(found.checks) - _MOST_CHECKS} more", width)


def _faults(found: Explanation, width: int) -> Iterator[str]:
    if not found.faults:
        yield from _titled("faults", "none of the self-test names it", width)
    for number, (name, title) in enumerate(found.faults.items()):
        yield from _titled("" if number else "faults", f"{name}: {title}", width)


def _run(run: RunView, width: int, reports: Path | None) -> Iterator[str]:
    yield from wrapped(
        f"the run of {run.started} at {printable(run.target)}: {VERDICT_WORDS[run.verdict.verdict]}", width
    )
    if run.verdict.reason:
        yield from _titled("reason", run.verdict.reason, width)
    if not run.traces:
        yield from _titled("judged", "never", width)
    for number, trace in enumerate(run.traces[:_MOST_CHECKS]):
        shown = ", ".join(f"{each.number} ({each.asked})" for each in trace.exchanges)
        judged = f"{trace.passed} passed" + (f", {trace.failed} failed" if trace.failed else "")
        word = "exchange" if len(trace.exchanges) == 1 else "exchanges"
        exchanges = f"; {word} {shown}" if trace.exchanges else ""
        yield from _titled("" if number else "judged", f"{trace.check}: {judged}{exchanges}", width)
    if len(run.traces) > _MOST_CHECKS:
        yield from _titled("", f"and by {counted(len(run.traces) - _MOST_CHECKS, 'more check')}", width)
    for failure in run.failures if reports is not None else ():
        yield f"  {'repeat':<{_COLUMN}}kms-conformance replay {reports} {failure}"
