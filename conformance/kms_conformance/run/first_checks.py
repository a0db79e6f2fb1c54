"""The checks that a run asks first, and whether it asks only these: the options `--failed` and `--only` of `run`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kms_conformance.catalogue.families import LAST, SAFEGUARD, UNMOVED, position
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.report.red import checks_not_passed


# eq=False: pytest keeps plugins in sets, so they must be hashable.
@dataclass(frozen=True, eq=False)
class FirstChecks:
    """The checks that come first, as a plugin that the run finds among those of its session.

    - `checks`: the ids of these checks, by target; targets that are not named have none.
    - `only`: true if the run stops after them. Such a run is partial: it is never conformant and never certified.
    - `source`: the reports folder that names them, for messages and for the filters of the verdict.
    - `brief`: true if the terminal shows failures when they are found, and no summary.
    """

    checks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    only: bool = False
    source: str = ""
    brief: bool = False

    @classmethod
    def of_reports(cls, directory: Path, *, only: bool = False) -> FirstChecks:
        """The checks that did not pass in the run of a reports folder.

        Raises `ReportError` if the folder cannot be read, or if `only` is set and every check passed.
        """
        return cls.of_report(load_report(directory), directory, only=only)

    @classmethod
    def of_report(cls, report: Report, directory: Path, *, only: bool = False, brief: bool = False) -> FirstChecks:
        """The checks that did not pass in a run; see `of_reports`."""
        found = {target.verdict.name: checks_not_passed(target) for target in report.targets}
        if only and not any(found.values()):
            raise ReportError(
                f"{directory} has no check that failed or was open.",
                "So a run with --only has nothing to ask.",
                "Leave out --only: the whole run asks everything.",
            )
        return cls(found, only, str(directory), brief)

    def refuse_unknown(self, targets: tuple[str, ...]) -> None:
        """Raise `ReportError` if a target of this run has no results in the folder."""
        unknown = [name for name in targets if name not in self.checks]
        if unknown:
            raise ReportError(
                f"{self.source} has no results of {', '.join(unknown)}.",
                f"Its targets: {', '.join(self.checks) or 'none'}.",
                "Name the reports folder of a run with these targets, or leave out --failed.",
            )

    @property
    def settings(self) -> dict[str, list[str]] | None:
        """The checks in JSON types, for the settings of workers; None if nothing comes first."""
        return {name: list(ids) for name, ids in self.checks.items()} if any(self.checks.values()) else None


def place(family: str, check: str, first: frozenset[str]) -> tuple[int, int]:
    """The place of a check in the order of a run; `first` are the checks that come first.

    Families that protect the keys of others, and those that rest on all other checks, stay where they are.
    """
    order = position(family)
    if family in UNMOVED:
        return (0, order)
    if family in LAST:
        return (3, order)
    return (1 if check in first else 2, order)


def is_asked(family: str, check: str, first: frozenset[str]) -> bool:
    """Whether a run with `--only` asks a check: those that come first, and what protects the keys of others."""
    return check in first or family in SAFEGUARD
