"""What a variant is: a legitimate way to conform that differs from the emulator's own."""

from __future__ import annotations

from dataclasses import dataclass

from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, BOTH, HUAWEI, Prepare, only, serving
from kms_conformance.emulator import Decisions, Filter

__all__ = ["ALIBABA", "ALL", "AWS", "BOTH", "HUAWEI", "Variant"]


@dataclass(frozen=True)
class Variant:
    """One way to conform. `families` narrows a run down where all of it would take too long.

    Of the variants `about` one thing an endpoint can have only one at a time; one that is `alone` goes with no other.
    """

    name: str
    title: str
    dialects: tuple[str, ...] = ALL
    decisions: tuple[type[Decisions], ...] = ()
    filters: tuple[Filter, ...] = ()
    auth: str | None = None
    foreign_keys: int = 3
    profile: str = "documents"
    families: tuple[str, ...] = ()
    group: str = ""
    about: str = ""
    alone: bool = False

    def arguments(self) -> tuple[str, ...]:
        """The arguments of a run."""
        return only(self.families) if self.families else ()

    def serving(self, dialect: str) -> Prepare:
        """What `run_suite` serves: an emulator of the dialect that conforms in this way."""
        return serving(
            dialect,
            decisions=self.decisions,
            filters=self.filters,
            auth=self.auth,
            foreign_keys=self.foreign_keys,
            profile=self.profile,
        )
