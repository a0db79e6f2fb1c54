"""The results of a run as frozen values; they come from the run itself or are read from a reports folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kms_conformance.verdict.decide import exit_code, is_waiting
from kms_conformance.verdict.model import FORMAT, LEVELS, RequirementResult, RequirementVerdict, Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers.outdated import StaleWaiver


@dataclass(frozen=True)
class TargetReport:
    """The results of one target: its verdict, and the results of its checks."""

    verdict: Verdict
    checks: tuple[CheckResult, ...]

    def causes_first(self, verdict: RequirementResult) -> tuple[RequirementVerdict, ...]:
        """The requirements with this verdict, `failed` or `waived`: MUST first, then in the order of their failures.

        The first checks of a run judge what all others rest on, so causes come before what follows from them.
        """
        place: dict[str, int] = {}
        for failure in (failure for check in self.checks for failure in check.failures):
            place.setdefault(failure.requirement, len(place))
        entries = self.verdict.with_verdict(verdict)
        return tuple(sorted(entries, key=lambda entry: (LEVELS.index(entry.level), place.get(entry.id, len(place)))))

    @classmethod
    def of(cls, verdict: Verdict, checks: Sequence[CheckResult]) -> TargetReport:
        """Build the results of a target from its verdict and the results of its checks."""
        return cls(verdict, tuple(checks))


@dataclass(frozen=True)
class Report:
    """The results of one run: one or more targets, one tier, one seed. `stale`: its waivers that are out of date."""

    targets: tuple[TargetReport, ...]
    stale: tuple[StaleWaiver, ...] = ()

    @cached_property
    def run(self) -> Verdict:
        """The first verdict, for values that are the same in all: tier, seed, start, suite version."""
        return self.targets[0].verdict

    @property
    def exit_code(self) -> int:
        """The exit code of the run, and of the commands that show the run."""
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
        """The inverse of `to_json`, for a document that is valid by the schema."""
        return cls(
            tuple(
                TargetReport(Verdict.from_json(target["verdict"]), tuple(map(CheckResult.from_json, target["checks"])))
                for target in raw["targets"]
            ),
            tuple(map(StaleWaiver.from_json, raw.get("stale_waivers", ()))),
        )
