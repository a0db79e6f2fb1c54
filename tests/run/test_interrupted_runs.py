"""Runs ended by a signal at any moment: keys are released or named, judgements are reported, the exit code fits."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from kms_conformance.emulator import Emulator

HERE = Path(__file__).parent
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
# All moments take minutes: CI draws some, by the date.
EVERY = os.environ.get("KMS_CONFORMANCE_INTERRUPTIONS") == "all"
SECONDS = 60.0
# Moments after the checks: release of keys, writing of files.
LETTING_GO, WRITING = -2, -1


def moments() -> Iterator[tuple[str, str, int]]:
    """Dialect, kind of run, and the number of the request after which the signal is sent."""
    for dialect in ("huawei", "alibaba", "aws"):
        for way in ("one process", "worker"):
            yield from ((dialect, way, number) for number in (0, 1, 3, 8, 20, 40, LETTING_GO, WRITING))


def drawn() -> list[tuple[str, str, int, tuple[signal.Signals, ...]]]:
    signals = ((signal.SIGINT,), (signal.SIGINT, signal.SIGINT), (signal.SIGTERM,), (signal.SIGHUP,))
    every = [(*moment, told) for moment in moments() for told in signals]
    return every if EVERY else random.Random(time.strftime("%Y%m%d")).sample(every, 6)  # noqa: S311 - no secret


@cache
def whole(dialect: str) -> tuple[int, int]:
    """The numbers of requests and checks of an uninterrupted run."""
    with TemporaryDirectory() as given, Emulator(dialect) as emulator:
        folder = Path(given)
        (folder / "t.yaml").write_text(emulator.target_yaml())
        begin(folder / "t.yaml", folder).communicate(timeout=SECONDS)
        (target,) = json.loads((folder / "out" / "results.json").read_text())["targets"]
        return emulator.requests_served, len(target["checks"])


def name(case: tuple[str, str, int, tuple[signal.Signals, ...]]) -> str:
    dialect, way, number, told = case
    when = {LETTING_GO: "while keys are let go", WRITING: "while files are written"}.get(number, f"after {number}")
    return f"{dialect}, {way}, {when}, {' '.join(each.name for each in told)}"


def begin(target: Path, folder: Path, *options: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    environment |= {"KMS_CONFORMANCE_STATE": str(folder / "state"), "PYTHONPATH": path, "COLUMNS": "80"}
    arguments = ["--target", str(target), "--reports", "out", "--tier", "smoke", "--seed", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "kms_conformance", "run", *arguments, "--", "-p", "small_suite", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A new process group, as shells make it: Ctrl-C goes to all of its processes.
        start_new_session=True,
    )


def tell(process: subprocess.Popen[str], told: signal.Signals) -> None:
    """Send Ctrl-C to every process of the group, other signals to the started process only."""
    if told is signal.SIGINT:
        os.killpg(process.pid, told)
    else:
        process.send_signal(told)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("case", drawn(), ids=name)
def test_keys_are_let_go_or_named_and_what_was_judged_is_told(
    tmp_path: Path, case: tuple[str, str, int, tuple[signal.Signals, ...]]
) -> None:
    dialect, way, number, signals = case
    out = tmp_path / "out"
    requests, checks = whole(dialect)
    last = requests - 3 if number == LETTING_GO else number
    with Emulator(dialect) as emulator:
        others = {str(key.id) for key in emulator.store.keys}
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        process = begin(tmp_path / "t.yaml", tmp_path, *(("-n", "1") if way == "worker" else ()))
        deadline = time.monotonic() + SECONDS
        while process.poll() is None and time.monotonic() < deadline and not reached(emulator, out, last):
            time.sleep(0.002)
        for told in signals:
            if process.poll() is None:
                tell(process, told)
                time.sleep(0.05)
        output, _ = process.communicate(timeout=SECONDS)
        ours = [key for key in emulator.store.keys if str(key.id) not in others]
    assert process.returncode == CODES[signals[0]], output
    assert "Traceback" not in output
    for key in (str(key.id) for key in ours if key.state.value != "pending_deletion"):
        assert key in output, f"{key} is neither let go nor named: {output}"
        assert "kms-conformance sweep --target" in output
    verdict = json.loads((out / "verdict.json").read_text())
    assert verdict["result"] == "inconclusive"
    unfinished = [each["check"] for each in verdict.get("unfinished", ())]
    assert bool(unfinished) == (number >= 0)
    if number != 0:
        (target,) = json.loads((out / "results.json").read_text())["targets"]
        ended = {check["check"] for check in target["checks"] if check["ended"]}
        assert ended.isdisjoint(unfinished)
        assert len(ended) + len(unfinished) == checks
    assert (out / "index.html").exists()


def reached(emulator: Emulator, out: Path, number: int) -> bool:
    """Whether the signal is to be sent now."""
    if number < 0:
        return (out / "index.html").exists()
    return emulator.requests_served > number
