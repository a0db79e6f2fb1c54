"""Commands of the suite in forked processes, which need not import its modules again.

A new Python process needs a second of processor time before its first request. A forked process is for tests of what
a command does; tests of how a process starts or ends begin a new one.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kms_conformance import cli
from kms_conformance.apps.selftest.runner import preload


def command(
    *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None, timeout_seconds: float = 170
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in a folder, without a terminal and without the variables of pytest.

    The environment is that of this process with the changes in `environment`. Raises `TimeoutError` if the command does
    not end in time.
    """
    preload()
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder) / "stdout", Path(folder) / "stderr"
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_run, args=(arguments, cwd, dict(environment or {}), outputs))
        process.start()
        process.join(timeout_seconds)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"{arguments[0]} did not end within {timeout_seconds} s")
        out, err = (output.read_text(encoding="utf-8", errors="replace") for output in outputs)
    return subprocess.CompletedProcess(["kms-conformance", *arguments], process.exitcode, out, err)


def _run(arguments: tuple[str, ...], cwd: Path, environment: dict[str, str], outputs: tuple[Path, Path]) -> None:
    # Objects of the parent process are not searched for garbage: that would copy the memory that both share.
    gc.freeze()
    os.chdir(cwd)
    for name in [name for name in os.environ if name.startswith("PYTEST")]:
        del os.environ[name]
    os.environ |= {"NO_COLOR": "1", **environment}
    sys.argv = ["kms-conformance", *arguments]
    sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - open until the process ends
    os.dup2(sys.stdin.fileno(), 0)
    files = [output.open("w", encoding="utf-8", errors="surrogateescape", buffering=1) for output in outputs]
    for number, file in enumerate(files, 1):
        os.dup2(file.fileno(), number)
    sys.stdout, sys.stderr = files
    cli.main()
