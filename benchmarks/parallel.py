"""Several processes compared with one: for the suite in every dialect, and for one target that two processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from benchmarks import servers, suite
from benchmarks.measure import Ratio, Result
from benchmarks.process import measure, python


def workers(tier: str, rounds: int) -> Iterator[Result]:
    """Seconds of one process divided by seconds of two, on the built-in emulator in every dialect."""
    alone: list[float] = []
    together: list[float] = []
    for _ in range(rounds):
        for found, processes in ((alone, "0"), (together, "2")):
            with suite.folder() as place:
                found.append(_seconds(place, tier, processes))
    name = f"one process, tier {tier}, {os.cpu_count()} cores"
    yield Ratio("parallel", name, "-n 2", tuple(alone), tuple(together), target=1.7, at_least=True)


def one_target(dialect: str, tier: str, rounds: int) -> Iterator[Result]:
    """The same for one target, on an emulator in a process of its own."""
    alone: list[float] = []
    together: list[float] = []
    for _ in range(rounds):
        for found, processes in ((alone, "0"), (together, "2")):
            with suite.folder() as place, servers.emulators(dialect, 1, 3) as served:
                (place / "target.yaml").write_text(served.targets[0], encoding="utf-8")
                found.append(_seconds(place, tier, processes, "--target=target.yaml"))
    name = f"one process, {dialect}, tier {tier}, {os.cpu_count()} cores"
    yield Ratio("parallel", name, "-n 2", tuple(alone), tuple(together), target=1.6, at_least=True)


def _seconds(place: Path, tier: str, processes: str, *further: str) -> float:
    command = python("-m", "kms_conformance", "run", f"--tier={tier}", "--seed=1", "--reports=reports", "-n", processes)
    return measure([*command, *further], place, {"KMS_CONFORMANCE_STATE": str(place / "state")}).seconds
