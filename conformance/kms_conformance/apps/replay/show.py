"""Terminal output of a replay: the requirement, both replies side by side, and whether the deviation was seen again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from rich.text import Text

from kms_conformance.apps.replay.find import FoundFailure
from kms_conformance.apps.replay.outcome import ReplayOutcome, Seen
from kms_conformance.apps.replay.side_by_side import ReplayRow, rows
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core.text import one_line, wrapped
from kms_conformance.report.text.failure import compared

_LEAST_WIDTH = 60
# Maximum width of the column of field names.
_MOST_NAME = 24
_WORDS: dict[Seen, tuple[str, str]] = {
    "again": ("✗ Seen again.", "bold red"),
    "otherwise": ("✗ The requirement is broken in another way.", "bold red"),
    "gone": ("✓ Not seen again: the requirement held this time.", "bold green"),
    "unclear": ("? Could not be judged again.", "bold yellow"),
}

# If a key is left, the exit code is 3, so this line must not begin with a check mark.
_KEY_LEFT = ("? Not seen again: the requirement held this time, but a key is left.", "bold yellow")


def lines(found: FoundFailure, outcome: ReplayOutcome, note: str, width: int) -> Iterator[Text]:
    """The lines of a replay for a terminal of this width; `note` is shown as a warning."""
    width = max(width, _LEAST_WIDTH)
    requirement = Catalogue.load(found.verdict.dialect).requirements.get(found.failure.requirement)
    level = f" · {requirement.level}" if requirement else ""
    yield Text(f"{found.failure.requirement}{level} · {found.id} · {found.verdict.name}", "bold")
    if requirement is not None:
        yield from _lines(requirement.statement, width, "  ")
        yield from _lines(str(requirement.sources[0]), width, "  source    ")
    yield from map(Text, compared(found.failure.expected, found.failure.received, width))
    if note:
        yield from _lines(note, width, "  ! ", "yellow")
    for then, now in outcome.pairs:
        yield Text()
        yield from _table([ReplayRow("", "in the run", "now"), *rows(then, now)], width)
    if not outcome.pairs:
        yield Text("  The run stored no exchange of this failure.", "dim")
    yield Text()
    words, style = _KEY_LEFT if outcome.seen == "gone" and outcome.left else _WORDS[outcome.seen]
    yield Text(words, style)
    if outcome.now is not None:
        yield from map(Text, compared(outcome.now.expected, outcome.now.received, width))
    for text in (outcome.reason, outcome.hint, *outcome.left):
        if text:
            yield from _lines(text, width, "  ")


def _table(table: list[ReplayRow], width: int) -> Iterator[Text]:
    """The lines of a table with three columns and wrapped cells; rows that differ begin with a mark."""
    first = min(_MOST_NAME, max(len(row.name) for row in table))
    side = (width - first - 6) // 2
    for row in table:
        cells = (wrapped(row.name, first), wrapped(row.then, side), wrapped(row.now, side))
        style = {"≠": "yellow", "~": "dim", "": "bold" if not row.name else ""}[row.mark]
        for number, (name, then, now) in enumerate(zip_longest(*cells, fillvalue="")):
            mark = row.mark if number == 0 else ""
            line = f"  {mark or ' '} {name:<{first}} {then:<{side}} {now}".rstrip()
            yield Text(line, style)


def _lines(text: str, width: int, first: str = "", style: str = "") -> Iterator[Text]:
    return (Text(line, style) for line in wrapped(one_line(text), width, first))
