"""Results of `benchmarks.peer` and the figures that are computed from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Run:
    """The result of one run of a tool.

    `reports` are all reports, `new` those that count as finding the fault. `requests` and `seconds` count from the
    start of the command to the first of `new`, or to the end of the run. `sent` is the number of all requests of the
    run. `problem` says why the run failed, else "".
    """

    reports: tuple[str, ...]
    new: tuple[str, ...]
    requests: int
    seconds: float
    sent: int
    problem: str = ""

    @property
    def found(self) -> bool:
        """Whether the run reported the fault."""
        return bool(self.new)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Run:
        """The inverse of `asdict`, also after JSON."""
        return cls(**(dict(raw) | {"reports": tuple(raw["reports"]), "new": tuple(raw["new"])}))


@dataclass(frozen=True)
class Result:
    """The runs of both tools on one fault in one dialect."""

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
        """The inverse of `to_json`."""
        return cls(**(dict(raw) | {"ours": Run.from_json(raw["ours"]), "peer": Run.from_json(raw["peer"])}))


def accepted(runs: Iterable[Run]) -> frozenset[str]:
    """All reports of runs without a fault; they do not count."""
    return frozenset(report for run in runs for report in run.reports)


@dataclass(frozen=True)
class Figures:
    """One tool on several faults: faults found, runs with any report, and medians over the faults found."""

    found: int
    anything: int
    requests: float | None
    seconds: float | None

    @classmethod
    def of(cls, runs: Sequence[Run]) -> Figures:
        """Summarise runs; the medians are None if no fault was found."""
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
        """Summarise results."""
        ours, peer = [result.ours for result in results], [result.peer for result in results]
        return cls(title, len(results), Figures.of(ours), Figures.of(peer))


def lines(results: Sequence[Result]) -> tuple[Line, ...]:
    """One line for each class of faults (by name), each severity, each dialect, and one for all."""
    by_class = _grouped(results, lambda result: result.fault_class)
    severities = _grouped(results, lambda result: result.severity)
    dialects = _grouped(results, lambda result: result.dialect)
    return (*by_class, *severities, *dialects, Line.of("all", results))


def _grouped(results: Sequence[Result], key: Callable[[Result], str]) -> list[Line]:
    names = sorted({key(result) for result in results})
    return [Line.of(name, [result for result in results if key(result) == name]) for name in names]
