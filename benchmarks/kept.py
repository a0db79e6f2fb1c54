"""Results as JSON, one file for each release, and their comparison by ratios and counts."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.measure import Result
from kms_conformance import __version__

# On a busy machine, ratios of the same commit differed by a quarter from run to run.
_RATIO_TOLERANCE = 0.35
# Shown and not compared: on a busy machine, one commit gave ratios to http.client from 3.5 to 7.3 (7 rounds each),
# while its ratios to requests.Session stayed between 1.14 and 1.20.
_UNSTABLE = frozenset({"http.client"})
# Of the time of an exchange only processor time is compared: beside two other processes on two cores, one commit gave
# ratios of wall-clock time from 0.78 to 1.90 within five rounds.
_OVERHEAD, _PROCESSOR_TIME = "overhead", ", processor time"
# Each new check adds requests; 10 % is more than one or two checks add.
_COUNT_TOLERANCE = 0.10


def document(results: Sequence[Result], command: str) -> dict[str, Any]:
    """The JSON document of a benchmark: results, command, machine and load."""
    return {
        "format": 1,
        "version": __version__,
        "command": command,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": f"{platform.platform(terse=True)}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load": [round(value, 1) for value in os.getloadavg()],
        "results": [result.to_json() for result in results],
    }


def worse(before: Path, results: Sequence[Result]) -> Iterator[str]:
    """One line for each ratio and count that is worse than in the file; entries of only one side are ignored."""
    known = {_key(entry): entry for entry in json.loads(before.read_text(encoding="utf-8"))["results"]}
    for result in results:
        now = result.to_json()
        then = known.get(_key(now))
        values = None if then is None else _compared(then, now)
        if values is None:
            continue
        was, is_now, tolerance, sign = values
        if (is_now - was) * sign > abs(was) * tolerance:
            yield f"{result.part}: {result.name}: {was:.2f} before, {is_now:.2f} now (tolerance {tolerance:.0%})"


def _key(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return entry["kind"], entry["part"], entry["name"], entry.get("against", "")


def _compared(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[float, float, float, int] | None:
    """(before, now, tolerance, 1 if more is worse, else -1); None for seconds and for unstable ratios."""
    if now.get("against") in _UNSTABLE or (now["part"] == _OVERHEAD and not now["name"].endswith(_PROCESSOR_TIME)):
        return None
    if now["kind"] == "ratio":
        return _undisturbed(then), _undisturbed(now), _RATIO_TOLERANCE, -1 if now["at_least"] else 1
    return (then["values"][0], now["values"][0], _COUNT_TOLERANCE, 1) if now["counted"] else None


def _undisturbed(entry: Mapping[str, Any]) -> float:
    """The ratio of the best rounds of both sides, from which other load of the machine takes least."""
    best = max if entry["at_least"] else min
    return float(best(entry["ours"]) / best(entry["other"]))
