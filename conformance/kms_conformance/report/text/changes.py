"""The changes between two runs, for the terminal and as Markdown: regressions first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from kms_conformance.core.text import counted, one_line, wrapped
from kms_conformance.report.reproduce import replay_command
from kms_conformance.report.text.markdown import code, plain
from kms_conformance.report.text.words import VERDICT_WORDS

if TYPE_CHECKING:
    from kms_conformance.report.change import Kind, RequirementChange
    from kms_conformance.report.compare import RunComparison
    from kms_conformance.verdict.model import RequirementResult

WORDS: Mapping[Kind, str] = {
    "regressed": "regressed",
    "uncovered": "failed, could not be judged before",
    "fixed": "fixed",
    "answer_changed": "different answer, both accepted",
    "new": "new or newly applicable",
    "vanished": "removed or no longer applicable",
    "otherwise": "other changes, no regression",
}
_STYLES: Mapping[Kind, str] = {"regressed": "bold red", "fixed": "bold green"}
_LEAST_WIDTH = 40
_MOST_LINES = 3
_MOST_ANSWERS = 20


def lines(comparison: RunComparison, width: int) -> Iterator[Text]:
    """The comparison as lines for a terminal; only commands may be longer than `width`."""
    width = max(width, _LEAST_WIDTH)
    for warning in comparison.warnings:
        yield from _lines(warning, width, "! ", "yellow")
    for name, (before, after) in comparison.results.items():
        yield from _lines(f"{name}: {result(before, after)}", width, style="" if before == after else "bold")
    for kind, count in comparison.counts().items():
        if count:
            yield Text()
            yield Text(f"{WORDS[kind]} ({count})", _STYLES.get(kind, "bold"))
        for change in comparison.of_kind(kind):
            yield from _block(change, comparison, width)
    for title, answers in _answers(comparison):
        yield Text()
        yield Text(f"{title} ({len(answers)})", "bold")
        for answer in answers[:_MOST_ANSWERS]:
            yield from _lines(answer, width, "  ")
        if len(answers) > _MOST_ANSWERS:
            yield Text(f"  and {len(answers) - _MOST_ANSWERS} more, see --json", "dim")
    yield Text()
    yield from _lines(summary(comparison), width)


def summary(comparison: RunComparison) -> str:
    """A summary of the comparison in one or two sentences."""
    counts = comparison.counts()
    regressed, changed = counts["regressed"], len(comparison.changes)
    if not changed:
        return "Every requirement has the same verdict."
    first = f"{counted(regressed, 'requirement')} regressed." if regressed else "Nothing regressed."
    rest = counted(changed, "requirement") + (" differs" if changed == 1 else " differ")
    return f"{first} {rest} in all."


def markdown(comparison: RunComparison) -> str:
    """The comparison as Markdown, for a pull request or the summary of a job."""
    return "\n".join(_markdown(comparison)) + "\n"


def result(before: str | None, after: str | None) -> str:
    """The results of a target in both runs, as text."""
    if before is None or after is None:
        return f"{before or after}, only in the {'first' if after is None else 'second'} run"
    return f"{after}, as before" if before == after else f"{after}, was {before}"


def _block(change: RequirementChange, comparison: RunComparison, width: int) -> Iterator[Text]:
    several = len(comparison.results) > 1
    head = " · ".join((*((change.target,) if several else ()), change.id, change.level))
    yield from _lines(head, width, "  ")
    yield from _lines(_transition(change), width, "    ")
    if change.kind in {"regressed", "uncovered", "otherwise", "new"} and change.why:
        found = wrapped(one_line(change.why), width, "    ")
        yield from (Text(line, "dim") for line in found[:_MOST_LINES])
        if len(found) > _MOST_LINES:
            yield Text("    …", "dim")
    if change.failure:
        yield Text(f"    {replay_command(comparison.after, change.failure)}")


def _transition(change: RequirementChange) -> str:
    if change.kind == "answer_changed":
        return f"{', '.join(change.answers_before)} → {', '.join(change.answers_after)}"
    return f"{_word(change.before)} → {_word(change.after)}"


def _markdown(comparison: RunComparison) -> Iterator[str]:
    yield f"### What changed: {summary(comparison)}"
    yield ""
    yield f"{code(comparison.before)} → {code(comparison.after)}"
    yield ""
    yield "| target | result |"
    yield "|---|---|"
    for name, pair in comparison.results.items():
        yield f"| {plain(name)} | {result(*pair)} |"
    for warning in comparison.warnings:
        yield ""
        yield f"> {plain(warning)}"
    for kind, count in comparison.counts().items():
        if not count:
            continue
        yield ""
        yield f"#### {WORDS[kind].capitalize()} ({count})"
        yield ""
        yield "| requirement | level | before → after | why |"
        yield "|---|---|---|---|"
        for change in comparison.of_kind(kind):
            name = change.id if len(comparison.results) == 1 else f"{change.target} · {change.id}"
            why = one_line(change.why) + (f" (replay {change.failure})" if change.failure else "")
            yield f"| {code(name)} | {change.level} | {plain(_transition(change))} | {plain(why)} |"
    for title, answers in _answers(comparison):
        yield ""
        yield f"#### {plain(title[0].upper() + title[1:])} ({len(answers)})"
        yield ""
        yield from (f"- {code(answer)}" for answer in answers[:_MOST_ANSWERS])
        if len(answers) > _MOST_ANSWERS:
            yield f"- and {len(answers) - _MOST_ANSWERS} more"


def _answers(comparison: RunComparison) -> Iterator[tuple[str, list[str]]]:
    """Titles, and the kinds of answers below them, that came in one run only."""
    several = len(comparison.results) > 1
    for name, found in comparison.answers.items():
        place = f"{name}: " if several else ""
        for title, answers in (
            ("answers that came only in the second run", found.came),
            ("answers that came only in the first run", found.gone),
        ):
            shown = [
                " · ".join((each.operation, each.state, f"{each.status} {each.code}".rstrip())) for each in answers
            ]
            if shown:
                yield f"{place}{title}", shown


def _word(verdict: RequirementResult | None) -> str:
    return "absent" if verdict is None else VERDICT_WORDS[verdict]


def _lines(text: str, width: int, first: str = "", style: str = "") -> Iterator[Text]:
    return (Text(line, style) for line in wrapped(one_line(text), width, first))
