"""What a benchmark found, as plain values, and the figures that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Run:
    """What one run said.

    `reports` are what it accused, `new` those of them that count as finding the fault. `requests` and `seconds` are
    what it took from the start of the command to the first of `new`; all that it took, where there is none. `sent` are
    all requests of the run: it may have ended at its first report. `problem` is what went wrong with it, else "".
    """

    reports: tuple[str, ...]
    new: tuple[str, ...]
    requests: int
    seconds: float
    sent: int
    problem: str = ""

    @property
    def found(self) -> bool:
        """Whether it reported the fault."""
        return bool(self.new)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Run:
        """Rebuild a run from what `asdict` gave, also after a trip through JSON."""
        return cls(**(dict(raw) | {"reports": tuple(raw["reports"]), "new": tuple(raw["new"])}))


@dataclass(frozen=True)
class Result:
    """Both tools at one fault in one dialect."""

    fault: str
    fault_class: str
    severity: str
    dialect: str
    seed: int
    ours: Run
    peer: Run

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types, the inverse of `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Result:
        """Rebuild a result."""
        return cls(**(dict(raw) | {"ours": Run.from_json(raw["ours"]), "peer": Run.from_json(raw["peer"])}))


def accepted(runs: Iterable[Run]) -> frozenset[str]:
    """What a tool reports where there is no fault, in any of its runs: none of it speaks of a fault."""
    return frozenset(report for run in runs for report in run.reports)


@dataclass(frozen=True)
class Figures:
    """One tool at some faults: how many it found, how many runs reported anything, and medians over those found."""

    found: int
    anything: int
    requests: float | None
    seconds: float | None

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Figures:
        """Sum up runs; the medians are None where nothing was found."""
        found = [run for run in runs if run.found]
        return cls(
            found=len(found),
            anything=sum(bool(run.reports) for run in runs),
            requests=median(run.requests for run in found) if found else None,
            seconds=median(run.seconds for run in found) if found else None,
        )


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    title: str
    faults: int
    ours: Figures
    peer: Figures

    @classmethod
    def of(cls, title: str, results: Sequence[Result]) -> Line:
        """Sum up results."""
        ours, peer = [result.ours for result in results], [result.peer for result in results]
        return cls(title, len(results), Figures.of(ours), Figures.of(peer))


def lines(results: Sequence[Result]) -> tuple[Line, ...]:
    """A line a class of faults, by name, then one a severity, one a dialect, and one for all."""
    by_class = _grouped(results, lambda result: result.fault_class)
    severities = _grouped(results, lambda result: result.severity)
    dialects = _grouped(results, lambda result: result.dialect)
    return (*by_class, *severities, *dialects, Line.of("all", results))


def _grouped(results: Sequence[Result], key: Callable[[Result], str]) -> list[Line]:
    names = sorted({key(result) for result in results})
    return [Line.of(name, [result for result in results if key(result) == name]) for name in names]
