"""Reads the reports of Schemathesis from its event log (`--report ndjson`) while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Report:
    """One failed check of an operation (`name`), and the time of the failing reply (seconds since 1970)."""

    moment: float
    name: str


@dataclass
class Log:
    """The event log of a run; `reports` are its failed checks, in no order."""

    path: Path
    reports: list[Report] = field(default_factory=list)
    _read: int = 0

    def follow(self) -> None:
        """Read the lines since the last call; a complete log has several megabytes."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            # The last line may be incomplete.
            for line in file:
                if line.endswith(b"\n"):
                    self._read += len(line)
                    self.reports.extend(reports_of(json.loads(line)))


def reports_of(event: Mapping[str, Any]) -> Iterator[Report]:
    """The failed checks in an event."""
    if "NonFatalError" in event:
        # Schemathesis reports some failures as errors, such as a malformed HTTP reply.
        error = event["NonFatalError"]
        yield Report(error["timestamp"], f"error {error.get('label', '')}")
    scenario = event.get("ScenarioFinished", {})
    recorder = scenario.get("recorder", {})
    for case, checks in recorder.get("checks", {}).items():
        exchange = recorder.get("interactions", {}).get(case)
        for check in checks:
            if check["status"] != "failure":
                continue
            operation = check["failure_info"]["failure"].get("operation", recorder["label"])
            # The time of the reply favours Schemathesis: users see its reports at the end of the run.
            elapsed = ((exchange or {}).get("response") or {}).get("elapsed", 0)
            moment = exchange["timestamp"] + elapsed if exchange else scenario["timestamp"]
            yield Report(moment, f"{check['name']} {operation}")
