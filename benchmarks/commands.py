"""Runs a tool's command in a separate process with a time limit."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_ROOT = Path(__file__).parent.parent
# Interval of checks whether the command has ended.
_POLL_SECONDS = 0.5


def execute(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    most_seconds: float,
    enough: Callable[[], bool] = lambda: False,
) -> str:
    """Run a command in a folder until it ends or `enough` returns True; returns a problem, or "".

    Exit codes 0 and 1 are normal for both tools, and 3 (inconclusive) for the suite.
    """
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    ends = time.monotonic() + most_seconds
    try:
        while process.poll() is None:
            if time.monotonic() > ends:
                return f"stopped after {most_seconds:.0f} s"
            if enough():
                return ""
            time.sleep(_POLL_SECONDS)
        return "" if process.returncode in {0, 1, 3} else f"ended with {process.returncode}"
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
