"""Reads and writes `shard.json`, the input of `merge`: the plan of the whole run, and facts about each shard.

These facts are the start and duration of the shard, its comparison of the keys of others, and the user's open tasks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kms_conformance.catalogue.frozen import Frozen
from kms_conformance.report import files, layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report
from kms_conformance.report.schemas import built, validate
from kms_conformance.run.shards.division import Division
from kms_conformance.run.shards.shard import Shard
from kms_conformance.target.registry import way_named
from kms_conformance.verdict.waivers import Waiver

FORMAT = 1


@dataclass(frozen=True)
class ShardPart:
    """One finished shard.

    - `index`: the number of the shard, counted from 1.
    - `started`: the start of the shard, ISO 8601, UTC.
    - `isolation`: by target, the comparison of the keys of others before and after the shard.
    - `undone`: the open tasks for the user, one line each.
    - `belongings`: by target, what the shard gave to its keys and what was given back.
    """

    index: int
    started: str
    duration_seconds: float
    isolation: Mapping[str, Mapping[str, Any]]
    undone: tuple[str, ...]
    belongings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class ShardedPlan:
    """The checks of one target and their division among shards.

    - `name`: the name of the target.
    - `way`: the target's way to sign in.
    - `division`: the checks and their shards.
    - `frozen`: the requirement set of an earlier release; None if the run is judged by the set of this release.
    """

    name: str
    way: str
    division: Division
    frozen: Frozen | None = None

    def to_json(self) -> dict[str, Any]:
        """The plan in JSON types, the inverse of `from_json`."""
        plan = {"name": self.name, "way": self.way, "plan": self.division.to_json()}
        if self.frozen is None:
            return plan
        levels, digests = dict(self.frozen.levels), dict(self.frozen.digests)
        return plan | {"frozen": {"version": self.frozen.version, "levels": levels, "digests": digests}}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], dialect: str) -> ShardedPlan:
        """The inverse of `to_json`, for a target of this dialect. Raises `KeyError` for an unknown way to sign in."""
        frozen = None if "frozen" not in raw else Frozen(dialect, **raw["frozen"])
        return cls(raw["name"], way_named(raw["way"]).way, Division.from_json(raw["plan"]), frozen)


@dataclass(frozen=True)
class Parts:
    """The content of a `shard.json`: the shards whose results are in one folder, and their common plan.

    - `of`: the number of shards of the run.
    - `results`: the digest of the `results.json` in the same folder.
    - `waivers`: the waivers of the run.
    - `shards`: the shards whose results are in the folder.
    - `plans`: the plan of each target.
    """

    of: int
    results: str
    waivers: tuple[Waiver, ...]
    shards: tuple[ShardPart, ...]
    plans: tuple[ShardedPlan, ...]

    @classmethod
    def of_run(
        cls,
        shard: Shard,
        report: Report,
        plans: tuple[ShardedPlan, ...],
        waivers: Iterable[Waiver],
        undone: tuple[str, ...],
    ) -> Parts:
        """Build the content for a shard that has just ended."""
        verdicts = [target.verdict for target in report.targets]
        isolation = {verdict.name: verdict.isolation for verdict in verdicts if verdict.isolation is not None}
        belongings = {verdict.name: verdict.belongings for verdict in verdicts if verdict.belongings is not None}
        part = ShardPart(shard.index, report.run.started, report.run.duration_seconds, isolation, undone, belongings)
        return cls(shard.of, digest(report), tuple(waivers), (part,), plans)

    @property
    def indices(self) -> frozenset[int]:
        return frozenset(part.index for part in self.shards)

    def to_json(self) -> dict[str, Any]:
        """The document as `specs/schemas/shard.schema.json` describes it."""
        return {
            "format": FORMAT,
            "of": self.of,
            "results": self.results,
            "waivers": [{"waiver": waiver.to_json(), "line": waiver.line} for waiver in self.waivers],
            "shards": [asdict(part) | {"undone": list(part.undone)} for part in self.shards],
            "targets": [plan.to_json() for plan in self.plans],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], report: Report) -> Parts:
        """The inverse of `to_json`, for a document that is valid by its schema.

        `report`: the results in the same folder.
        """
        dialects = {target.verdict.name: target.verdict.dialect for target in report.targets}
        return cls(
            raw["of"],
            raw["results"],
            tuple(Waiver.from_json(entry["waiver"], entry["line"]) for entry in raw["waivers"]),
            tuple(ShardPart(**(part | {"undone": tuple(part["undone"])})) for part in raw["shards"]),
            tuple(ShardedPlan.from_json(target, dialects[target["name"]]) for target in raw["targets"]),
        )


def digest(results: Report | bytes) -> str:
    """The digest of a `results.json`, from the bytes of the file or from the report that the file holds."""
    content = results if isinstance(results, bytes) else files.to_text(results.to_json()).encode()
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write_parts(directory: Path, parts: Parts) -> None:
    """Write `shard.json` into a reports folder. Raises `ReportError` if it is invalid or cannot be written."""
    document = parts.to_json()
    validate(document, "shard", layout.SHARD)
    files.write_atomically(directory / layout.SHARD, files.to_text(document))


def load_parts(directory: Path, report: Report) -> Parts:
    """Read the `shard.json` of a reports folder; `report` holds the results in this folder. Raises `ReportError`."""
    path = directory / layout.SHARD
    raw = files.read_json(path)
    validate(raw, "shard", str(path))
    names = {target.verdict.name for target in report.targets}
    same = raw["results"] == digest(files.read_bytes(directory / layout.RESULTS))
    if not same or {target["name"] for target in raw["targets"]} != names:
        raise ReportError(
            f"{directory} cannot be merged.",
            f"{layout.SHARD} and {layout.RESULTS} do not match: they come from two runs, or one was changed.",
            "Run this shard again into an empty folder.",
        )
    return built(lambda found: Parts.from_json(found, report), raw, str(path))
