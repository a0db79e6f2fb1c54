"""`compare`: compares two runs by their verdicts, or two targets by their answers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kms_conformance.apps import differential
from kms_conformance.apps.differential import AnswerComparison, AnswerRecording
from kms_conformance.cli.differential import record_target, report_not_recorded, require_consent
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
class _Argument:
    """One argument: a recording, a target, or (if both fields are None) the verdict file or reports folder of a run."""

    path: Path
    recording: AnswerRecording | None = None
    target: Target | None = None

    @property
    def dialect(self) -> str:
        found = self.recording or self.target
        return "" if found is None else found.dialect

    @property
    def kind(self) -> str:
        """`recording`, `target` or `run`."""
        return "recording" if self.recording else "target" if self.target else "run"


@click.command()
@click.argument("first", metavar="A", type=_PATH)
@click.argument("second", metavar="B", type=_PATH)
@click.option("--live", is_flag=True, help="Query two targets now; A and B are their target files.")
@click.option(
    "--json",
    "as_json",
    metavar="FILE",
    is_flag=False,
    flag_value=_STDOUT,
    help="Write the comparison as JSON; without FILE, print only the JSON.",
)
@click.option(
    "--markdown",
    "as_markdown",
    metavar="FILE",
    is_flag=False,
    flag_value=_STDOUT,
    help="Two runs: write the changes as Markdown; without FILE, print only the Markdown.",
)
@click.option("--strict", is_flag=True, help="Two runs: exit with 1 for any change, not only for a regression.")
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
    """Compare two runs, or the answers of two targets.

    Two runs: A and B are reports folders or verdict files; B is the later run. The comparison shows the requirements
    that regressed, are fixed, are new or were removed, and the answers that changed although both are accepted.

    Two targets: A and B are target files (with --live), recordings that `record` wrote, or one of each. The comparison
    shows the requests with different answers, and which answer the documents support. On each target that is queried,
    up to two keys are created; they are scheduled for deletion at the end.
    """
    a, b = _read(first), _read(second)
    kinds = {argument.kind for argument in (a, b)}
    if live and kinds != {"target"}:
        raise click.UsageError("--live queries two targets: A and B must be target files.")
    if kinds == {"target"} and not live:
        raise click.UsageError("A and B are target files. Add --live to query them: this creates keys on both.")
    if kinds == {"run"}:
        return _compare_runs(first, second, as_json, as_markdown, strict=strict)
    if "run" in kinds:
        raise click.UsageError("A run cannot be compared with a recording or a target: name two of the same kind.")
    if strict or as_markdown:
        raise click.UsageError("--strict and --markdown compare two runs. Leave them out.")
    if a.dialect != b.dialect:
        raise click.UsageError(
            f"{first} is of the dialect {a.dialect}, {second} of {b.dialect}: only targets of the same dialect can be "
            "compared."
        )
    require_consent([argument.target for argument in (a, b) if argument.target is not None], yes=yes)
    return _compare_answers(a, b, as_json, seed)


def _read(path: Path) -> _Argument:
    """Recognise an argument by its content; a folder belongs to a run."""
    if path.is_dir():
        return _Argument(path)
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        # The file is not JSON: it is a target file, or it cannot be read. The code that loads it reports any error.
        is_target = path.suffix in _YAML or (path.exists() and path.suffix != ".json")
        return _Argument(path, target=load_target(path)) if is_target else _Argument(path)
    if isinstance(document, dict) and document.get("kind") == differential.KIND:
        return _Argument(path, recording=differential.read_recording(path))
    if isinstance(document, dict) and "base_url" in document:
        return _Argument(path, target=load_target(path))
    return _Argument(path)


def _compare_answers(a: _Argument, b: _Argument, as_json: str | None, seed: int) -> int:
    recorded = a.recording or b.recording
    seed = recorded.seed if recorded else seed
    # Both targets get the questions of the same profile, even if they have different profiles.
    profile = recorded.profile if recorded else a.target.profile if a.target else None
    first, second = (argument.recording or _recorded(argument.target, seed, profile) for argument in (a, b))
    if first is None or second is None:
        return EXIT_CODES["inconclusive"]
    comparison = differential.compare_recordings(first, second, datetime.now(UTC))
    _show_comparison(comparison, as_json)
    return comparison.exit_code


def _recorded(target: Target | None, seed: int, profile: str | None) -> AnswerRecording | None:
    """Record the answers of a target. If the target cannot be queried, print the reason and return None."""
    if target is None:
        return None
    try:
        return record_target(target, seed, profile)
    except Inconclusive as error:
        report_not_recorded(target.name, error.reason, error.hint)
        return None


def _show_comparison(comparison: AnswerComparison, as_json: str | None) -> None:
    if as_json is not None:
        _write(differential.to_json(comparison), as_json, "comparison")
    if as_json != _STDOUT:
        differential.show(comparison, Screen())


def _compare_runs(first: Path, second: Path, as_json: str | None, as_markdown: str | None, *, strict: bool) -> int:
    if as_json == as_markdown == _STDOUT:
        raise click.UsageError("--json and --markdown cannot both be printed. Name a FILE for one of them.")
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
