"""Commands in forked processes, which need not import modules again."""

from __future__ import annotations

import multiprocessing
import os
import sys
from pathlib import Path

from kms_conformance import cli
from kms_conformance.apps.selftest.runner import preload


def forked(*arguments: str, cwd: Path) -> tuple[int, str]:
    """The exit code and the output of a command at 80 columns, with its state folder in `cwd`."""
    preload()
    output = cwd / "output.txt"
    process = multiprocessing.get_context("fork").Process(target=_run, args=(arguments, cwd, output))
    process.start()
    process.join(120)
    process.kill()
    assert process.exitcode is not None
    return process.exitcode, output.read_text()


def _run(arguments: tuple[str, ...], cwd: Path, output: Path) -> None:
    os.chdir(cwd)
    for name in [name for name in os.environ if name.startswith("PYTEST")]:
        del os.environ[name]
    os.environ |= {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "COLUMNS": "80", "NO_COLOR": "1"}
    sys.argv = ["kms-conformance", *arguments]
    with output.open("w", buffering=1) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        sys.stdout = sys.stderr = file
        cli.main()
