"""Serves the emulator in a separate process, with or without a fault, for both tools."""

from __future__ import annotations

import contextlib
import time
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

from benchmarks.apart import apart
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.emulator import Inbound, Outbound


@dataclass
class Served:
    """A served emulator; `times` and `problem` are set after it has stopped.

    `target` is the text of its target file. `times` are the moments (seconds since 1970) at which requests were
    answered, oldest first, without those that move the clock. `problem` is an exception in the emulator, else "".
    """

    target: str
    times: list[float] = field(default_factory=list)
    problem: str = ""

    def requests_until(self, moment: float) -> int:
        """The number of requests answered up to that moment."""
        return bisect_right(self.times, moment)


@contextlib.contextmanager
def served(fault: Fault, dialect: str) -> Iterator[Served]:
    """Serve an emulator of the dialect with this fault within the context."""
    with apart(_serve, fault, dialect) as server:
        emulator = Served(server.place)
        yield emulator
        times, emulator.problem = server.stop()
        emulator.times = sorted(times)


def _serve(pipe: Connection, fault: Fault, dialect: str) -> None:
    times: list[float] = []

    def note(_: Inbound, outbound: Outbound) -> Outbound:
        times.append(time.time())
        return outbound

    problem = ""
    try:
        with replace(fault, filters=(note, *fault.filters)).serving(dialect)() as target:
            pipe.send(target)
            # EOF: the other process has ended.
            with contextlib.suppress(EOFError):
                pipe.recv()
    except Exception as failure:  # noqa: BLE001 - reported to the other process
        problem = repr(failure)
    with contextlib.suppress(OSError):
        pipe.send((times, problem))
