"""The summary of a run on the terminal: result of each target, failures, unjudged requirements, report files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.text import Text

from kms_conformance.core.disk import relative_path
from kms_conformance.core.text import counted, duration, one_line
from kms_conformance.report import layout
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.text import blocks
from kms_conformance.report.text.blocks import lines
from kms_conformance.report.text.words import VERDICT_WORDS, sentence
from kms_conformance.verdict.model import LEVELS, VERDICTS, Result, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from kms_conformance.report.text.screen import Screen

# The least width of lines. A narrower terminal wraps them itself.
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
_MARKS: Mapping[Result, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?"}
_NO_BREAK = "\u00a0"


def show(report: Report, directory: Path | None, screen: Screen) -> None:
    """Print the summary of a run; `directory` is its reports folder, None if no report was written."""
    for line in summary(report, directory, screen.width):
        # The lines are wrapped already. Long paths are not wrapped, so that they can be copied.
        screen.write_line(line)


def summary(report: Report, directory: Path | None, width: int) -> Iterator[Text]:
    """The lines of the summary; only paths and commands may be longer than `width`."""
    width = max(width, _LEAST_WIDTH)
    for target in report.targets:
        yield Text()
        yield from _target(target, directory, width)
    yield from blocks.stale(report, width)
    yield Text()
    if len(report.targets) > 1:
        for target in report.targets:
            yield from _head(target.verdict, width)
        yield Text()
    if directory is None:
        return
    yield Text(f"report   {relative_path(directory / layout.INDEX)}")
    yield Text(f"results  {relative_path(directory / layout.RESULTS)}")


def _target(target: TargetReport, directory: Path | None, width: int) -> Iterator[Text]:
    verdict = target.verdict
    yield from _head(verdict, width)
    about = f"{verdict.dialect}, profile {verdict.profile}, {one_line(verdict.base_url)}"
    yield from lines(about, width, "  ", style="dim")
    yield from lines(sentence(verdict), width, "  ")
    yield from _counts(verdict, width)
    yield from lines(_effort(verdict), width, "  ", style="dim")
    yield from blocks.failures(target, directory, width)
    yield from blocks.waived(verdict, width)
    yield from blocks.unjudged(target, width)
    yield from blocks.unfinished(target, width)
    yield from blocks.isolation(verdict, width)


def _head(verdict: Verdict, width: int) -> Iterator[Text]:
    style = _STYLES[verdict.result] if verdict.result != "inconclusive" else "bold yellow"
    return lines(f"{verdict.name}: {verdict.result} (tier {verdict.tier})", width, f"{_MARKS[verdict.result]} ", style)


def _effort(verdict: Verdict) -> str:
    sent = f"{counted(verdict.requests, 'request')}, {counted(verdict.keys_created, 'key')} created"
    seconds = duration(verdict.duration_seconds)
    return f"seed {verdict.seed}, {sent}, checks took {seconds}"


def _counts(verdict: Verdict, width: int) -> Iterator[Text]:
    counts = verdict.counts()
    order = sorted(VERDICTS, key=lambda name: (name != "passed", VERDICTS.index(name)))
    totals = {name: sum(counts[level][name] for level in LEVELS) for name in order}
    # A number and its word stay on one line.
    words = {
        name: f"{number} {VERDICT_WORDS[name]}".replace(" ", _NO_BREAK) for name, number in totals.items() if number
    }
    for line in lines(" · ".join(words.values()), width, "  "):
        for name, word in words.items():
            line.highlight_words([word], _STYLES[name])
        yield line
