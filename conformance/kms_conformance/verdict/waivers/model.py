"""A waiver: which failure is accepted where, why, by whom, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Waiver:
    """`requirement` is an id, or a glob over several, such as `cancel.*`; `expires` the last day on which it counts.

    `targets` are names or globs, and `dialect` a dialect: where they are given, it speaks of no other. `failures` are
    ids of failures: where they are given, it accepts no other. `line` is where it stands in its file, 0 where that is
    not known.
    """

    requirement: str
    reason: str
    owner: str
    expires: date
    link: str = ""
    targets: tuple[str, ...] = ()
    dialect: str = ""
    line: int = 0
    failures: tuple[str, ...] = ()

    def covers(self, requirement: str) -> bool:
        """Whether it speaks of a requirement with this id."""
        return fnmatchcase(requirement, self.requirement)

    def accepts(self, failure: str) -> bool:
        """Whether it accepts the failure with this id, of a requirement that it covers."""
        return not self.failures or failure in self.failures

    def speaks_of(self, target: str, dialect: str) -> bool:
        """Whether it speaks of a target with this name and dialect."""
        named = not self.targets or any(fnmatchcase(target, name) for name in self.targets)
        return named and self.dialect in ("", dialect)

    def has_expired(self, today: date) -> bool:
        """Whether its last day is over, in UTC."""
        return today > self.expires

    def __str__(self) -> str:
        """The reason with all that goes with it, in one line: what stands wherever a verdict is shown."""
        link = f", {self.link}" if self.link else ""
        return f"{' '.join(self.reason.split())} ({self.owner}, until {self.expires}{link})"

    def to_json(self) -> dict[str, Any]:
        """As it stands in a waivers file; what is not given is left out."""
        rest = {
            "link": self.link,
            "targets": list(self.targets),
            "dialect": self.dialect,
            "failures": list(self.failures),
        }
        return {
            "requirement": self.requirement,
            "reason": self.reason,
            "owner": self.owner,
            "expires": self.expires.isoformat(),
            **{name: value for name, value in rest.items() if value},
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any], line: int = 0) -> Waiver:
        """The inverse of `to_json`. Raises `ValueError` where `expires` is no day."""
        lists = {name: tuple(raw.get(name, ())) for name in ("targets", "failures")}
        return cls(**(dict(raw) | lists | {"expires": date.fromisoformat(raw["expires"])}), line=line)


def accepting(waivers: Iterable[Waiver], requirement: str, failure: str) -> Waiver | None:
    """The first of these waivers that accepts a failure, by its id, of a requirement; None if none does."""
    return next((each for each in waivers if each.covers(requirement) and each.accepts(failure)), None)
