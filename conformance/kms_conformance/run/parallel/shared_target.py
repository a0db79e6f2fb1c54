"""The only target of a run, whose checks several workers of pytest-xdist divide among themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.client.joint_limits import JointLimits
from kms_conformance.core.text import say
from kms_conformance.run.parallel.assignment import Assignment
from kms_conformance.run.parallel.joining import join_results
from kms_conformance.run.parallel.scheduling import OneTarget
from kms_conformance.run.plan import Plan, assignment_of
from kms_conformance.run.settings import Settings
from kms_conformance.target import Target
from kms_conformance.verdict.results import CheckResult

_FILE = ".joint-limits.json"


def new_joint_file(reports: Path) -> str:
    """The path of the file of the limits that the workers of a run keep together; an older file is removed."""
    path = reports.resolve() / _FILE
    JointLimits(path, 1, 1).remove()
    return str(path)


@dataclass(frozen=True)
class SharedTarget:
    """What the controller knows of the only target of a run, if several workers share it.

    - `name`: the name of the target.
    - `assignment`: which worker runs which checks.
    - `joint`: the file of the limits that the workers keep together.
    """

    name: str
    assignment: Assignment
    joint: Path

    @classmethod
    def of(cls, targets: Iterable[Target], plans: Mapping[str, Plan], settings: Settings) -> SharedTarget | None:
        """The shared target of a run; None for a run whose workers share none."""
        if settings.joint is None:
            return None
        (target,) = targets
        return cls(target.name, assignment_of(plans[target.name], target, settings), Path(settings.joint))

    def scheduler(
        self, check_of: Callable[[str], str | None], results: Callable[[str], Iterable[CheckResult]]
    ) -> OneTarget:
        """The scheduler of the run. `check_of` returns the check of an item, `results` those of a target so far."""

        def keeps_apart() -> bool:
            found = [result.outcome for result in results(self.name) if result.family == "isolation"]
            apart = bool(found) and all(outcome == "passed" for outcome in found)
            if not apart:
                why = "did not pass" if found else "was not tested"
                say(f"One process runs all checks: isolation {why}, so a request may change other keys.", err=True)
            return apart

        return OneTarget(self.assignment, check_of, keeps_apart)

    def joined(self, known: CheckResult | None, result: CheckResult) -> CheckResult | None:
        """The result of a check that each worker runs for its own keys; None for other checks, and for the first."""
        if known is None or result.check not in self.assignment.each:
            return None
        return join_results(known, result)

    def finish(self) -> None:
        """Remove the file of the limits."""
        JointLimits(self.joint, 1, 1).remove()
