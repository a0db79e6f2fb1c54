"""The end of a run on the terminal: what became of each target, what failed or stayed open, where the report lies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from conformance.reporting import layout
from conformance.reporting.model import LEVELS, VERDICTS, Report, StoredVerdict, TargetReport
from conformance.reporting.text import counted, one_line, wrapped
from conformance.reporting.words import VERDICT_WORDS, open_reason, sentence

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

_MOST_FAILURES = 10
_MOST_REASONS = 8
# Of what was expected and received, each: the whole is in the report.
_MOST_LINES = 2
# Narrower terminals get lines that they break themselves.
_LEAST_WIDTH = 40
_STYLES = {
    "conformant": "bold green",
    "nonconformant": "bold red",
    "failed": "red",
    "inconclusive": "yellow",
    "not_tested": "yellow",
    "waived": "magenta",
    "passed": "green",
    "not_applicable": "dim",
}
_MARKS = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?"}
_NO_BREAK = "\u00a0"
# For terminals that have no more than ASCII.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "…": "...", "·": "-", "“": '"', "”": '"', "→": "->", _NO_BREAK: " "})


def show(report: Report, directory: Path, console: Console) -> None:
    """Print the summary of a run, no wider than the terminal; `directory` is its reports folder."""
    for line in summary(report, directory, console.width):
        # Lines are broken already; a path that is longer than the terminal stays in one piece, to be copied.
        console.print(spelled(line, console), soft_wrap=True, highlight=False)


def spelled(line: Text, console: Console) -> Text:
    """The line in the characters that a terminal has."""
    if not console.options.ascii_only:
        return line
    return Text(line.plain.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii"), line.style)


def summary(report: Report, directory: Path, width: int) -> Iterator[Text]:
    """The lines of the summary; only paths may be longer than `width`."""
    for target in report.targets:
        yield Text()
        yield from _target(target, max(width, _LEAST_WIDTH))
    yield Text()
    yield Text(f"report   {directory / layout.INDEX}")
    yield Text(f"results  {directory / layout.RESULTS}")


def _target(target: TargetReport, width: int) -> Iterator[Text]:
    verdict = target.verdict
    head = f"{_MARKS[verdict.result]} {verdict.name}: {verdict.result}"
    yield from _lines(head, width, style=_STYLES[verdict.result] if verdict.result != "inconclusive" else "bold yellow")
    about = f"{verdict.dialect}, profile {verdict.profile}, {one_line(verdict.base_url)}"
    yield from _lines(about, width, "  ", style="dim")
    yield from _lines(sentence(verdict), width, "  ")
    yield from _counts(verdict, width)
    yield from _failures(target, width)
    yield from _open(target, width)
    yield from _isolation(verdict, width)


def _counts(verdict: StoredVerdict, width: int) -> Iterator[Text]:
    counts = verdict.counts()
    order = sorted(VERDICTS, key=lambda name: (name != "passed", VERDICTS.index(name)))
    totals = {name: sum(counts[level][name] for level in LEVELS) for name in order}
    # A number stays on the line of its word.
    words = {
        name: f"{number} {VERDICT_WORDS[name]}".replace(" ", _NO_BREAK) for name, number in totals.items() if number
    }
    for line in _lines(" · ".join(words.values()), width, "  "):
        for name, word in words.items():
            line.highlight_words([word], _STYLES[name])
        yield line


def _failures(target: TargetReport, width: int) -> Iterator[Text]:
    failed = target.verdict.with_verdict("failed")
    first = {failure.requirement: failure for check in reversed(target.checks) for failure in reversed(check.failures)}
    for entry in failed[:_MOST_FAILURES]:
        yield Text()
        yield from _lines(f"{entry.id} · {entry.level}", width, "  ✗ ", style="red")
        yield from _brief(first[entry.id].expected, width, "    expected  ")
        yield from _brief(first[entry.id].received, width, "    received  ")
    if len(failed) > _MOST_FAILURES:
        yield Text()
        yield Text(f"  … and {counted(len(failed) - _MOST_FAILURES, 'more requirement')} in the report", "dim")


def _brief(text: str, width: int, first: str) -> Iterator[Text]:
    lines = wrapped(one_line(text) or "nothing", width, first)
    yield from map(Text, lines[:_MOST_LINES] if len(lines) <= _MOST_LINES else lines[: _MOST_LINES - 1])
    if len(lines) > _MOST_LINES:
        yield Text(f"{lines[_MOST_LINES - 1][: width - 2].rstrip()} …")


def _open(target: TargetReport, width: int) -> Iterator[Text]:
    reasons = Counter(open_reason(entry) for entry in target.verdict.with_verdict("inconclusive"))
    hints = {check.reason: check.hint for check in reversed(target.checks)}
    not_tested = len(target.verdict.with_verdict("not_tested"))
    if reasons or not_tested:
        yield Text()
        yield Text("  could not be judged:", "yellow")
    for reason, count in reasons.most_common(_MOST_REASONS):
        yield from _lines(one_line(reason), width, f"  {count:>4}  ")
        if hints.get(reason):
            yield from _lines(one_line(hints[reason]), width, "        → ", style="dim")
    if len(reasons) > _MOST_REASONS:
        yield Text(f"        … and {counted(len(reasons) - _MOST_REASONS, 'more reason')} in the report", "dim")
    if not_tested:
        what = "The checks that judge them did not run, or met nothing to judge."
        yield from _lines(what, width, f"  {not_tested:>4}  ")


def _isolation(verdict: StoredVerdict, width: int) -> Iterator[Text]:
    found = verdict.isolation
    if not found or not found["described"]:
        return
    differ = len(found["changed"])
    what = "none has changed" if not differ else f"{differ} changed, by whom is not known: see the report"
    line = f"keys of others: {counted(found['described'], 'key')} read before and after, {what}"
    yield Text()
    yield from _lines(line, width, "  ", style="yellow" if differ else "dim")


def _lines(text: str, width: int, first: str = "", style: str = "") -> Iterator[Text]:
    return (Text(line, style) for line in wrapped(text, width, first))
