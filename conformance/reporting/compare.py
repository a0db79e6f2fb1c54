"""Compares two runs, requirement by requirement: what was mended, what broke, what only one of them speaks of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from conformance.catalogue.requirements import Level
from conformance.reporting.load import load_verdicts
from conformance.reporting.model import StoredVerdict
from conformance.reporting.text import counted
from conformance.reporting.words import VERDICT_WORDS
from conformance.verdict import RequirementResult, Result

FORMAT = 1
_STYLES: Mapping[str, str] = {"passed": "green", "failed": "red", "inconclusive": "yellow", "not_tested": "yellow"}


@dataclass(frozen=True)
class Difference:
    """A requirement that met with two verdicts; None where a run does not speak of it."""

    target: str
    id: str
    level: Level
    before: RequirementResult | None
    after: RequirementResult | None


@dataclass(frozen=True)
class Comparison:
    """Two runs compared. `results` are each target's before and after; None where a run does not have the target.

    `warnings` are why a difference may come from elsewhere than the targets.
    """

    before: str
    after: str
    results: Mapping[str, tuple[str | None, str | None]]
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether both have the same targets, with the same verdict on every requirement."""
        return not self.differences and all(before == after for before, after in self.results.values())

    @property
    def exit_code(self) -> int:
        """0 the same, 1 different."""
        return 0 if self.same else 1

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON types."""
        return {
            "format": FORMAT,
            "same": self.same,
            "before": self.before,
            "after": self.after,
            "targets": {name: {"before": pair[0], "after": pair[1]} for name, pair in self.results.items()},
            "differences": [asdict(difference) for difference in self.differences],
            "warnings": list(self.warnings),
        }

    def lines(self) -> Iterator[Text]:
        """What there is to say beside the table: warnings, and each target's result."""
        for warning in self.warnings:
            yield Text(f"! {warning}", "yellow")
        for name, (before, after) in self.results.items():
            yield Text(f"{name}: {_change(before, after)}", "" if before == after else "bold")
        yield Text(
            f"{counted(len(self.differences), 'requirement')} with another verdict"
            if self.differences
            else "Every requirement has the same verdict."
        )

    def table(self) -> Table:
        """The differences, a row each."""
        several = len({difference.target for difference in self.differences}) > 1
        table = Table(box=None, pad_edge=False)
        for name in (*(("target",) if several else ()), "requirement", "level"):
            table.add_column(name, overflow="fold")
        table.add_column("before")
        table.add_column("after")
        for difference in self.differences:
            target = (Text(difference.target),) if several else ()
            verdicts = (_word(difference.before), _word(difference.after))
            table.add_row(*target, Text(difference.id), Text(difference.level), *verdicts)
        return table


def compare(before: Path, after: Path) -> Comparison:
    """Compare two reports folders, or verdict files. Raises `ReportError` where either cannot be read.

    Targets are paired by name; where each side has a single one, those two are compared, whatever their names.
    """
    first = {verdict.name: verdict for verdict in load_verdicts(before)}
    second = {verdict.name: verdict for verdict in load_verdicts(after)}
    pairs = _pairs(first, second)
    both = {name: pair for name, pair in pairs.items() if None not in pair}
    return Comparison(
        before=str(before),
        after=str(after),
        results={name: (_result(old), _result(new)) for name, (old, new) in pairs.items()},
        differences=tuple(
            difference
            for name, (old, new) in both.items()
            if old and new
            for difference in _differences(name, old, new)
        ),
        warnings=tuple(
            warning for name, (old, new) in both.items() if old and new for warning in _warnings(name, old, new)
        ),
    )


_Pairs = dict[str, tuple[StoredVerdict | None, StoredVerdict | None]]


def _pairs(first: Mapping[str, StoredVerdict], second: Mapping[str, StoredVerdict]) -> _Pairs:
    if len(first) == len(second) == 1:
        (old_name, old), (new_name, new) = *first.items(), *second.items()
        return {old_name if old_name == new_name else f"{old_name} / {new_name}": (old, new)}
    return {name: (first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])}


def _differences(name: str, old: StoredVerdict, new: StoredVerdict) -> Iterator[Difference]:
    before = {entry.id: entry for entry in old.requirements}
    after = {entry.id: entry for entry in new.requirements}
    for key in dict.fromkeys([*before, *after]):
        level = (after.get(key) or before[key]).level
        was = before[key].verdict if key in before else None
        now = after[key].verdict if key in after else None
        if was != now:
            yield Difference(name, key, level, was, now)


def _warnings(name: str, old: StoredVerdict, new: StoredVerdict) -> Iterator[str]:
    for what, before, after in (
        ("dialects", old.dialect, new.dialect),
        ("profiles", old.profile, new.profile),
        ("tiers", old.tier, new.tier),
        ("suite versions", old.suite_version, new.suite_version),
        ("endpoints", old.base_url, new.base_url),
    ):
        if before != after:
            yield f"{name}: the {what} differ, {before} and {after}."
    if old.dialect == new.dialect and old.specs_digest != new.specs_digest:
        yield f"{name}: the specs differ; a requirement of the same name may demand something else."


def _change(before: str | None, after: str | None) -> str:
    if before is None or after is None:
        return f"{before or after}, only in the {'first' if after is None else 'second'} run"
    return f"{after}, as before" if before == after else f"{after}, was {before}"


def _result(verdict: StoredVerdict | None) -> Result | None:
    return None if verdict is None else verdict.result


def _word(verdict: RequirementResult | None) -> Text:
    return Text("absent", "dim") if verdict is None else Text(VERDICT_WORDS[verdict], _STYLES.get(verdict, ""))
