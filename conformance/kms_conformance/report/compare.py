"""Compares two runs: the targets of both, the changes in each target, and possible causes other than the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kms_conformance.report import layout
from kms_conformance.report.answer_changes import AnswerChanges, answer_changes
from kms_conformance.report.change import KINDS, Kind, RequirementChange, RunSide, changes
from kms_conformance.report.load import load_report, load_verdict
from kms_conformance.verdict.model import Result, Verdict

FORMAT = 1
KIND = "kms-conformance changes"


@dataclass(frozen=True)
class RunComparison:
    """The comparison of two runs.

    - `before`, `after`: the names of the runs, such as their paths.
    - `results`: by target, its result in the earlier and in the later run; None if a run does not have the target.
    - `changes`: the changed requirements of all targets.
    - `warnings`: possible causes of a change other than the target, such as different specs, tiers or suite versions.
    - `answers`: by target, the kinds of answers that came in one run only. `same` leaves them out.
    """

    before: str
    after: str
    results: Mapping[str, tuple[Result | None, Result | None]]
    changes: tuple[RequirementChange, ...]
    warnings: tuple[str, ...]
    answers: Mapping[str, AnswerChanges] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether both runs have the same targets, with the same verdict and answers for every requirement."""
        return not self.changes and all(before == after for before, after in self.results.values())

    def of_kind(self, kind: Kind) -> tuple[RequirementChange, ...]:
        return tuple(change for change in self.changes if change.kind == kind)

    def counts(self) -> dict[Kind, int]:
        """The number of changes by kind; every kind is a key."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS}

    def exit_code(self, *, strict: bool = False) -> int:
        """1 if a requirement regressed or, with `strict`, if the runs differ at all; else 0."""
        return int(not self.same if strict else bool(self.of_kind("regressed")))

    def to_json(self) -> dict[str, Any]:
        """The comparison as `specs/schemas/changes.schema.json` describes it."""
        return {
            "format": FORMAT,
            "kind": KIND,
            "same": self.same,
            "regressed": bool(self.of_kind("regressed")),
            "before": self.before,
            "after": self.after,
            "targets": {name: {"before": pair[0], "after": pair[1]} for name, pair in self.results.items()},
            "counts": self.counts(),
            "changes": [asdict(change) for change in self.changes],
            "warnings": list(self.warnings),
            **({"answers": {name: each.to_json() for name, each in self.answers.items()}} if self.answers else {}),
        }


def compare(before: Path, after: Path) -> RunComparison:
    """Compare two reports folders or verdict files. Raises `ReportError` if one cannot be read.

    Targets with the same name are compared. If each run has exactly one target, these two are compared even if their
    names differ.
    """
    return compared(str(before), sides(before), str(after), sides(after))


def compared(before: str, first: Mapping[str, RunSide], after: str, second: Mapping[str, RunSide]) -> RunComparison:
    """Compare the targets of two runs, by name; `before` and `after` are the names of the runs."""
    pairs = _pairs(first, second)
    both = {name: (old, new) for name, (old, new) in pairs.items() if old and new}
    return RunComparison(
        before=before,
        after=after,
        results={name: (_result(old), _result(new)) for name, (old, new) in pairs.items()},
        changes=tuple(change for name, (old, new) in both.items() for change in changes(name, old, new)),
        warnings=tuple(warning for name, pair in pairs.items() for warning in _warnings(name, *pair)),
        answers={name: found for name, pair in both.items() if (found := answer_changes(*pair))},
    )


def sides(path: Path) -> dict[str, RunSide]:
    """The targets of a run, by name.

    `path` is a reports folder, a `results.json`, the folder of one target, or a `verdict.json`. Raises `ReportError`.
    """
    if path.name == layout.RESULTS or (path / layout.RESULTS).is_file():
        return {target.verdict.name: RunSide(target.verdict, target.checks) for target in load_report(path).targets}
    verdict = load_verdict(path / layout.VERDICT if path.is_dir() else path)
    return {verdict.name: RunSide(verdict)}


_Pairs = dict[str, tuple[RunSide | None, RunSide | None]]


def _pairs(first: Mapping[str, RunSide], second: Mapping[str, RunSide]) -> _Pairs:
    if len(first) == len(second) == 1:
        (old_name, old), (new_name, new) = *first.items(), *second.items()
        return {old_name if old_name == new_name else f"{old_name} / {new_name}": (old, new)}
    return {name: (first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])}


def _warnings(name: str, before: RunSide | None, after: RunSide | None) -> Iterator[str]:
    if before is None or after is None:
        yield f"{name}: only the {'first' if after is None else 'second'} run has this target."
        return
    old, new = before.verdict, after.verdict
    for what, was, now in (
        ("dialects", old.dialect, new.dialect),
        ("profiles", old.profile, new.profile),
        ("tiers", old.tier, new.tier),
        ("suite versions", old.suite_version, new.suite_version),
        ("endpoints", old.base_url, new.base_url),
    ):
        if was != now:
            yield f"{name}: the {what} differ, {was} and {now}."
    yield from _warnings_of_runs(name, old, new)
    if before.checks is None or after.checks is None:
        yield f"{name}: accepted answers are not compared; they are in results.json, and only verdict.json was given."


def _warnings_of_runs(name: str, old: Verdict, new: Verdict) -> Iterator[str]:
    if old.dialect == new.dialect and old.specs_digest != new.specs_digest:
        yield f"{name}: the specs differ; requirements with the same id may differ in content."
    was, now = (_decided_by(verdict) for verdict in (old, new))
    if was != now:
        yield f"{name}: the runs were decided by different requirements, {was} and {now}."
    if new.started < old.started:
        yield f"{name}: the second run started before the first, {new.started} and {old.started}."


def _decided_by(verdict: Verdict) -> str:
    return "those of its suite" if verdict.frozen is None else f"those of release {verdict.frozen['version']}"


def _result(side: RunSide | None) -> Result | None:
    return None if side is None else side.verdict.result
