"""Runs a command in a process group of its own, and ends the whole group when its standard input closes.

The one who holds the other end need not live to the end for that: a pipe closes when its holder is killed. Needs the
standard library alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=_end_with_our_input, args=(child,), daemon=True).start()
    code = child.wait()
    _signal(child, signal.SIGKILL)  # what it left behind
    return code


def _end_with_our_input(child: subprocess.Popen[bytes]) -> None:
    sys.stdin.buffer.read()
    _signal(child, signal.SIGTERM)
    try:
        child.wait(3)
    except subprocess.TimeoutExpired:
        _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen[bytes], number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, number)


if __name__ == "__main__":
    sys.exit(main())
