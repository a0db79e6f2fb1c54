"""An environment of its own for each release: what it needs never meets what we need."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from releases import Release


class MissingPythonError(Exception):
    """No Python of the release that a third party's release needs."""


# Kept between runs, and ignored by git.
CACHE = Path(__file__).resolve().parents[2] / ".third-parties"
_INSTALLED = ".installed"


def programs_of(release: Release) -> Path:
    """The folder of a release's programs, installed if it is not yet.

    The folder's name has the pins and the Python in it, so other pins make another environment. Runs that meet wait
    for each other. Raises `RuntimeError` with the installer's words, and `MissingPythonError` where its Python is not
    installed.
    """
    python, version = python_of(release)
    content = release.requirements.read_bytes() + version.encode()
    home = CACHE / f"{release.name}-{hashlib.sha256(content).hexdigest()[:12]}"
    with _alone(home):
        if not (home / _INSTALLED).exists():
            _install(release, python, home)
            (home / _INSTALLED).touch()
    return home / "bin"


def python_of(release: Release) -> tuple[str, str]:
    """The program of the Python that a release needs, and its version.

    A release that names none gets ours. Another is the program that a variable such as `KMS_CONFORMANCE_PYTHON_3_13`
    names, or else `python3.13` of `PATH`. Raises `MissingPythonError` where neither runs and is of that version.
    """
    if not release.python:
        return sys.executable, sys.version
    variable = f"KMS_CONFORMANCE_PYTHON_{release.python.replace('.', '_')}"
    # A shim of pyenv is on PATH and runs nothing where its version is not chosen, so each is asked.
    program = os.environ.get(variable) or shutil.which(f"python{release.python}")
    version = _version(program) if program else ""
    if program and version.startswith(f"{release.python}."):
        return program, version
    raise MissingPythonError(
        f"{release.name} needs Python {release.python}: no python{release.python} on PATH that runs. "
        f"Install it, or set {variable} to its program."
    )


def _version(program: str) -> str:
    try:
        asked = [program, "-I", "-c", "import sys; print(sys.version)"]
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    except OSError:
        return ""
    return done.stdout if done.returncode == 0 else ""


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    CACHE.mkdir(exist_ok=True)
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(release: Release, python: str, home: Path) -> None:
    # Our pip installs into it: one less to make, some 3 s each.
    made = subprocess.run(
        [python, "-I", "-m", "venv", "--without-pip", "--clear", f"{home}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"{python} made no environment for {release.name}: {made.stderr.strip()[-2000:]}")
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
