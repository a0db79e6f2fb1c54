"""Runs a command in a session of its own, and ends it and all that it started when its own standard input closes.

    guard.py FOLDER [NAME=VALUE ...] -- COMMAND ...

The holder of the other end of the pipe need not live to the end for that: a pipe closes when its holder is killed. The
variables are set for the command alone; an empty value removes one. At the end, FOLDER is removed. Output of the
command goes to standard error. The first line on standard output is the process id of the command, or `!` and the
reason why it did not start. This file is run by its path and needs the standard library alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

# A server may need some time to end in order; then it is killed.
_GRACE_SECONDS = 3.0
_LOOK_SECONDS = 0.05
_PROC = Path("/proc")
# libfaketime leaves a file for each of these in shared memory when a program is killed, and a later program with the
# same process id does not start then.
_SHARED = Path("/dev/shm")  # noqa: S108 - the place that the C library uses
_LEFT = ("faketime_shm_{}", "sem.faketime_sem_{}")
# prctl(2): processes that lose their parent become children of this one, so that it can find them.
_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command to its end; returns its exit code, 128 and the number of the signal that ended it, or 2."""
    folder, *rest = sys.argv[1:]
    border = rest.index("--")
    environment = dict(os.environ)
    for pair in rest[:border]:
        name, _, value = pair.partition("=")
        environment[name] = value
        if not value:
            del environment[name]
    _adopt_orphans()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # Told to end, this process still has to end the command and to clear up: the pipe says when. A handler, and not
        # SIG_IGN, which the command would inherit.
        signal.signal(number, lambda *_: None)
    try:
        child = subprocess.Popen(  # noqa: S603 - the user's own command
            rest[border + 1 :], env=environment, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True
        )
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        _tell(f"! {error.strerror or error}")
        return 2
    _tell(f"{child.pid}")
    threading.Thread(target=_end_with_our_input, args=(child,), daemon=True).start()
    code = child.wait()
    seen = {child.pid, *_descendants()}
    _end_all(child.pid, signal.SIGKILL)  # what it left behind
    for left in (_SHARED / name.format(pid) for pid in seen for name in _LEFT):
        left.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


def _tell(line: str) -> None:
    with contextlib.suppress(OSError):
        os.write(1, f"{line}\n".encode())


def _end_with_our_input(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    _end_all(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    if child.poll() is None:
        _end_all(child.pid, signal.SIGKILL)


def _end_all(group: int, number: int) -> None:
    """Signal a process group and all descendants of this process; after SIGKILL, wait until none is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    deadline = time.monotonic() + _GRACE_SECONDS
    while found := list(_descendants()):
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        if number != signal.SIGKILL or time.monotonic() > deadline:
            return
        time.sleep(_LOOK_SECONDS)


def _descendants() -> Iterator[int]:
    """The running descendants of this process; none where the system has no /proc."""
    parents: dict[int, int] = {}
    for entry in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name of the program stands in brackets and may contain anything.
            state, parent, *_ = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            if state != "Z":
                parents[int(entry.name)] = int(parent)
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
        yield from more


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(main())
