"""The documented answers and those that came, as text for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kms_conformance.core.text import counted, one_line, wrapped
from kms_conformance.report.answers import LISTED
from kms_conformance.report.text.markdown import code, details, plain, table

if TYPE_CHECKING:
    from kms_conformance.report.answers import AnswersOfTarget, Came, ContractCell
    from kms_conformance.report.why_never import WhyNever

_MOST_ROWS = 100
_MOST_INSTEAD = 6
_MOST_CHECKS = 8


def summary(answers: AnswersOfTarget) -> str:
    """How many documented answers came, how many never, and how many came that the documents do not have."""
    cells = [cell for cell in answers.seen if cell.refusal != LISTED]
    return (
        f"{counted(len(cells), 'documented answer')}: {len(cells) - len(answers.never)} seen, "
        f"{len(answers.never)} never seen; {len(answers.undocumented)} seen and not documented"
    )


def lines(answers: AnswersOfTarget, width: int, *, everything: bool = False) -> Iterator[str]:
    """What never came and what is not documented; with `everything`, also what came, and codes that are only listed."""
    yield from wrapped(f"{one_line(answers.target)}: {summary(answers)}", width)
    yield from _section("never seen", map(str, answers.never), width)
    yield from _section("seen and not documented", map(_came, answers.undocumented), width)
    if everything:
        yield from _section("seen", (f"{cell} ({count})" for cell, count in answers.seen.items() if count), width)
        yield from _section(
            "listed by the documents, demanded by no requirement, never seen", map(str, answers.never_listed), width
        )
    elif answers.never_listed:
        yield ""
        yield from wrapped(
            f"{counted(len(answers.never_listed), 'further code')} that the documents list and no requirement demands: "
            "see --all.",
            width,
        )


def why_lines(found: WhyNever, count: int, width: int) -> Iterator[str]:
    """Why an answer did not come, or how often it came; the checks that bring it."""
    yield from wrapped(f"{found.cell}", width)
    yield from wrapped(f"came {counted(count, 'time')}" if count else f"never seen: {found.reason}", width, "  ")
    yield from wrapped(f"refusal {found.cell.refusal}", width, "  ")
    for name in found.requirements:
        yield from wrapped(f"demanded by {name}", width, "  ")
    for each in found.bringers[:_MOST_CHECKS]:
        yield from wrapped(f"check {each.check}: {one_line(each.outcome)}", width, "  ")
    if len(found.bringers) > _MOST_CHECKS:
        yield f"  and {counted(len(found.bringers) - _MOST_CHECKS, 'more check')}"
    for came in () if count else found.instead[:_MOST_INSTEAD]:
        yield from wrapped(f"in its place: {_came(came)}", width, "  ")
    if not count and len(found.instead) > _MOST_INSTEAD:
        yield f"  and {counted(len(found.instead) - _MOST_INSTEAD, 'more answer')}"


def markdown(answers: AnswersOfTarget) -> str:
    """The summary, and tables of what never came and what is not documented, folded."""
    never = [_row(cell) for cell in answers.never]
    parts = [f"{plain(summary(answers))}. This decides nothing."]
    parts += _folded("Never seen", ("Operation", "Key", "Answer"), never)
    other = [
        (code(each.answer.operation), plain(each.answer.state), code(_answer(each)), str(each.count), str(each.first))
        for each in answers.undocumented
    ]
    parts += _folded("Seen and not documented", ("Operation", "Key", "Answer", "Times", "First exchange"), other)
    return "\n\n".join(parts)


def _folded(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    more = f" (the first {_MOST_ROWS})" if len(rows) > _MOST_ROWS else ""
    return [details(f"{title}: {len(rows)}{more}", table(tuple(head), [tuple(row) for row in rows[:_MOST_ROWS]]))]


def _row(cell: ContractCell) -> tuple[str, str, str]:
    answers = " or ".join(code(str(answer)) for answer in cell.answers)
    return code(cell.operation) if cell.operation else "any", plain(cell.state) or "any", answers


def _section(title: str, entries: Iterator[str], width: int) -> Iterator[str]:
    shown = list(entries)
    if shown:
        yield ""
        yield f"{title} ({len(shown)})"
        for entry in shown:
            yield from wrapped(one_line(entry), width, "  ")


def _came(each: Came) -> str:
    place = f"first in exchange {each.first}, {each.check}"
    return f"{each.answer.operation} · {each.answer.state} · {_answer(each)} ({counted(each.count, 'time')}, {place})"


def _answer(each: Came) -> str:
    return f"{each.answer.status} {each.answer.code}".rstrip()
