"""Starts a release on 127.0.0.1, waits until it answers, and ends it for sure.

By hand, until Ctrl-C:  python tests/third_parties/serving.py moto-5.2.5 [--port 5000] [--clock]
"""

from __future__ import annotations

import argparse
import http.client
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from environments import programs_of
from releases import Release, release

from kms_conformance.apps.clock.control import CONTROL_PATH
from kms_conformance.apps.clock.serve import GUARD

# Of a machine that is busy: LocalStack takes 15 s of its own.
_READY_SECONDS = 180
_ENDED_SECONDS = 10
# Newfoundland's time, told so that no table of zones is needed: half an hour off every whole hour, and west, where a
# date that mixes in local time comes too early, which no reading of the documents allows. In UTC it would be right.
ELSEWHERE = "NST03:30"
_TRIES = 3


class _NoAnswerError(Exception):
    """A server that was started and does not serve."""


@dataclass(frozen=True)
class Serving:
    """A release that serves: its address, and the text of a target file for it."""

    release: Release
    port: int
    clock_port: int | None = None

    @property
    def clock_url(self) -> str | None:
        """The URL that moves its clock, if it was started with one."""
        return None if self.clock_port is None else f"http://127.0.0.1:{self.clock_port}{CONTROL_PATH}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def target_text(self) -> str:
        return self.release.target_text(self.port, self.clock_url)


@contextmanager
def serve(what: Release, *, port: int = 0, timezone: str = ELSEWHERE, clock: bool = False) -> Iterator[Serving]:
    """Serve a release, on a free port unless one is named. Raises `RuntimeError` with its last words if it ends.

    `clock`: start it by `kms-conformance clock`, which needs libfaketime.

    It gets a home and a working directory of its own, and nothing of our environment, so that it finds neither
    anybody's credentials nor state of an earlier run.
    """
    programs = programs_of(what)
    with tempfile.TemporaryDirectory(prefix="third-party-") as directory:
        home = Path(directory)
        clock_port = _free_port() if clock else None
        process, chosen = _started(what, programs, home, port, timezone, clock_port)
        try:
            yield Serving(what, chosen, clock_port)
        finally:
            _end(process)


def _started(
    what: Release, programs: Path, home: Path, port: int, timezone: str, clock_port: int | None
) -> tuple[subprocess.Popen[bytes], int]:
    log = home / "log"
    for _ in range(_TRIES):
        chosen = port or _free_port()
        environment = {
            "PATH": f"{programs}:/usr/bin:/bin",
            "HOME": f"{home}",
            "TMPDIR": f"{home}",
            "TZ": timezone,
            "PYTHONUNBUFFERED": "1",
            **what.implementation.environment(chosen),
        }
        command = list(what.command(programs, chosen))
        if clock_port is not None:
            ours = [sys.executable, "-I", "-m", "kms_conformance", "clock", "--port", f"{clock_port}", "--"]
            command = [*ours, *command]
        process = _guarded(command, environment, home, log)
        try:
            _wait_until_it_answers(process, chosen)
        except BaseException as error:
            _end(process)
            words = log.read_text(errors="replace")[-2000:]
            if not isinstance(error, _NoAnswerError):
                raise
            # Between our choice of a port and its start, another may have taken it.
            if port or "in use" not in words:
                raise RuntimeError(f"{what.name} {error}:\n{words}") from None
        else:
            return process, chosen
    raise RuntimeError(f"{what.name} found no free port in {_TRIES} tries")


def _guarded(command: list[str], environment: Mapping[str, str], home: Path, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-I", f"{GUARD}", f"{home}/nothing", "--", *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            cwd=home,
            env=environment,
            # A Ctrl-C is for us; we end it.
            start_new_session=True,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _NoAnswerError(f"ended with {process.returncode} before it answered")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request(
                "POST",
                "/",
                body="{}",
                headers={
                    "Content-Type": "application/x-amz-json-1.1",
                    "X-Amz-Target": "TrentService.ListKeys",
                    # Servers of many services find the right one by the scope of the signature, which none verifies.
                    "Authorization": "AWS4-HMAC-SHA256 Credential=ready/20260101/us-east-1/kms/aws4_request, "
                    "SignedHeaders=host, Signature=0",
                },
            )
            if connection.getresponse().status == http.client.OK and process.poll() is None:
                return
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.1)
    raise _NoAnswerError(f"did not answer within {_READY_SECONDS} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.stdin is None:
        raise AssertionError("the guard is started with a pipe")
    process.stdin.close()
    try:
        process.wait(_ENDED_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", help="such as moto-5.2.5")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--timezone", default="UTC", help="a POSIX TZ, such as NST03:30")
    parser.add_argument("--clock", action="store_true", help="with a clock that can be moved; needs libfaketime")
    options = parser.parse_args()
    with serve(release(options.name), port=options.port, timezone=options.timezone, clock=options.clock) as serving:
        sys.stdout.write(f"# {options.name} serves; Ctrl-C ends it. Its target file:\n{serving.target_text}")
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
