"""Commands of the suite in a process of their own, as a user starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# The options of a run that sends its first requests and few more.
ENTRY = ("--tier", "smoke", "--reports", "out", "--", "-k", "entry")


def command(folder: Path, *arguments: str, plain: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without a terminal; `plain`: plain pytest, in place of `kms-conformance`."""
    head = ["pytest", "--pyargs", "kms_conformance.suite"] if plain else ["kms_conformance"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [sys.executable, "-m", *head, *arguments],
        cwd=folder,
        env=environment | {"KMS_CONFORMANCE_STATE": str(folder / "state"), "NO_COLOR": "1"},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
        check=False,
    )
