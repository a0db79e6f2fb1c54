"""The results file of `benchmarks.peer`, by which a stopped benchmark can be continued."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.score import Result, Run, accepted


@dataclass(frozen=True)
class Silence:
    """Runs of both tools on a dialect without a fault.

    `baseline` are the peer's runs whose reports do not count. `peer` and `ours` are one further run of each tool; their
    `new` reports are false alarms.
    """

    baseline: tuple[Run, ...]
    ours: Run
    peer: Run

    @property
    def accepted(self) -> frozenset[str]:
        """The reports that do not count."""
        return accepted(self.baseline)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Silence:
        """The inverse of `asdict`, also after JSON."""
        baseline = tuple(Run.from_json(run) for run in raw["baseline"])
        return cls(baseline, Run.from_json(raw["ours"]), Run.from_json(raw["peer"]))


@dataclass
class Record:
    """The results so far, and the settings that they depend on."""

    path: Path
    settings: Mapping[str, Any]
    silence: dict[str, Silence] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, settings: Mapping[str, Any]) -> Record:
        """Continue a file with the same settings; else start with no results."""
        record = cls(path, settings)
        if not path.exists():
            return record
        raw = json.loads(path.read_text(encoding="utf-8"))
        if raw["settings"] == settings:
            record.silence = {dialect: Silence.from_json(entry) for dialect, entry in raw["faultless"].items()}
            record.results = [Result.from_json(entry) for entry in raw["results"]]
        return record

    @property
    def asked(self) -> frozenset[tuple[str, str]]:
        """(fault, dialect) of each result."""
        return frozenset((result.fault, result.dialect) for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """A mapping of JSON types."""
        return {
            "settings": self.settings,
            "faultless": {dialect: asdict(entry) for dialect, entry in self.silence.items()},
            "results": [result.to_json() for result in self.results],
        }

    def save(self) -> None:
        """Write the file atomically."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        fresh.replace(self.path)
