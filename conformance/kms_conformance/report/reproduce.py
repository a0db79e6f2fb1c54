"""The commands by which a run, and each of its failures, is seen again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport


@dataclass(frozen=True)
class Command:
    """A command to type, and what it does."""

    title: str
    line: str


def commands(target: TargetReport) -> tuple[Command, ...]:
    """How to repeat the run on one target, and its failed checks alone where there are some."""
    return tuple(_commands(target))


def _commands(target: TargetReport) -> Iterator[Command]:
    verdict = target.verdict
    file = shlex.quote(f"{verdict.name}.yaml")
    run = f"kms-conformance run --target {file} --tier {verdict.tier} --seed {verdict.seed}"
    yield Command("What the run would send and cost; changes nothing", f"kms-conformance doctor --target {file}")
    yield Command("The run, whole", run)
    failed = [check for check in target.checks if check.failures]
    if failed:
        functions = dict.fromkeys(check.check.partition("::")[2].partition("[")[0] for check in failed)
        families = dict.fromkeys(f"test_{check.family}.py" for check in failed)
        few = functions if len(functions) <= _MOST_NAMED else families
        wanted = " or ".join(["test_entry.py", *few])
        yield Command("Only the checks that failed", f"{run} -- -k {shlex.quote(wanted)}")


# More names than this, and the line is better read with the files that hold them.
_MOST_NAMED = 5


FORMAT = 1


def replay_command(directory: Path | str, failure: str) -> str:
    """The command that asks again for a failure of the run whose reports lie in `directory`."""
    return f"kms-conformance replay {shlex.quote(nearby(directory))} {failure}"


def nearby(path: Path | str) -> str:
    """The path as a user types it here: relative to the working directory where it lies below."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)


def remember(directory: Path, paths: Mapping[str, Path | None]) -> None:
    """Write down the target file of each target, by name; None for the built-in emulator."""
    targets = {name: None if path is None else str(path.resolve()) for name, path in paths.items()}
    files.write_atomically(directory / layout.REPLAY, files.to_text({"format": FORMAT, "targets": targets}))


def remembered(directory: Path) -> dict[str, Path | None]:
    """What `remember` wrote; nothing where there is nothing, or another version wrote it."""
    folder = directory if directory.is_dir() else directory.parent
    with suppress(ReportError, AttributeError, TypeError):
        found = files.read_json(folder / layout.REPLAY)
        if found.get("format") == FORMAT:
            return {name: None if path is None else Path(path) for name, path in found["targets"].items()}
    return {}
