"""Reads `survivors.yaml`, the accepted survivors with their reasons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.core.specs import parse_yaml
from tools.mutation.mutant import Change, Mutant

FILE = Path(__file__).with_name("survivors.yaml")


@dataclass(frozen=True)
class Accepted:
    """Changes of one function without an effect on behaviour, with one reason."""

    function: str
    reason: str
    changes: tuple[Change, ...]


def load() -> tuple[Accepted, ...]:
    """Every entry of the file; raises `ValueError` for an entry without a reason and for a repeated change."""
    found = tuple(_accepted(entry) for entry in parse_yaml(FILE.read_text(encoding="utf-8")) or ())
    changes = [change for entry in found for change in entry.changes]
    for index, change in enumerate(changes):
        if change in changes[:index]:
            raise ValueError(f"{FILE.name}: repeated change: {change}")
    return found


def unlisted(survivors: Iterable[Mutant], accepted: Iterable[Accepted]) -> tuple[Mutant, ...]:
    """The survivors without an entry."""
    known = {change for entry in accepted for change in entry.changes}
    return tuple(mutant for mutant in survivors if mutant.change not in known)


def outdated(survivors: Iterable[Mutant], accepted: Iterable[Accepted]) -> tuple[Change, ...]:
    """The listed changes that no longer survive: the code changed, or a test fails on them now."""
    left = {mutant.change for mutant in survivors}
    return tuple(change for entry in accepted for change in entry.changes if change not in left)


def _accepted(entry: dict[str, object]) -> Accepted:
    function, reason, changes = entry["function"], entry["reason"], entry["changes"]
    if not isinstance(function, str) or not isinstance(reason, str) or not reason or not isinstance(changes, list):
        raise ValueError(f"{FILE.name}: an entry needs `function`, `reason` and `changes`: {entry}")
    return Accepted(
        function, reason, tuple(Change(function, each["was"].strip(), each["now"].strip()) for each in changes)
    )
