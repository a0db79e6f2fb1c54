"""The one command that shows a failure again, and what it needs to know of the run: by which files it asked."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from kms_conformance.report import files, layout
from kms_conformance.report.errors import ReportError

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
