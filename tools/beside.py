"""Runs one command while another runs, and shows its output afterwards.

python -m tools.beside mypy -- pytest -n 3

Exits with the code of the second command, or with that of the first if the second one succeeds. The type checker uses
one core and tests wait for much, so both together are done sooner than one after the other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

_SEPARATOR = "--"


def run(first: Sequence[str], second: Sequence[str]) -> int:
    """Run both commands to their ends; only the second one writes to the terminal meanwhile."""
    with tempfile.TemporaryFile() as output:
        begun = time.monotonic()
        beside = subprocess.Popen(first, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)  # noqa: S603 - the caller's command
        try:
            code = subprocess.run(second, check=False).returncode  # noqa: S603 - the caller's command
            beside_code = beside.wait()
        finally:
            if beside.poll() is None:
                beside.kill()
                beside.wait()
        output.seek(0)
        said = output.read().decode("utf-8", "replace")
    print(f"{said}{' '.join(first)}: exit code {beside_code}, both done after {time.monotonic() - begun:.0f} s")  # noqa: T201 - the output of a command
    return code or beside_code


def main(arguments: Sequence[str]) -> int:
    """Run the commands before and after `--`; returns 2 if there are not two of them."""
    if _SEPARATOR not in arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    place = list(arguments).index(_SEPARATOR)
    first, second = arguments[:place], arguments[place + 1 :]
    if not first or not second:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return run(first, second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
