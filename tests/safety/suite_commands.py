"""Commands of the suite as a user starts them: plain pytest in a process of its own, others in forked ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tools import forked

# The options of a run that sends its first requests and few more.
ENTRY = ("--tier", "smoke", "--reports", "out", "--", "-k", "entry")


def command(folder: Path, *arguments: str, plain: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without a terminal; `plain`: plain pytest, in place of `kms-conformance`."""
    own = {"KMS_CONFORMANCE_STATE": str(folder / "state"), "NO_COLOR": "1"}
    if not plain:
        return forked.command(*arguments, cwd=folder, environment=own)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "--pyargs", "kms_conformance.suite", *arguments],
        cwd=folder,
        env=environment | own,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
    )
