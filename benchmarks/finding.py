"""Requests and seconds until a fault is reported: by our smoke run, by Schemathesis, and by Portman with Newman."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks.measure import Figure, Result, count
from benchmarks.portman import Portman
from benchmarks.runs import FAULTLESS, Peer, ours
from benchmarks.sample import ordered
from benchmarks.score import Run, accepted
from kms_conformance.apps.selftest.faults import FAULTS

# Portman and Newman can only send a fixed token.
_DIALECT = "huawei"
_EXAMPLES = 20


def first_reports(faults: int, npm: Path | None, home: Path) -> Iterator[Result]:
    """Requests and seconds until the first correct report, for this many faults; without `npm`, for two tools only.

    Reports of a tool on a faultless emulator are its baseline and do not count.
    """
    home.mkdir(parents=True, exist_ok=True)
    (home / f"{_DIALECT}.json").unlink(missing_ok=True)
    peer, portman = Peer(home, _EXAMPLES), None if npm is None else Portman(npm.resolve())
    known = accepted([peer.learn(_DIALECT, 1)])
    usual = frozenset() if portman is None else frozenset(portman.ask(FAULTLESS, _DIALECT, frozenset()).reports)
    runs: list[dict[str, Run]] = []
    for fault, dialect in ordered(FAULTS, (_DIALECT,), 1)[:faults]:
        found = {"ours": ours(fault, dialect, 1), "Schemathesis CLI": peer.ask(fault, dialect, 1, known)}
        if portman is not None:
            found["Portman and Newman"] = portman.ask(fault, dialect, usual)
        runs.append(found)
    for tool in runs[0] if runs else ():
        killed = [each[tool] for each in runs if each[tool].found]
        yield count("finding", f"{tool}: faults found of {len(runs)}", len(killed), "faults")
        if killed:
            yield count(
                "finding", f"{tool}: requests to the first report", median(r.requests for r in killed), "requests"
            )
            yield Figure("finding", f"{tool}: seconds to the first report", tuple(r.seconds for r in killed), "s")
    yield count("finding", "faults that a peer reported with fewer requests", _sooner(runs, "requests"), "faults", 0)
    yield count("finding", "faults that a peer reported in fewer seconds", _sooner(runs, "seconds"), "faults", 0)


def _sooner(runs: list[dict[str, Run]], what: str) -> int:
    """The number of faults that a peer found sooner than the suite, or that only a peer found."""

    def beaten(found: dict[str, Run]) -> bool:
        mine = found["ours"]
        others = (run for tool, run in found.items() if tool != "ours" and run.found)
        return any(not mine.found or getattr(run, what) < getattr(mine, what) for run in others)

    return sum(map(beaten, runs))
