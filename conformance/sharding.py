"""Divides the collected checks of a target among shards, and gives this shard its part of the limits."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from conformance.bench import Bench
from conformance.check import Check
from conformance.division import Division, Planned, divide
from conformance.durations import Durations
from conformance.shard import Shard

Item = tuple[pytest.Item, Check]


def divide_items(
    items: Iterable[Item], bench: Bench, shard: Shard, seconds: Durations, *, shared: bool, plant: bool
) -> Division:
    """Who has which check of the target at `bench`, whose share is set; `shared` says whether shards share its keys.

    Raises `TargetError` where it cannot be divided so.
    """
    target = bench.target
    checks = [_planned(item, check, bench) for item, check in items if check.target == target.name]
    budget = target.limits.max_keys if shared else None
    division = divide(target.name, checks, shard.of, seconds, budget, reserve=int(plant))
    bench.share = division.keys[shard.index - 1] if division.keys else None
    return division


def _planned(item: pytest.Item, check: Check, bench: Bench) -> Planned:
    needed = item.get_closest_marker("keys")
    decides = any(bench.catalogue[name].level == "MUST" for name in check.declared & bench.applicable)
    keys = {} if needed is None else {"keys": needed.args[0]}
    return Planned(check.id, check.family, tuple(sorted(check.declared)), decides, **keys)
