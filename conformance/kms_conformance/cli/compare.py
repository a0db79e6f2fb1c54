"""`compare`: two runs by their verdicts, or two targets by their answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kms_conformance.apps import differential as comparing
from kms_conformance.apps.differential import AnswerComparison, AnswerRecording
from kms_conformance.cli.differential import agree, ask, explain_unasked
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.text import say
from kms_conformance.report.compare import compare as compared
from kms_conformance.report.files import to_text, write_atomically
from kms_conformance.report.schemas import Schema, validate
from kms_conformance.report.text import changes as changes_text
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import Target, load_target
from kms_conformance.verdict.decide import EXIT_CODES

_PATH = click.Path(path_type=Path)
_STDOUT = "-"
_YAML = frozenset({".yaml", ".yml"})


@dataclass(frozen=True)
class _Given:
    """What one argument is: a recording, a target, or, where both are None, a run's verdict or folder."""

    path: Path
    recording: AnswerRecording | None = None
    target: Target | None = None

    @property
    def dialect(self) -> str:
        found = self.recording or self.target
        return "" if found is None else found.dialect


@click.command()
@click.argument("first", metavar="A", type=_PATH)
@click.argument("second", metavar="B", type=_PATH)
@click.option("--live", is_flag=True, help="Ask two targets now; A and B are their target files.")
@click.option(
    "--json",
    "as_json",
    metavar="FILE",
    is_flag=False,
    flag_value=_STDOUT,
    help="Write the comparison as JSON; with no FILE, print it and nothing else.",
)
@click.option(
    "--markdown",
    "as_markdown",
    metavar="FILE",
    is_flag=False,
    flag_value=_STDOUT,
    help="Of two runs: write what changed as Markdown; with no FILE, print it and nothing else.",
)
@click.option("--strict", is_flag=True, help="Of two runs: exit with 1 for any change, not for a regression alone.")
@click.option("--seed", type=int, default=0, show_default=True, help="With --live: chooses windows between the bounds.")
@click.option("--yes", is_flag=True, help="Create keys in accounts that are not on this machine, without asking.")
def compare(
    first: Path,
    second: Path,
    live: bool,  # noqa: FBT001 - an option
    as_json: str | None,
    as_markdown: str | None,
    strict: bool,  # noqa: FBT001 - an option
    seed: int,
    yes: bool,  # noqa: FBT001 - an option
) -> int:
    """Say where B differs from A.

    Two reports folders or verdict files, B the later one: what regressed, what was fixed, what is new or gone, and what
    is answered otherwise though both answers are accepted.

    Two target files with --live, or recordings of `record`, or one of each: which questions are answered otherwise, and
    whom the documents support. A target that is asked gets up to two keys, which are scheduled for deletion at the end.
    """
    a, b = _read(first), _read(second)
    kinds = {_kind(given) for given in (a, b)}
    if live and kinds != {"target"}:
        raise click.UsageError("--live asks two targets: A and B must be target files.")
    if kinds == {"target"} and not live:
        raise click.UsageError("A and B are target files. Add --live to ask them: that creates keys on both.")
    if kinds == {"run"}:
        return _compare_runs(first, second, as_json, as_markdown, strict=strict)
    if "run" in kinds:
        raise click.UsageError("A run cannot be compared with a recording or a target: give two of a kind.")
    if strict or as_markdown:
        raise click.UsageError("--strict and --markdown are for two runs. Leave them out.")
    if a.dialect != b.dialect:
        raise click.UsageError(
            f"{first} speaks {a.dialect} and {second} speaks {b.dialect}: only targets of one dialect can be asked the "
            "same questions."
        )
    agree([given.target for given in (a, b) if given.target is not None], yes=yes)
    return _compare_answers(a, b, as_json, seed)


def _kind(given: _Given) -> str:
    return "recording" if given.recording else "target" if given.target else "run"


def _read(path: Path) -> _Given:
    """Tell by its content what a file is; a folder is a run's."""
    if path.is_dir():
        return _Given(path)
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        # No JSON: a target file, or nothing that can be read; either reader has words for that.
        is_target = path.suffix in _YAML or (path.exists() and path.suffix != ".json")
        return _Given(path, target=load_target(path)) if is_target else _Given(path)
    if isinstance(document, dict) and document.get("kind") == comparing.KIND:
        return _Given(path, recording=comparing.read_recording(path))
    if isinstance(document, dict) and "base_url" in document:
        return _Given(path, target=load_target(path))
    return _Given(path)


def _compare_answers(a: _Given, b: _Given, as_json: str | None, seed: int) -> int:
    recorded = a.recording or b.recording
    seed = recorded.seed if recorded else seed
    # The same questions for both, whatever profile the other one has.
    facts_of = recorded.profile if recorded else a.target.profile if a.target else None
    first, second = (given.recording or _asked(given.target, seed, facts_of) for given in (a, b))
    if first is None or second is None:
        return EXIT_CODES["inconclusive"]
    comparison = comparing.compare_recordings(first, second, datetime.now(UTC))
    _tell(comparison, as_json)
    return comparison.exit_code


def _asked(target: Target | None, seed: int, facts_of: str | None) -> AnswerRecording | None:
    """The answers of a target; None where it could not be asked, which is told."""
    if target is None:
        return None
    try:
        return ask(target, seed, facts_of)
    except Inconclusive as error:
        explain_unasked(target.name, error.reason, error.hint)
        return None


def _tell(comparison: AnswerComparison, as_json: str | None) -> None:
    if as_json is not None:
        _write(comparing.to_json(comparison), as_json, "comparison")
    if as_json != _STDOUT:
        comparing.show(comparison, Screen())


def _compare_runs(first: Path, second: Path, as_json: str | None, as_markdown: str | None, *, strict: bool) -> int:
    if as_json == as_markdown == _STDOUT:
        raise click.UsageError("--json and --markdown cannot both be printed. Give one of them a FILE.")
    comparison = compared(first, second)
    code = comparison.exit_code(strict=strict)
    if as_json is not None:
        _write(comparison.to_json(), as_json, "changes")
    if as_markdown == _STDOUT:
        say(changes_text.markdown(comparison), end="")
    elif as_markdown is not None:
        write_atomically(Path(as_markdown), changes_text.markdown(comparison))
    if _STDOUT in (as_json, as_markdown):
        return code
    screen = Screen()
    for line in changes_text.lines(comparison, screen.width):
        screen.write_line(line)
    return code


def _write(document: dict[str, Any], where: str, schema: Schema) -> None:
    validate(document, schema, where)
    if where == _STDOUT:
        say(json.dumps(document, indent=2))
    else:
        write_atomically(Path(where), to_text(document))
