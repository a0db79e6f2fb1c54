"""`answers`: which documented answers came back in a run, which never came, and why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from kms_conformance.cli._common import profile_of
from kms_conformance.core.errors import ExplainedMistake
from kms_conformance.core.spelling import did_you_mean, near
from kms_conformance.core.text import say
from kms_conformance.report.answers import AnswersOfTarget
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import TargetReport
from kms_conformance.report.text.answers import lines, why_lines
from kms_conformance.report.text.screen import Screen
from kms_conformance.report.why_never import matching, why_never

_PATH = click.Path(path_type=Path)
_MOST_NEAR = 5


@click.command()
@click.argument("directory", metavar="DIR", type=_PATH)
@click.argument("answer", metavar="[ANSWER]", required=False)
@click.option("--all", "everything", is_flag=True, help="List also what came, and codes that no requirement demands.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def answers(directory: Path, answer: str | None, *, everything: bool, as_json: bool) -> None:
    """Compare the documented answers with those that came back in the run whose reports are in DIR.

    Each operation has its documented answers for each state of a key: status and error code. They are listed as seen,
    never seen, or seen and not documented. This decides nothing: verdicts do.

    With ANSWER (an error code, a status, an operation, or a refusal of the profile), explain why it came or never came:
    the requirements that demand it, the checks that bring it, and what came in its place.

    `requirements --coverage` is another table: what a run asks.
    """
    found = [(target, AnswersOfTarget.of(target, profile_of(target))) for target in load_report(directory).targets]
    if not any(each.came for _, each in found):
        raise ReportError(
            f"{directory} has no answers to compare.",
            "The run was made by an earlier version, which did not note them, or no request got an answer.",
            "Run again with this version.",
        )
    if answer is None:
        _list(found, everything=everything, as_json=as_json)
    else:
        _explain(answer, found, as_json=as_json)


def _list(found: list[tuple[TargetReport, AnswersOfTarget]], *, everything: bool, as_json: bool) -> None:
    if as_json:
        say(json.dumps([each.to_json() for _, each in found], indent=2, ensure_ascii=False))
        return
    screen = _screen()
    for number, (_, each) in enumerate(found):
        for line in (*([""] if number else []), *lines(each, screen.width, everything=everything)):
            screen.write_line(line)


def _explain(answer: str, found: list[tuple[TargetReport, AnswersOfTarget]], *, as_json: bool) -> None:
    shown = [
        (each.target, why_never(cell, each, target), each.seen[cell])
        for target, each in found
        for cell in matching(answer, each)
    ]
    if not shown:
        known = sorted({name for _, each in found for name in _names(each)})
        hint = did_you_mean(near(answer, known, _MOST_NEAR), "--all lists the documented ones.")
        raise ExplainedMistake(f"`{answer}` is no documented answer.", "No operation or refusal has it.", hint)
    if as_json:
        documents = [{"target": target, "count": count} | why.to_json() for target, why, count in shown]
        say(json.dumps(documents, indent=2, ensure_ascii=False))
        return
    screen = _screen()
    for number, (target, why, count) in enumerate(shown):
        head = f"{target}: " if len(found) > 1 else ""
        for line in (*([""] if number else []), *([head] if head else []), *why_lines(why, count, screen.width)):
            screen.write_line(line)


def _names(found: AnswersOfTarget) -> Iterator[str]:
    for cell in found.contract.cells:
        yield from filter(None, (cell.operation, cell.refusal, *(answer.code for answer in cell.answers)))


def _screen() -> Screen:
    return Screen(width=None if Screen().is_terminal else 120)
