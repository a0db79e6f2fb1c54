"""What Schemathesis reported, read from its own log of events (`--report ndjson`) while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, order=True)
class Report:
    """One failed check at one operation, by `name`, and the moment (seconds since 1970) of the reply that failed it."""

    moment: float
    name: str


@dataclass
class Log:
    """The events of a run; `reports` are those of its failed checks, in no order."""

    path: Path
    reports: list[Report] = field(default_factory=list)
    _read: int = 0

    def follow(self) -> None:
        """Read what was written since the last time: a whole log has some megabytes."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            # The last line may be half written.
            for line in file:
                if line.endswith(b"\n"):
                    self._read += len(line)
                    self.reports.extend(reports_of(json.loads(line)))


def reports_of(event: Mapping[str, Any]) -> Iterator[Report]:
    """The failed checks that an event tells of."""
    if "NonFatalError" in event:
        # A reply that cannot be read as HTTP, for one, is told as an error.
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
            # The kindest reading: a user sees it when the run ends.
            elapsed = ((exchange or {}).get("response") or {}).get("elapsed", 0)
            moment = exchange["timestamp"] + elapsed if exchange else scenario["timestamp"]
            yield Report(moment, f"{check['name']} {operation}")
