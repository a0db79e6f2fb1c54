"""Create `.venv` beside this file and run an environment of tox.ini. Needs only Python 3.11 or newer.

python3 bootstrap.py certify     certifies the built-in emulator and writes a report
python3 bootstrap.py test        runs all linters, type checks and tests
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)
ENVIRONMENTS = ("certify", "test")


def main() -> int:
    """Run one environment; returns the exit code of tox, or 2 for a usage error."""
    if len(sys.argv) < 2 or sys.argv[1] not in ENVIRONMENTS:
        sys.stderr.write(f"Usage: {' or '.join(f'python3 bootstrap.py {name}' for name in ENVIRONMENTS)}\n")
        return 2
    if sys.version_info < OLDEST:
        sys.stderr.write(f"Python {sys.version.split()[0]} is too old; 3.11 or newer is required.\n")
        return 2
    if not (BIN / "tox").exists() and not (BIN / "tox.exe").exists():
        print("Setting up .venv (once, about a minute)", flush=True)
        venv.create(VENV, with_pip=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "tox>=4.21,<5"], check=True)
    environment, *arguments = sys.argv[1:]
    command = [PYTHON, "-m", "tox", "run", "-q", "-e", environment, "--", *arguments]
    return subprocess.run(command, cwd=HERE, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
