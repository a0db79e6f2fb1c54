"""Comparison as text: a table or paragraphs, with equal differences in one row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kms_conformance.apps.differential.difference import AnswerComparison, Difference, NotCompared
from kms_conformance.apps.differential.recording import AnswerRecording
from kms_conformance.core.text import counted, one_line
from kms_conformance.report.text.screen import Screen

# On a terminal with fewer columns, each row of the table is printed as a paragraph.
_NARROW = 100
_MOST_TITLES = 3
_MOST_NAMES = 3
# Aspects that are about the form of an answer; all other aspects are about its outcome.
_FORM = frozenset({"fact", "content type", "body"})
_FIRST = ("preparation", "answer", "state", "date", "fact", "content type", "body")
_STYLES = {"a": "green", "b": "green", "both": "", "neither": "red", "open": "dim"}


@dataclass(frozen=True)
class DifferenceRow:
    """The same difference in one or several questions."""

    differences: tuple[Difference, ...]

    @property
    def one(self) -> Difference:
        return self.differences[0]

    @property
    def what(self) -> str:
        """The titles of the questions; of more than three questions, the first title and the number of others."""
        titles = [difference.title for difference in self.differences]
        if len(titles) <= _MOST_TITLES:
            return "; ".join(titles)
        return f"{titles[0]}, and {len(titles) - 1} more"

    @property
    def topic(self) -> str:
        """The part of the answers that differs, in words; "" if status or code differ."""
        one = self.one
        return {
            "answer": "",
            "preparation": "the preparation",
            "state": "the state afterwards",
            "date": f"the field {one.field}" if one.field else "the deletion date",
            "content type": "the content type",
            "fact": one.field,
            "body": f"the field {one.field}" if one.field != "the whole" else "the body",
        }[one.aspect]

    def documents(self, a: str, b: str) -> str:
        """A sentence: which target the documents support, and which requirements the other target breaks."""
        one = self.one
        if one.aspect == "preparation":
            return "follows from another difference"
        match one.supports:
            case "open":
                return "no requirement decides it"
            case "both":
                return "both as documented"
            case "neither":
                return f"neither as documented ({self._requirements})"
            case "a":
                right, wrong, expected = a, b, one.documents_b.expected
            case "b":
                right, wrong, expected = b, a, one.documents_a.expected
        due = f": {expected[0]}" if expected and expected[0] else ""
        return f"{right} as documented, {wrong} not{due} ({self._requirements})"

    @property
    def _requirements(self) -> str:
        sides = [side for one in self.differences for side in (one.documents_a, one.documents_b)]
        names = list(dict.fromkeys(name for side in sides for name in side.requirements))
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        return ", ".join(names[:_MOST_NAMES]) + more


def rows(differences: Sequence[Difference]) -> tuple[DifferenceRow, ...]:
    """The rows of the table, with equal differences in one row.

    The rows are sorted by aspect; within an aspect, rows in which an answer breaks a requirement come first.
    """

    def group_key(difference: Difference) -> tuple[object, ...]:
        return (
            _FIRST.index(difference.aspect),
            difference.supports in ("both", "open"),
            difference.field,
            difference.a,
            difference.b,
            difference.supports,
            difference.documents_a.expected,
            difference.documents_b.expected,
        )

    order = {id(difference): place for place, difference in enumerate(differences)}
    grouped = [
        DifferenceRow(tuple(sorted(group, key=lambda difference: order[id(difference)])))
        for _, group in groupby(sorted(differences, key=group_key), key=group_key)
    ]
    return tuple(sorted(grouped, key=lambda row: (*group_key(row.one)[:2], order[id(row.one)])))


def show(comparison: AnswerComparison, screen: Screen) -> None:
    """Print a comparison, as a table or, on a narrow terminal, as paragraphs."""
    a, b = names(comparison)
    for side, name, recording in (("A", a, comparison.a), ("B", b, comparison.b)):
        screen.write_line(f"{side}  {name}: {_origin(recording, comparison.age_days(recording))}")
    for warning in comparison.warnings:
        screen.write_line(Text(f"!  {one_line(warning)}", "yellow"))
    screen.write_line(Text(_counts(comparison), "bold"))
    found = rows(comparison.differences)
    if found:
        screen.print(_paragraphs(found, a, b) if screen.width < _NARROW else _table(found, a, b))
    for line in _not_compared(comparison.not_compared, a, b):
        screen.write_line(line)


def names(comparison: AnswerComparison) -> tuple[str, str]:
    """The names of the two targets, followed by (A) and (B) if the names are equal."""
    a, b = comparison.a.name, comparison.b.name
    return (a, b) if a != b else (f"{a} (A)", f"{b} (B)")


def _origin(recording: AnswerRecording, days: int) -> str:
    age = {0: "today", 1: "1 day ago"}.get(days, f"{days} days ago")
    return (
        f"{recording.dialect}, profile {recording.profile}, {recording.base_url}, "
        f"recorded {age} ({recording.recorded:%Y-%m-%d %H:%M} UTC)"
    )


def _counts(comparison: AnswerComparison) -> str:
    compared = counted(comparison.compared, "question")
    if not comparison.differences:
        return f"No difference in {compared}." if comparison.compared else "Nothing could be compared."
    different = {difference.question for difference in comparison.differences}
    effects = {difference.question for difference in comparison.differences if difference.aspect not in _FORM}
    counts = f"{len(effects)} with different outcomes, {len(different - effects)} with different spelling only"
    return f"{compared} compared: {counts}."


def _table(found: Sequence[DifferenceRow], a: str, b: str) -> Table:
    table = Table(pad_edge=False, show_lines=True)
    table.add_column("question", overflow="fold", ratio=3)
    table.add_column(a, overflow="fold", ratio=3)
    table.add_column(b, overflow="fold", ratio=3)
    table.add_column("documents", overflow="fold", ratio=3)
    for row in found:
        what = Text(one_line(row.what)) + Text(f"\n{row.topic}" if row.topic else "", "bold")
        table.add_row(what, *_cells(row), Text(one_line(row.documents(a, b)), _STYLES[row.one.supports]))
    return table


def _paragraphs(found: Sequence[DifferenceRow], a: str, b: str) -> Group:
    width = max(len(a), len(b), len("documents"))
    parts: list[RenderableType] = []
    for row in found:
        topic = f": {row.topic}" if row.topic else ""
        parts.append(Text(f"\n{one_line(row.what)}{topic}", "bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(min_width=width)
        grid.add_column(overflow="fold")
        left, right = _cells(row)
        grid.add_row(f"  {a}", left)
        grid.add_row(f"  {b}", right)
        grid.add_row("  documents", Text(one_line(row.documents(a, b)), _STYLES[row.one.supports]))
        parts.append(grid)
    return Group(*parts)


def _cells(row: DifferenceRow) -> tuple[Text, Text]:
    """The values of both sides; red for the side that the documents do not support."""
    styles = {"a": ("green", "red"), "b": ("red", "green"), "neither": ("red", "red")}
    left, right = styles.get(row.one.supports, ("", ""))
    return Text(one_line(row.one.a), left), Text(one_line(row.one.b), right)


def _not_compared(skipped: Sequence[NotCompared], a: str, b: str) -> Iterator[Text]:
    if skipped:
        yield Text(f"\nNot compared: {counted(len(skipped), 'question')}.")
    by_reason: dict[str, list[str]] = {}
    for entry in skipped:
        same = entry.a == entry.b
        reason = (
            f"both: {entry.a}"
            if same
            else "; ".join(f"{name}: {why}" for name, why in ((a, entry.a), (b, entry.b)) if why)
        )
        by_reason.setdefault(reason, []).append(entry.question)
    for reason, questions in by_reason.items():
        yield Text(f"  {', '.join(questions)}: {one_line(reason)}", "dim")
