"""Which shard has which checks of a target, and how many keys each may use: the same wherever it is worked out."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kms_conformance.run.shards.shard import Shard
from kms_conformance.target import TargetError

#: Checks that read what earlier nights have left: their ledger stays with the shard that has them, which is the first.
FIRST = frozenset({"planted"})
# Two keys at a time is what every check but those marked with `keys` can do with.
_LEAST_KEYS = 2


@dataclass(frozen=True)
class Planned:
    """One check of a target. `keys` is how many it needs; `decides` whether it judges a MUST."""

    check: str
    family: str
    requirements: tuple[str, ...]
    decides: bool
    keys: int = _LEAST_KEYS

    @property
    def nodeid(self) -> str:
        """By what the dividing library looks up its seconds."""
        return self.check


@dataclass(frozen=True)
class Division:
    """All checks of a target in the order of a run, the shard of each by its id, and the keys of each shard."""

    of: int
    checks: tuple[Planned, ...]
    where: Mapping[str, int]
    keys: tuple[int, ...]

    def planned(self, here: Container[int]) -> dict[str, tuple[str, ...]]:
        """Requirements by check, as `verdict.decide` wants them; one of a shard that is not `here` is named with it."""
        named = {check.check: Shard(self.where[check.check], self.of) for check in self.checks}
        return {
            check.check if named[check.check].index in here else f"{check.check} (shard {named[check.check]})": (
                check.requirements
            )
            for check in self.checks
        }

    def to_json(self) -> dict[str, Any]:
        """JSON types, the inverse of `from_json`."""
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
        """Rebuild it from what `to_json` gave."""
        checks = [dict(entry) for entry in raw["checks"]]
        where = {entry["check"]: entry.pop("shard") for entry in checks}
        planned = (Planned(**(entry | {"requirements": tuple(entry["requirements"])})) for entry in checks)
        return cls(raw["of"], tuple(planned), where, tuple(raw["keys"]))


@dataclass(frozen=True)
class _Block:
    """What must stay together counts as one check."""

    checks: tuple[Planned, ...]
    nodeid: str

    def __str__(self) -> str:
        return self.nodeid


def divide(
    name: str, checks: Sequence[Planned], of: int, seconds: Mapping[str, float], budget: int | None, reserve: int = 0
) -> Division:
    """Divide the checks of the target `name`, given in the order of a run, by what each takes in `seconds`.

    `budget` is how many keys all shards may have together; None where each has an endpoint of its own. `reserve` are
    keys that the first shard needs besides. Raises `TargetError` where it cannot be divided so.
    """
    where = _spread(checks, of, seconds)
    for index in range(1, of + 1):
        if not any(planned.decides for planned in checks if where[planned.check] == index):
            raise TargetError(
                f"The target {name} cannot be divided into {of} shards.",
                f"Of its {len(checks)} checks, none that decides anything would be left for shard {index}/{of}.",
                "Use fewer shards.",
            )
    keys = () if budget is None else _shares(name, checks, of, where, budget, reserve)
    return Division(of, tuple(checks), where, keys)


def _spread(checks: Sequence[Planned], of: int, seconds: Mapping[str, float]) -> dict[str, int]:
    # Imported here: a run that is not divided does without.
    from pytest_split.algorithms import LeastDurationAlgorithm  # noqa: PLC0415

    first = tuple(planned for planned in checks if planned.family in FIRST)
    blocks = [_Block((planned,), planned.check) for planned in checks if planned.family not in FIRST]
    known = {block.nodeid: seconds[block.nodeid] for block in blocks if block.nodeid in seconds}
    if first:
        together = _Block(first, "::".join(sorted(FIRST)))
        known[together.nodeid] = sum(seconds.get(planned.check, 0.0) for planned in first)
        blocks = [together, *blocks]
    # Its types speak of pytest's items; it reads their ids and nothing else.
    algorithm: Callable[..., list[Any]] = LeastDurationAlgorithm()
    groups: list[list[_Block]] = [group.selected for group in algorithm(of, blocks, known)]
    if first:
        groups.sort(key=lambda group: together not in group)
    place = {
        planned.check: index for index, group in enumerate(groups, 1) for block in group for planned in block.checks
    }
    return {planned.check: place[planned.check] for planned in checks}


def _shares(
    name: str, checks: Sequence[Planned], of: int, where: Mapping[str, int], budget: int, reserve: int
) -> tuple[int, ...]:
    """As many keys for each shard as its checks need, and the rest in turn. Raises `TargetError` where too few."""
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
