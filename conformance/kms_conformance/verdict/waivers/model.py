"""A waiver: the acceptance of known failures, with scope, reason, owner and last day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Any


@dataclass(frozen=True)
class Waiver:
    """One entry of a waivers file.

    - `requirement`: the id of a requirement, or a glob such as `cancel.*`.
    - `expires`: the last day on which the waiver counts, in UTC.
    - `targets`: names or globs of the only targets for which the waiver counts; empty for all.
    - `dialect`: the only dialect for which the waiver counts; empty for all.
    - `failures`: the ids of the only failures that the waiver accepts; empty for all.
    - `line`: the line of the entry in the file; 0 if unknown.
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
        """Whether the waiver is for the requirement with this id."""
        return fnmatchcase(requirement, self.requirement)

    def accepts(self, failure: str) -> bool:
        """Whether the waiver accepts the failure with this id, if it covers the requirement."""
        return not self.failures or failure in self.failures

    def applies_to(self, target: str, dialect: str) -> bool:
        """Whether the waiver counts for a target with this name and dialect."""
        named = not self.targets or any(fnmatchcase(target, name) for name in self.targets)
        return named and self.dialect in ("", dialect)

    def has_expired(self, today: date) -> bool:
        """Whether the last day of the waiver is over; `today` is the date in UTC."""
        return today > self.expires

    def __str__(self) -> str:
        """Reason, owner, last day and link in one line, as reports show them."""
        link = f", {self.link}" if self.link else ""
        return f"{' '.join(self.reason.split())} ({self.owner}, until {self.expires}{link})"

    def to_json(self) -> dict[str, Any]:
        """The entry in a waivers file; empty optional fields are left out."""
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
        """The inverse of `to_json`. Raises `ValueError` if `expires` is not a date."""
        lists = {name: tuple(raw.get(name, ())) for name in ("targets", "failures")}
        return cls(**(dict(raw) | lists | {"expires": date.fromisoformat(raw["expires"])}), line=line)


def accepting(waivers: Iterable[Waiver], requirement: str, failure: str) -> Waiver | None:
    """The first waiver that accepts the failure with this id of a requirement; None if there is none."""
    return next((each for each in waivers if each.covers(requirement) and each.accepts(failure)), None)
