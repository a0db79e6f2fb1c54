"""Divides the checks and the keys of a target among shards. Every shard computes the same division."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kms_conformance.run.shards.shard import Shard
from kms_conformance.target import TargetError

#: Families that always run in the first shard, because they need the ledger of planted keys from earlier runs.
FIRST_SHARD_FAMILIES = frozenset({"planted"})
# Every check without the marker `keys` needs at most two keys at a time.
_LEAST_KEYS = 2


@dataclass(frozen=True)
class PlannedCheck:
    """One check of a target. `keys`: the number of keys that it needs; `decides`: true if it judges a MUST."""

    check: str
    family: str
    requirements: tuple[str, ...]
    decides: bool
    keys: int = _LEAST_KEYS

    @property
    def nodeid(self) -> str:
        """The attribute by which pytest-split looks up durations."""
        return self.check


@dataclass(frozen=True)
class Division:
    """The division of a target's checks and keys.

    - `of`: the number of shards.
    - `checks`: all checks of the target, in the order of a run.
    - `where`: by check id, the number of the check's shard, counted from 1.
    - `keys`: the number of keys of each shard; empty if each shard has its own endpoint.
    """

    of: int
    checks: tuple[PlannedCheck, ...]
    where: Mapping[str, int]
    keys: tuple[int, ...]

    def planned(self, here: Container[int]) -> dict[str, tuple[str, ...]]:
        """The declared requirements by check id, as `decide` takes them.

        `here`: the numbers of the shards whose results are available. To the id of a check of any other shard, the
        number of that shard is added.
        """
        named = {check.check: Shard(self.where[check.check], self.of) for check in self.checks}
        return {
            check.check if named[check.check].index in here else f"{check.check} (shard {named[check.check]})": (
                check.requirements
            )
            for check in self.checks
        }

    def to_json(self) -> dict[str, Any]:
        """The division in JSON types, the inverse of `from_json`."""
        return {
            "of": self.of,
            "keys": list(self.keys),
            "checks": [
                {
                    "check": planned.check,
                    "family": planned.family,
                    "requirements": list(planned.requirements),
                    "decides": planned.decides,
                    "keys": planned.keys,
                    "shard": self.where[planned.check],
                }
                for planned in self.checks
            ],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Division:
        """The inverse of `to_json`."""
        checks = [dict(entry) for entry in raw["checks"]]
        where = {entry["check"]: entry.pop("shard") for entry in checks}
        planned = (PlannedCheck(**(entry | {"requirements": tuple(entry["requirements"])})) for entry in checks)
        return cls(raw["of"], tuple(planned), where, tuple(raw["keys"]))


@dataclass(frozen=True)
class _Block:
    """Checks that must stay in one shard."""

    checks: tuple[PlannedCheck, ...]
    nodeid: str

    def __str__(self) -> str:
        return self.nodeid


def divide(
    name: str,
    checks: Sequence[PlannedCheck],
    of: int,
    seconds: Mapping[str, float],
    budget: int | None,
    reserve: int = 0,
) -> Division:
    """Divide the checks of the target `name` among `of` shards of similar duration.

    - `checks`: all checks in the order of a run.
    - `seconds`: the durations of checks by id.
    - `budget`: the number of keys of all shards together; None if each shard has its own endpoint.
    - `reserve`: the number of further keys for the first shard.

    Raises `TargetError` if the checks or keys cannot be divided among `of` shards.
    """
    where = _spread(checks, of, seconds)
    for index in range(1, of + 1):
        if not any(planned.decides for planned in checks if where[planned.check] == index):
            raise TargetError(
                f"The target {name} cannot be divided into {of} shards.",
                f"Shard {index}/{of} would get none of its checks of MUST requirements ({len(checks)} checks in all).",
                "Use fewer shards.",
            )
    keys = () if budget is None else _shares(name, checks, of, where, budget, reserve)
    return Division(of, tuple(checks), where, keys)


def _spread(checks: Sequence[PlannedCheck], of: int, seconds: Mapping[str, float]) -> dict[str, int]:
    # Imported late, because only runs with shards need it.
    from pytest_split.algorithms import LeastDurationAlgorithm  # noqa: PLC0415

    first = tuple(planned for planned in checks if planned.family in FIRST_SHARD_FAMILIES)
    blocks = [_Block((planned,), planned.check) for planned in checks if planned.family not in FIRST_SHARD_FAMILIES]
    known = {block.nodeid: seconds[block.nodeid] for block in blocks if block.nodeid in seconds}
    if first:
        together = _Block(first, "::".join(sorted(FIRST_SHARD_FAMILIES)))
        known[together.nodeid] = sum(seconds.get(planned.check, 0.0) for planned in first)
        blocks = [together, *blocks]
    # The types of pytest-split demand pytest items, but it reads only their attribute `nodeid`, which our blocks have.
    algorithm: Callable[..., list[Any]] = LeastDurationAlgorithm()
    groups: list[list[_Block]] = [group.selected for group in algorithm(of, blocks, known)]
    if first:
        groups.sort(key=lambda group: together not in group)
    place = {
        planned.check: index for index, group in enumerate(groups, 1) for block in group for planned in block.checks
    }
    return {planned.check: place[planned.check] for planned in checks}


def _shares(
    name: str, checks: Sequence[PlannedCheck], of: int, where: Mapping[str, int], budget: int, reserve: int
) -> tuple[int, ...]:
    """The keys of each shard: as many as its checks need, and an equal part of the rest. Raises `TargetError`."""
    needs = [_LEAST_KEYS] * of
    for planned in checks:
        needs[where[planned.check] - 1] = max(needs[where[planned.check] - 1], planned.keys)
    needs[0] += reserve
    left = budget - sum(needs)
    if left < 0:
        fewer = (budget - sum(needs) + _LEAST_KEYS * of) // _LEAST_KEYS
        raise TargetError(
            f"The keys of the target {name} cannot be divided among {of} shards.",
            f"Its limits.max_keys is {budget}, and the shards need {sum(needs)}: {' + '.join(map(str, needs))}.",
            f"Set limits.max_keys to {sum(needs)} or more, or use {max(1, fewer)} shards at most.",
        )
    each, more = divmod(left, of)
    return tuple(need + each + (index < more) for index, need in enumerate(needs))
