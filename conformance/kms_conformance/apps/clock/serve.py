"""Starts the user's server with a clock that can be moved, tells the lines for its target file, and ends with it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from kms_conformance.apps.clock import library
from kms_conformance.apps.clock.control import ControlServer, MovedClock
from kms_conformance.apps.clock.library import ClockError

GUARD = Path(__file__).with_name("guard.py")
# More than the guard gives the server to end.
_ENDED_SECONDS = 10


def serve(command: Sequence[str], *, port: int, named: Path | None, write: Callable[[str], None]) -> int:
    """Serve until the command ends or a signal comes; returns the exit code of the command, 0 after a signal.

    - port: the port of the clock's URL on 127.0.0.1; 0: any free port.
    - named: the path of libfaketime, if it is not where packages install it.
    - write: takes the lines for the target file, once the command has been started.

    Raises `ClockError`.
    """
    preloaded = library.find_library(named)
    library.refuse_static(command[0])
    # The guard removes the folder as well, because this process may be killed.
    with tempfile.TemporaryDirectory(prefix="kms-conformance-clock-", ignore_cleanup_errors=True) as directory:
        offset_file = Path(directory) / "offset"
        clock = MovedClock(offset_file)
        variables = library.variables(preloaded, offset_file, os.environ)
        with _served(port, clock) as server, _guarded(command, Path(directory), variables) as guard:
            write(lines(command, server.url))
            try:
                return guard.wait()
            except KeyboardInterrupt:
                return 0


def lines(command: Sequence[str], url: str) -> str:
    """The lines of a target file for a server whose clock is moved at a URL."""
    # A line break in the command must not end the comment.
    shown = " ".join(shlex.join(command).split())
    return f"# The clock of `{shown}`.\ntime_control:\n  url: {url}\n  moves: everything"


@contextlib.contextmanager
def _served(port: int, clock: MovedClock) -> Iterator[ControlServer]:
    try:
        server = ControlServer(port, clock)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ClockError(
            f"The port {port} of 127.0.0.1 cannot be used.", f"{reason}.", "Choose another --port, or none."
        ) from None
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def _guarded(command: Sequence[str], folder: Path, variables: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Run a command that ends with this context, and with this process even if it is killed. Raises `ClockError`."""
    pairs = [f"{name}={value}" for name, value in variables.items()]
    guard = subprocess.Popen(  # noqa: S603 - the user's own command
        [sys.executable, "-I", f"{GUARD}", f"{folder}", *pairs, "--", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A Ctrl-C in the terminal is for this process, which ends the guard.
        start_new_session=True,
    )
    assert guard.stdin is not None
    assert guard.stdout is not None
    started = ""
    try:
        started = guard.stdout.readline().strip()
        if not started.isdecimal():
            raise ClockError(
                f"The command {command[0]} could not be started.",
                f"{started.removeprefix('! ') or 'No reason is known'}.",
                "Is it installed, and its name complete?",
            )
        yield guard
    finally:
        guard.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            guard.wait(_ENDED_SECONDS)
        code = guard.poll()
        if started.isdecimal() and (code is None or code < 0):
            # The guard itself hangs or was killed.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(int(started), signal.SIGKILL)
        guard.kill()
        guard.stdout.close()
