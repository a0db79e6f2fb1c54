"""Measured durations of checks, which are used to make shards of similar duration."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from kms_conformance.core.tier import TIERS, Tier
from kms_conformance.target import TargetError

FORMAT = 1
#: Measured on the built-in emulator by `tools/durations.py`.
RECORDED = Path(__file__).with_name("durations.json")
_RESULTS = "results.json"

Durations = Mapping[str, float]


def load(path: str | None, dialect: str, tier: Tier) -> Durations:
    """The durations of checks in seconds, by check id.

    `path`: a file of `tools/durations.py`, or the reports folder of a run; None for the durations of this release. For
    a tier that was not measured, the durations of the highest measured tier are returned. A check may be missing:
    pytest-split then uses the mean of the others. Raises `TargetError` if the file cannot be read.
    """
    source = RECORDED if path is None else Path(path)
    source = source / _RESULTS if source.is_dir() else source
    try:
        raw = json.loads(source.read_bytes())
        recorded = collect([raw]) if "targets" in raw else raw["seconds"]
        tiers = recorded.get(dialect, {})
        found = next((tiers[name] for name in (tier, *reversed(TIERS)) if tiers.get(name)), {})
        return {str(check): float(seconds) for check, seconds in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TargetError(
            f"The durations {source} cannot be used.",
            f"It is neither a file of durations nor the results of a run ({type(error).__name__}).",
            "Name the reports folder of a finished run, or omit --durations.",
        ) from error


def collect(runs: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, float]]]:
    """The median duration in seconds by dialect, tier and check; `runs` are the contents of `results.json` files."""
    found: defaultdict[tuple[str, str, str], list[float]] = defaultdict(list)
    for run in runs:
        for target in run["targets"]:
            dialect = target["verdict"]["target"]["dialect"]
            for check in target["checks"]:
                found[dialect, run["tier"], check["check"]].append(check["seconds"])
    seconds: dict[str, dict[str, dict[str, float]]] = {}
    for (dialect, tier, check), taken in sorted(found.items()):
        seconds.setdefault(dialect, {}).setdefault(tier, {})[check] = round(median(taken), 3)
    return seconds
