"""Commands in new processes, in an environment that the test defines."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COMMAND = (sys.executable, "-m", "kms_conformance")
ONE_FAMILY = ("--tier", "smoke", "--", "-k", "test_contact")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def no_traceback(self) -> bool:
        return not any(word in self.text for word in ("Traceback", "INTERNALERROR", "site-packages", "BrokenPipe"))


def environment(cwd: Path, **changes: str | None) -> dict[str, str]:
    """The environment of this process without pytest's variables; a change to None removes a variable."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "GITHUB"))}
    found |= {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "NO_COLOR": "1", "COLUMNS": "100"}
    for name, value in changes.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = value
    return found


def start(*arguments: str, cwd: Path, line: str = "", **changes: str | None) -> Ended:
    """Run a command to its end; `line` is the shell command that starts it, with `"$@"` for the command."""
    command = ["bash", "-c", line, "bash", *COMMAND, *arguments] if line else [*COMMAND, *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(cwd, **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
