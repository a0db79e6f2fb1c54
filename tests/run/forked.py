"""Commands in forked processes, with both outputs in one text."""

from __future__ import annotations

from pathlib import Path

from tools import forked as tool


def forked(*arguments: str, cwd: Path) -> tuple[int, str]:
    """The exit code and the output of a command at 80 columns, with its state folder in `cwd`."""
    environment = {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "COLUMNS": "80"}
    done = tool.command(*arguments, cwd=cwd, environment=environment)
    return done.returncode, done.stdout + done.stderr
