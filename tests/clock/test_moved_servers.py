"""Real servers with libfaketime: their clock moves by 400 days under load, and nothing is left when all is killed."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import pytest
from clock_commands import Clocked, answering, clocked, free_port, left_of
from tiny_servers import LANGUAGES, command_of, program_of

from kms_conformance.apps.clock.library import ClockError, find_library
from kms_conformance.apps.clock.serve import GUARD

_STEPS = 5
_STEP = timedelta(days=80)
_THREADS = 4
# The first half second of a server after a step of its clock: what it does by time-outs, it does then.
_REST_SECONDS = 0.5


def missing_library() -> str:
    """Why these tests cannot run here; empty where they can."""
    try:
        find_library()
    except ClockError as error:
        return f"{error.what} {error.hint}"
    return ""


pytestmark = pytest.mark.skipif(bool(missing_library()), reason=missing_library() or "libfaketime is installed")


class Load:
    """Threads that ask a server all the time, each with a connection of its own a request."""

    def __init__(self, server: Clocked) -> None:
        self.server = server
        self.times: list[list[float]] = [[] for _ in range(_THREADS)]
        self.failures = 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(times,)) for times in self.times]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, times: list[float]) -> None:
        while not self._ended.is_set():
            try:
                times.append(self.server.ask()[0])
            except (OSError, http.client.HTTPException):
                self.failures += 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_clock_of_a_server_moves_by_400_days_under_load(language: str, tmp_path: Path) -> None:
    if program_of(language) is None:
        pytest.skip(f"{language} is not installed")
    port = free_port()
    with clocked(command_of(language, tmp_path, port), port, folder=tmp_path) as server:
        _, pid, date = server.ask()
        start = parsedate_to_datetime(date)
        with Load(server) as load:
            for step in range(1, _STEPS + 1):
                said = server.advance(_STEP.total_seconds())
                at, _, date = server.ask()
                assert abs(at - said.timestamp()) < 5
                assert abs(parsedate_to_datetime(date) - said) < timedelta(seconds=5)
                assert abs(said - start - step * _STEP) < timedelta(minutes=2)
                time.sleep(_REST_SECONDS)
        # The clock of the machine is as it was, and the server serves on.
        assert abs(server.ask()[0] - time.time() - _STEPS * _STEP.total_seconds()) < 5
        assert all(times == sorted(times) and len(times) > _STEPS for times in load.times)
        # A request that is on its way while the clock jumps may meet a time-out of the server.
        assert load.failures <= _STEPS * _THREADS
        assert server.send(signal.SIGKILL) == -signal.SIGKILL
        assert left_of(pid, folder=tmp_path) == []


def test_a_server_that_a_script_starts_is_moved_as_well(tmp_path: Path) -> None:
    port = free_port()
    script = tmp_path / "start.sh"
    script.write_text(f"#!/bin/sh\necho starting\n{' '.join(command_of('python', tmp_path, port))} & wait\n")
    script.chmod(0o755)
    with clocked([f"{script}"], port, folder=tmp_path) as server:
        said = server.advance(86400.5)
        at, pid, _ = server.ask()
        assert abs(at - said.timestamp()) < 5
        assert server.send(signal.SIGTERM) == 0
        assert left_of(pid, folder=tmp_path) == []


def test_nothing_is_left_when_all_its_processes_are_told_to_end_at_once(tmp_path: Path) -> None:
    """As a service manager and an outer guard do: they signal every process that belongs to a command."""
    port = free_port()
    command = [sys.executable, "-m", "kms_conformance", "clock", "--", *command_of("python", tmp_path, port)]
    outer = [sys.executable, "-I", f"{GUARD}", f"{tmp_path}/none", "TMPDIR=" + f"{tmp_path}", "--", *command]
    with subprocess.Popen(
        outer, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        server = Clocked(process, "", port)  # type: ignore[arg-type]  # its output is not read
        pid = answering(server)
        process.stdin.close()
        assert process.wait(20) == 0
    assert left_of(pid, folder=tmp_path) == []
