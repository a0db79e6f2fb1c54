"""The commands that repeat a run or a failure, and the file `replay.json`, which names the run's target files.

The command `replay` reads `replay.json`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.core.disk import relative_path
from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport


FORMAT = 1
# If more checks than this failed, the command names the files of the checks instead of the checks.
_MOST_NAMED = 5


@dataclass(frozen=True)
class Command:
    """A command line, with a title that says what it does."""

    title: str
    line: str


def commands(target: TargetReport) -> tuple[Command, ...]:
    """Commands that repeat the run on one target and, if checks failed, only these checks."""
    return tuple(_commands(target))


def _commands(target: TargetReport) -> Iterator[Command]:
    verdict = target.verdict
    file = shlex.quote(f"{verdict.name}.yaml")
    run = f"kms-conformance run --target {file} --tier {verdict.tier} --seed {verdict.seed}"
    yield Command("Show requests and costs of a run; changes nothing", f"kms-conformance doctor --target {file}")
    yield Command("Repeat the whole run", run)
    failed = [check for check in target.checks if check.failures]
    if failed:
        functions = dict.fromkeys(check.check.partition("::")[2].partition("[")[0] for check in failed)
        families = dict.fromkeys(f"test_{check.family}.py" for check in failed)
        few = functions if len(functions) <= _MOST_NAMED else families
        wanted = " or ".join(["test_entry.py", *few])
        yield Command("Repeat only the checks that failed", f"{run} -- -k {shlex.quote(wanted)}")


def replay_command(directory: Path | str, failure: str) -> str:
    """The command that repeats the exchanges of a failure; `directory` is the reports folder of the run."""
    return f"kms-conformance replay {shlex.quote(relative_path(directory))} {failure}"


def write_replay_file(directory: Path, paths: Mapping[str, Path | None]) -> None:
    """Write `replay.json`. `paths`: by target name, the path of its target file; None for the built-in emulator."""
    targets = {name: None if path is None else str(path.resolve()) for name, path in paths.items()}
    files.write_atomically(directory / layout.REPLAY, files.to_text({"format": FORMAT, "targets": targets}))


def read_replay_file(directory: Path) -> dict[str, Path | None]:
    """Read `replay.json`; empty if the file is missing or has another format."""
    folder = directory if directory.is_dir() else directory.parent
    with suppress(ReportError, AttributeError, TypeError):
        found = files.read_json(folder / layout.REPLAY)
        if found.get("format") == FORMAT:
            return {name: None if path is None else Path(path) for name, path in found["targets"].items()}
    return {}
