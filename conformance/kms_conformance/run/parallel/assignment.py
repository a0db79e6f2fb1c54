"""The division of one target's checks among several processes of one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from kms_conformance.catalogue.families import ACROSS_RUNS, AFTER_ALL, BEFORE_ADMISSION
from kms_conformance.core.tier import Tier, keys_allowed
from kms_conformance.suite.checks import SuiteCheck
from kms_conformance.target import Target

# Every check without the mark `keys` needs at most two keys at a time.
_KEYS = 2
# The first process needs two keys, one for generated creations, and one without key material.
_KEYS_OF_FIRST = 4
# Marks of checks that run in the first process.
_OF_FIRST = ("first_process", "keys", "wasteful")
_ALONE = ("alone", "clock", "planted")
# So many processes leave each of them two refused signatures, together fewer than lock an access key.
_MOST_OF_AN_ACCOUNT = 2


@dataclass(frozen=True)
class Assignment:
    """Which process runs which checks, by id, and how many keys it may use.

    - `first`: run in the first process before any other process begins.
    - `parts`: by process, run at the same time.
    - `last`: run in the first process after all other processes have ended.
    - `each`: those of `last` that every other process runs too, at the end of its part.
    - `keys`: by process, its part of the keys.
    - `brief`: the shortest check of the first process's part; empty if it has none.
    """

    first: frozenset[str]
    parts: tuple[frozenset[str], ...]
    last: frozenset[str]
    each: frozenset[str]
    keys: tuple[int, ...]
    brief: str = ""

    def begins_alone(self, check: str) -> bool:
        """Whether a check shows to the process that runs it that all other processes have ended."""
        return check in self.last and check not in self.each

    def shared(self, check: str) -> bool:
        """Whether other processes may test the target while a check runs."""
        return check in self.each or any(check in part for part in self.parts)


def most_processes(target: Target, tier: Tier, reserve: int = 0) -> int:
    """How many processes the limits of a target and a tier allow; at least 1. `reserve`: keys for other purposes."""
    spare = keys_allowed(tier, target.limits.max_keys) - keys_of_first(reserve)
    allowed = 1 + max(0, spare) // _KEYS
    return min(allowed, _MOST_OF_AN_ACCOUNT) if target.is_real else allowed


def keys_of_first(reserve: int = 0) -> int:
    """The keys that the first process needs."""
    return _KEYS_OF_FIRST + reserve


def keys_for(processes: int, reserve: int = 0) -> int:
    """The keys that so many processes need together."""
    return keys_of_first(reserve) + (processes - 1) * _KEYS


def assign(
    checks: Iterable[SuiteCheck], target: Target, tier: Tier, processes: int, seconds: Mapping[str, float]
) -> Assignment:
    """Divide the checks of a target, given in the order of a run, among processes that take about as long.

    `seconds` are the measured durations by check; a check without one is taken for one of mean duration. Every process
    computes the same division.
    """
    planned = tuple(checks)
    first = frozenset(check.id for check in planned if _is_first(check))
    last = frozenset(check.id for check in planned if check.id not in first and _is_alone(check, target))
    usual = fmean(seconds.values()) if seconds else 1.0
    loads = [0.0] * processes
    parts: list[set[str]] = [set() for _ in range(processes)]
    middle = [check for check in planned if check.id not in first | last]
    # The longest checks first, each to the process that has the least to do; those with a fixed place before them.
    middle.sort(key=lambda check: (not _is_of_first(check), -seconds.get(check.id, usual)))
    for check in middle:
        place = 0 if _is_of_first(check) else loads.index(min(loads))
        parts[place].add(check.id)
        loads[place] += seconds.get(check.id, usual)
    keys = keys_allowed(tier, target.limits.max_keys)
    return Assignment(
        first,
        tuple(map(frozenset, parts)),
        last,
        frozenset(check.id for check in planned if check.family in AFTER_ALL),
        (keys - (processes - 1) * _KEYS, *(_KEYS for _ in range(1, processes))),
        min(parts[0], key=lambda name: (seconds.get(name, usual), name), default=""),
    )


def _is_first(check: SuiteCheck) -> bool:
    """Whether a check precedes all others: only a target that keeps keys apart can be tested by several processes."""
    return check.family in BEFORE_ADMISSION and check.family not in ACROSS_RUNS


def _is_alone(check: SuiteCheck, target: Target) -> bool:
    moved = target.time_control is not None and check.mark("moves_clock") is not None
    return moved or any(check.mark(name) is not None for name in _ALONE)


def _is_of_first(check: SuiteCheck) -> bool:
    return any(check.mark(name) is not None for name in _OF_FIRST)
