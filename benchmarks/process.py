"""Runs a command and measures wall-clock time, processor time and peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Usage:
    """Wall-clock `seconds`, `cpu` seconds, `peak` memory in MB, time of start (`started`, seconds since 1970)."""

    seconds: float
    cpu: float
    peak: float
    started: float
    code: int


def python(*arguments: str) -> list[str]:
    """A command line for this Python interpreter."""
    return [sys.executable, *arguments]


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None) -> Usage:
    """Run a command in a folder, write its output to `output.txt` there, and measure it. Bytecode is cached."""
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    variables = {**os.environ, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": _bytecode(), **(environment or {})}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    with (folder / "output.txt").open("wb") as output:
        started, clock = time.time(), time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - clock
    process.returncode = os.waitstatus_to_exitcode(status)
    # Linux reports kilobytes, macOS bytes.
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return Usage(seconds, used.ru_utime + used.ru_stime, peak, started, process.returncode)


@cache
def _bytecode() -> str:
    """A temporary folder for bytecode, so that caching does not depend on the user's environment."""
    holder = tempfile.TemporaryDirectory(prefix="kms-benchmark-")
    _HOLDERS.append(holder)
    return holder.name


_HOLDERS: list[tempfile.TemporaryDirectory[str]] = []
