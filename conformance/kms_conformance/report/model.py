"""A run as its reports hold it: plain values, the same whether they come from the run itself or from a folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kms_conformance.verdict.decide import exit_code, is_waiting
from kms_conformance.verdict.model import FORMAT, Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers.outdated import StaleWaiver


@dataclass(frozen=True)
class TargetReport:
    """What a run says of one target: its verdict, and each check with what failures cite."""

    verdict: Verdict
    checks: tuple[CheckResult, ...]

    @classmethod
    def of(cls, verdict: Verdict, checks: Sequence[CheckResult]) -> TargetReport:
        """The report of a target whose verdict has just been decided."""
        return cls(verdict, tuple(checks))


@dataclass(frozen=True)
class Report:
    """One run: one target or several, at one tier, with one seed; `stale` are waivers for which it fails."""

    targets: tuple[TargetReport, ...]
    stale: tuple[StaleWaiver, ...] = ()

    @cached_property
    def run(self) -> Verdict:
        """Any verdict of the run, asked for what is the same in all: tier, seed, start, suite version."""
        return self.targets[0].verdict

    @property
    def exit_code(self) -> int:
        """What a command that shows this run exits with."""
        results = (target.verdict.result for target in self.targets)
        waiting = [is_waiting(target.verdict) for target in self.targets]
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
                TargetReport(Verdict.from_json(target["verdict"]), tuple(map(CheckResult.from_json, target["checks"])))
                for target in raw["targets"]
            ),
            tuple(map(StaleWaiver.from_json, raw.get("stale_waivers", ()))),
        )
