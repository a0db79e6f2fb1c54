"""The plan of a run: every check for a target, known before the first request.

The plan does not depend on pytest's collection. If a filter, another plugin or a dead worker leaves a check out, the
check is still in the plan, so it is reported as missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.families import SEEDED
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core.tier import Tier
from kms_conformance.run.parallel.assignment import Assignment, assign
from kms_conformance.run.settings import Settings
from kms_conformance.run.shards.division import Division, PlannedCheck, divide
from kms_conformance.run.shards.durations import load as load_durations
from kms_conformance.suite.checks import SuiteCheck, all_checks
from kms_conformance.target import Target


@dataclass(frozen=True)
class Plan:
    """All checks of a run on one target, by id, in the order of the run.

    - `wider`: the requirements for which a higher tier has further checks or more examples.
    - `division`: the shard of each check; None for a run without shards.
    - `shard`: the number of this shard, counted from 1; None for a run without shards.
    """

    target: str
    checks: Mapping[str, SuiteCheck]
    wider: frozenset[str] = frozenset()
    division: Division | None = None
    shard: int | None = None

    def declared_requirements(self) -> dict[str, tuple[str, ...]]:
        """The declared requirements by check id; to the id of another shard's check, that shard's number is added."""
        if self.division is not None and self.shard is not None:
            return self.division.planned({self.shard})
        return {name: tuple(sorted(check.declared)) for name, check in self.checks.items()}

    def find(self, family: str, function: str, parameters: Mapping[str, object]) -> SuiteCheck | None:
        """The check with these parameters; None if the plan or this shard does not have it."""
        for check in self.checks.values():
            if (check.family, check.function) == (family, function) and dict(check.parameters) == dict(parameters):
                return check if self._is_here(check) else None
        return None

    def _is_here(self, check: SuiteCheck) -> bool:
        return self.division is None or self.division.where[check.id] == self.shard

    @property
    def keys(self) -> int | None:
        """The maximum number of keys of this shard.

        None for a run without shards, or if each shard has its own endpoint.
        """
        if self.division is None or self.shard is None or not self.division.keys:
            return None
        return self.division.keys[self.shard - 1]


def plan_of(target: Target, settings: Settings) -> Plan:
    """The plan of a run on a target. Raises `TargetError` if the checks cannot be divided into the shards."""
    profile, catalogue = Profile.load(target.dialect, target.profile), Catalogue.load(target.dialect)
    applicable = {
        r.id: r.level for r in catalogue if r.not_applicable_because(profile, target.auth.way, target.auth.like) is None
    }
    api = Api.of(target.dialect, target.profile)
    speaking = [
        check
        for check in all_checks(target.dialect)
        if not check.declared.isdisjoint(applicable) and all(name in api for name in check.asked)
    ]
    checks = {check.id: check for check in speaking if _is_asked(check, target, settings, settings.tier)}
    further = [
        check
        for check in speaking
        if settings.tier != "nightly"
        and (check.id not in checks or check.family in SEEDED)
        and _is_asked(check, target, settings, "nightly")
    ]
    wider = frozenset[str]().union(*(check.declared for check in further))
    if settings.part is None:
        return Plan(target.name, checks, wider)
    musts = {name for name, level in applicable.items() if level == "MUST"}
    division = _divided(checks.values(), musts, target, settings)
    return Plan(target.name, checks, wider, division, settings.part.index)


def assignment_of(plan: Plan, target: Target, settings: Settings) -> Assignment:
    """The division of the checks of a target among the workers of a run."""
    seconds = load_durations(settings.durations, target.dialect, settings.tier)
    return assign(plan.checks.values(), target, settings.tier, settings.workers, seconds)


def _is_asked(check: SuiteCheck, target: Target, settings: Settings, tier: Tier) -> bool:
    """Whether a check is in the plan, by the tier, the user's options, and the target's time control and limits."""
    planted = check.mark("planted") is not None
    if settings.watch or planted:
        # If the target's clock can be moved, checks of planted keys run only if the user asks for them, because other
        # checks cover the waiting period.
        nights = target.time_control is None or settings.plant or settings.watch or settings.rescue
        return planted and nights
    if check.mark("clock") is not None and target.time_control is None:
        return False
    if check.mark("wasteful") is not None and target.time_control is None and tier != "nightly":
        return False
    needed = check.mark("keys")
    if needed is not None and target.limits.max_keys < needed.args[0]:
        return False
    return tier != "smoke" or check.mark("standard") is None


def _divided(checks: Iterable[SuiteCheck], musts: set[str], target: Target, settings: Settings) -> Division:
    assert settings.part is not None
    planned = []
    for check in checks:
        needed = check.mark("keys")
        keys = {} if needed is None else {"keys": needed.args[0]}
        decides = not musts.isdisjoint(check.declared)
        planned.append(PlannedCheck(check.id, check.family, tuple(sorted(check.declared)), decides, **keys))
    seconds = load_durations(settings.durations, target.dialect, settings.tier)
    budget = target.limits.max_keys if settings.shared else None
    return divide(target.name, planned, settings.part.of, seconds, budget, reserve=int(settings.plant))
