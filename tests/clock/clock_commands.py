"""The command `clock` in a process of its own, and what is left of it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import requests
import yaml

_PATIENCE_SECONDS = 40
#: Where the library keeps files for each process.
SHARED = Path("/dev/shm")  # noqa: S108 - the place that the C library uses


@dataclass
class Clocked:
    """A running command: its process, its lines for the target file, and the port of the server that it started."""

    process: subprocess.Popen[str]
    lines: str
    port: int

    @property
    def url(self) -> str:
        return str(yaml.safe_load(self.lines)["time_control"]["url"])

    def advance(self, seconds: float) -> datetime:
        """Move the clock; returns the time that the command says it is then."""
        reply = requests.post(self.url, json={"advance_seconds": seconds}, timeout=10)
        return datetime.fromisoformat(reply.json()["now"])

    def ask(self) -> tuple[float, int, str]:
        """The server's time, its process id, and the `Date` header of its reply."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/")
            reply = connection.getresponse()
            at, pid = reply.read().decode().split()
            return float(at), int(pid), reply.headers.get("Date", "")
        finally:
            connection.close()

    def send(self, number: int) -> int:
        """Send the command a signal; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answering(running: Clocked) -> int:
    """Wait until the server of a command answers; returns the id of its process."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return running.ask()[1]
        except (OSError, http.client.HTTPException):
            assert running.process.poll() is None, f"ended with {running.process.returncode}: {running.lines}"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)


@contextlib.contextmanager
def clocked(command: Sequence[str], port: int, *options: str, folder: Path) -> Iterator[Clocked]:
    """Start a server by the command and wait until it answers. The command is killed at the end.

    `folder`: the place of its temporary files.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "kms_conformance", "clock", *options, "--", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": f"{folder}"},
        text=True,
    )
    try:
        assert process.stdout is not None
        told = "".join(process.stdout.readline() for _ in range(4))
        running = Clocked(process, told, port)
        answering(running)
        yield running
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def left_of(*pids: int, folder: Path) -> list[str]:
    """What is left of a command that has ended: processes with these ids, and files of its own and of the library."""
    deadline = time.monotonic() + 10
    while (found := list(_left(pids, folder))) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _left(pids: Sequence[int], folder: Path) -> Iterator[str]:
    yield from (f"process {pid}" for pid in pids if alive(pid))
    shared = (SHARED / f"{name}_{pid}" for pid in pids for name in ("faketime_shm", "sem.faketime_sem"))
    yield from (f"{path}" for path in shared if path.exists())
    yield from map(str, folder.glob("kms-conformance-clock-*"))


TOLD_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
