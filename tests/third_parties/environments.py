"""An environment of its own for each release: what it needs never meets what we need."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from releases import Release

# Kept between runs, and ignored by git.
CACHE = Path(__file__).resolve().parents[2] / ".third-parties"
_INSTALLED = ".installed"


def programs_of(release: Release) -> Path:
    """The folder of a release's programs, installed if it is not yet. Raises `RuntimeError` with the installer's words.

    The folder's name has the pins and our Python in it, so other pins make another environment. Runs that meet wait
    for each other.
    """
    content = release.requirements.read_bytes() + sys.version.encode()
    home = CACHE / f"{release.name}-{hashlib.sha256(content).hexdigest()[:12]}"
    with _alone(home):
        if not (home / _INSTALLED).exists():
            _install(release, home)
            (home / _INSTALLED).touch()
    return home / "bin"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(release: Release, home: Path) -> None:
    # Our pip installs into it: one less to make, some 3 s each.
    venv.create(home, with_pip=False, clear=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        f"{home}/bin/python",
        "install",
        "--quiet",
        "--no-deps",
        "--no-compile",
    ]
    command += ["--disable-pip-version-check", "--requirement", f"{release.requirements}"]
    # Pip must see neither the caller's environment variables for Python nor be asked anything.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        raise RuntimeError(
            f"{release.name} could not be installed: {done.stderr.strip()[-2000:]}\n"
            f"It needs the package registry that pip is set up for. Try again, or see: {' '.join(command)}"
        )
