"""Runs a command within this process, and takes note of all that it starts, writes and reaches on the way."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from kms_conformance import cli
from kms_conformance.core.errors import UserMistake
from kms_conformance.core.text import say

_STARTS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn"}
_WRITES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.symlink", "os.link", "os.truncate", "shutil.rmtree"}
_REACHES = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}
_LOCAL = {"127.0.0.1", "::1", "localhost"}
_SECONDS = 20


@dataclass
class Seen:
    """What a command did: its exit code, all that it said, and what it should not have done."""

    code: int = -1
    said: str = ""
    deeds: list[str] = field(default_factory=list)


class _Slow(BaseException):
    """A command took too long; nothing that the command catches."""


_watched: list[tuple[Seen, tuple[str, ...]]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watched:
        return
    seen, allowed = _watched[-1]
    if event in _STARTS:
        seen.deeds.append(f"{event} {arguments!r}"[:200])
        raise PermissionError("no program is started in a test of hostile files")
    if event in _REACHES:
        host = arguments[1][0] if event == "socket.connect" and isinstance(arguments[1], tuple) else arguments[0]
        if isinstance(host, (str, bytes)) and str(host) not in _LOCAL:
            raise OSError(113, "no network in a test of hostile files")
    if event == "open" and _is_writing(arguments) and isinstance(arguments[0], (str, bytes, os.PathLike)):
        _check(seen, event, os.fsdecode(arguments[0]), allowed)
    if event in _WRITES:
        _check(seen, event, os.fsdecode(arguments[0]), allowed)


def _is_writing(arguments: tuple[Any, ...]) -> bool:
    return bool(arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(arguments[2], int) else False


def _check(seen: Seen, event: str, path: str, allowed: tuple[str, ...]) -> None:
    whole = os.path.realpath(path)
    # A temporary file without a name is opened as the folder that it is in.
    if whole == os.path.realpath(tempfile.gettempdir()) and event == "open":
        return
    if not whole.startswith(allowed) and not whole.endswith(".pyc") and "__pycache__" not in whole:
        seen.deeds.append(f"{event} {whole}")


sys.addaudithook(_audit)


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    def late(_: int, __: FrameType | None) -> None:
        raise _Slow

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def command(folder: Path, *arguments: str, act: Callable[[], object] | None = None) -> Seen:
    """What `kms-conformance` does with these arguments in this folder: only there, and in temporary ones, may it write.

    With `act`, what that does, for readers that are not reached by a command in time.
    """
    seen = Seen()
    temporary = f"{os.path.realpath(tempfile.gettempdir())}/kms-conformance-"
    allowed = (f"{folder.resolve()}/", temporary, "/dev/null")
    argv, here, stdout, stderr = sys.argv, Path.cwd(), io.StringIO(), io.StringIO()
    os.chdir(folder)
    sys.argv = ["kms-conformance", *arguments]
    _watched.append((seen, allowed))
    try:
        with _in_time(), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            (act or cli.main)()
            seen.code = 0
    except UserMistake as error:
        seen.code = error.exit_code
        with contextlib.redirect_stderr(stderr):
            say(error.told, err=True)
    except SystemExit as ended:
        seen.code = int(ended.code or 0)
    except _Slow:
        seen.deeds.append(f"it took more than {_SECONDS} seconds")
    finally:
        _watched.pop()
        sys.argv = argv
        os.chdir(here)
    seen.said = stdout.getvalue() + stderr.getvalue()
    return seen
