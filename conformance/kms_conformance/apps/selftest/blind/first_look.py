"""The first look: what the suite reported about the blind sets the first time, before anything was mended.

The results are in a file of each set, and are never measured again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class Look:
    """The first whole run against a fault or a variant in one dialect.

    - accused: the requirements that failed.
    - held: a fault was detected; a variant was not accused, and the run ended with exit code 0.
    """

    name: str
    dialect: str
    accused: tuple[str, ...]
    held: bool


@dataclass(frozen=True)
class FirstLook:
    """The first results of one blind set.

    - date: the day of the runs.
    - commit: the tested commit.
    - drawn: how the runs were chosen from the set.
    """

    date: str
    commit: str
    drawn: str
    looks: tuple[Look, ...]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> FirstLook:
        """The first results from their part of the file."""
        looks = (Look(one["name"], one["dialect"], tuple(one["accused"]), one["held"]) for one in raw["looks"])
        return cls(raw["date"], raw["commit"], raw["drawn"], tuple(looks))

    def rate(self, dialect: str = "") -> tuple[int, int]:
        """How many looks held, and how many there were; without a dialect, of all."""
        return rate_of(look.held for look in self.looks if dialect in {"", look.dialect})


def rate_of(results: Iterable[bool]) -> tuple[int, int]:
    """How many results are true, and how many there are."""
    found = list(results)
    return sum(found), len(found)


@cache
def first_look(kind: Literal["faults", "variants"], name: str = "first") -> FirstLook:
    """The first results of the faults or of the variants of one set; `name` is that of the set.

    A set that was never run has no file, and no results.
    """
    path = Path(__file__).parent / name / "first_look.json"
    if not path.exists():
        return FirstLook("", "", "", ())
    return FirstLook.from_json(json.loads(path.read_text(encoding="utf-8"))[kind])
