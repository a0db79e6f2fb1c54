"""Two workers compared with one process, for the whole suite in every dialect."""

from __future__ import annotations

import os
from collections.abc import Iterator

from benchmarks import suite
from benchmarks.measure import Ratio, Result
from benchmarks.process import measure, python


def workers(tier: str, rounds: int) -> Iterator[Result]:
    """Seconds of one process divided by seconds of `-n 2`, on the built-in emulator."""
    alone: list[float] = []
    together: list[float] = []
    for _ in range(rounds):
        for found, arguments in ((alone, ()), (together, ("--", "-n", "2"))):
            with suite.folder() as place:
                command = python("-m", "kms_conformance", "run", f"--tier={tier}", "--seed=1", "--reports=reports")
                found.append(measure([*command, *arguments], place).seconds)
    name = f"one process, tier {tier}, {os.cpu_count()} cores"
    yield Ratio("parallel", name, "-n 2", tuple(alone), tuple(together), target=1.7, at_least=True)
