"""The file of a benchmark: a long one can be stopped at any time and continued later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.score import Result, Run, accepted


@dataclass(frozen=True)
class Silence:
    """Both tools at one dialect without a fault: what the peer reports there, and what each says once more after that.

    `baseline` are the peer's runs whose reports count for nothing. `peer` and `ours` are a further run of each: their
    `new` reports are false alarms.
    """

    baseline: tuple[Run, ...]
    ours: Run
    peer: Run

    @property
    def accepted(self) -> frozenset[str]:
        """The reports that say nothing of a fault."""
        return accepted(self.baseline)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Silence:
        """Rebuild it from what `asdict` gave, also after a trip through JSON."""
        baseline = tuple(Run.from_json(run) for run in raw["baseline"])
        return cls(baseline, Run.from_json(raw["ours"]), Run.from_json(raw["peer"]))


@dataclass
class Record:
    """What is known so far; `settings` are those that results depend on."""

    path: Path
    settings: Mapping[str, Any]
    silence: dict[str, Silence] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path, settings: Mapping[str, Any]) -> Record:
        """Continue a file that was made with the same settings; begin anew otherwise."""
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
        """All of it as a mapping of JSON types."""
        return {
            "settings": self.settings,
            "faultless": {dialect: asdict(entry) for dialect, entry in self.silence.items()},
            "results": [result.to_json() for result in self.results],
        }

    def save(self) -> None:
        """Write the file; one that is being written is never read half."""
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")
        fresh.replace(self.path)
