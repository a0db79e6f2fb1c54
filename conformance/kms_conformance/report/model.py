"""A run as its reports hold it: plain values, the same whether they come from the run itself or from a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, get_args

from kms_conformance.catalogue.requirements import Level
from kms_conformance.verdict.decide import (
    FORMAT,
    RequirementResult,
    RequirementVerdict,
    Result,
    Unfinished,
    Verdict,
    earned_json,
    exit_code,
    is_waiting,
)
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers.outdated import StaleWaiver

LEVELS: tuple[Level, ...] = get_args(Level)
# The order in which a reader wants to hear of them.
VERDICTS: tuple[RequirementResult, ...] = (
    "failed",
    "inconclusive",
    "not_tested",
    "waived",
    "passed",
    "not_applicable",
)

Counts = Mapping[Level, Mapping[RequirementResult, int]]


@dataclass(frozen=True)
class StoredVerdict:
    """The content of one `verdict.json`. `started` is ISO 8601, UTC; `duration_seconds` that of the whole run."""

    name: str
    dialect: str
    profile: str
    base_url: str
    result: Result
    requirements: tuple[RequirementVerdict, ...]
    suite_version: str
    specs_digest: str
    tier: str
    seed: int
    started: str
    duration_seconds: float
    requests: int
    keys_created: int
    isolation: Mapping[str, Any] | None = None
    frozen: Mapping[str, Any] | None = None
    unfinished: tuple[Unfinished, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    keys_left: tuple[str, ...] = ()
    observations: Mapping[str, int] = field(default_factory=dict)
    watch: bool = False

    @classmethod
    def of(cls, verdict: Verdict) -> StoredVerdict:
        """What will be on disk of a verdict that has just been decided."""
        return cls.from_json(verdict.to_json())

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> StoredVerdict:
        """Rebuild it from a document that is valid by `specs/schemas/verdict.schema.json`."""
        requirements = tuple(map(RequirementVerdict.from_json, raw["requirements"]))
        run = {name: raw[name] for name in ("result", *_RUN)} | {name: raw.get(name) for name in _OPTIONAL}
        suite = {"suite_version": raw["suite"]["version"], "specs_digest": raw["suite"]["specs_digest"]}
        earned = {
            "unfinished": tuple(map(Unfinished.from_json, raw.get("unfinished", ()))),
            "filters": raw.get("filters", {}),
            "keys_left": tuple(raw.get("keys_left", ())),
            "observations": {found["what"]: found["count"] for found in raw.get("observations", ())},
            "watch": raw.get("watch", False),
        }
        return cls(requirements=requirements, **raw["target"], **suite, **run, **earned)

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        return {
            "format": FORMAT,
            "suite": {"version": self.suite_version, "specs_digest": self.specs_digest},
            "target": {name: getattr(self, name) for name in ("name", "dialect", "profile", "base_url")},
            "result": self.result,
            "requirements": [entry.to_json() for entry in self.requirements],
            **{name: getattr(self, name) for name in _RUN},
            **{name: dict(said) for name in _OPTIONAL if (said := getattr(self, name)) is not None},
            **earned_json(self.unfinished, self.filters, self.keys_left, self.observations, watch=self.watch),
        }

    @property
    def waits(self) -> bool:
        """Whether nothing is wrong, and all that is open waits for the date of a planted key."""
        whole = not (self.unfinished or self.filters or self.keys_left)
        return is_waiting(self.result, self.requirements, whole_plan=whole, watched=self.watch)

    @property
    def waiting_until(self) -> str:
        """The first date for which a requirement waits; empty where none does."""
        return min((entry.waiting_until for entry in self.requirements if entry.waiting_until), default="")

    def counts(self) -> Counts:
        """How many requirements of each level met with each verdict; every level and verdict is there.

        What does not decide counts as a MAY.
        """
        found = Counter((entry.weight, entry.verdict) for entry in self.requirements)
        return {level: {verdict: found[level, verdict] for verdict in VERDICTS} for level in LEVELS}

    def with_verdict(self, verdict: RequirementResult) -> tuple[RequirementVerdict, ...]:
        """The requirements with this verdict: MUST first, then as the catalogue has them."""
        return tuple(
            entry for level in LEVELS for entry in self.requirements if (entry.level, entry.verdict) == (level, verdict)
        )


_OPTIONAL = ("isolation", "frozen")
_RUN = ("tier", "requests", "keys_created", "duration_seconds", "seed", "started")


@dataclass(frozen=True)
class TargetReport:
    """What a run says of one target: its verdict, and each check with what failures cite."""

    verdict: StoredVerdict
    checks: tuple[CheckResult, ...]

    @classmethod
    def of(cls, verdict: Verdict, checks: Sequence[CheckResult]) -> TargetReport:
        """The report of a target whose verdict has just been decided."""
        return cls(StoredVerdict.of(verdict), tuple(checks))


@dataclass(frozen=True)
class Report:
    """One run: one target or several, at one tier, with one seed; `stale` are waivers for which it fails."""

    targets: tuple[TargetReport, ...]
    stale: tuple[StaleWaiver, ...] = ()

    @cached_property
    def run(self) -> StoredVerdict:
        """Any verdict of the run, asked for what is the same in all: tier, seed, start, suite version."""
        return self.targets[0].verdict

    @property
    def exit_code(self) -> int:
        """What a command that shows this run exits with."""
        results = (target.verdict.result for target in self.targets)
        waiting = [target.verdict.waits for target in self.targets]
        return exit_code(results, waiting=waiting, waivers_out_of_date=bool(self.stale))

    def to_json(self) -> dict[str, Any]:
        """The content of `results.json`, as `specs/schemas/results.schema.json` describes it."""
        return {
            "format": FORMAT,
            "tier": self.run.tier,
            "seed": self.run.seed,
            "started": self.run.started,
            **({"stale_waivers": [found.to_json() for found in self.stale]} if self.stale else {}),
            "targets": [
                {"verdict": target.verdict.to_json(), "checks": [check.to_json() for check in target.checks]}
                for target in self.targets
            ],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Report:
        """The inverse of `to_json`, for a document that is valid by its schema."""
        return cls(
            tuple(
                TargetReport(
                    StoredVerdict.from_json(target["verdict"]), tuple(map(CheckResult.from_json, target["checks"]))
                )
                for target in raw["targets"]
            ),
            tuple(map(StaleWaiver.from_json, raw.get("stale_waivers", ()))),
        )
