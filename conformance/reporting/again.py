"""The one command that shows a failure again."""

from __future__ import annotations

import shlex
from pathlib import Path


def replay_command(directory: Path | str, failure: str) -> str:
    """The command that asks again for a failure of the run whose reports lie in `directory`."""
    return f"kms-conformance replay {shlex.quote(nearby(directory))} {failure}"


def nearby(path: Path | str) -> str:
    """The path as a user types it here: relative to the working directory where it lies below."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
