"""Merges the results of the shards of one run, and decides the verdict by the same rules as for any run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.report.reproduce import read_replay_file, write_replay_file
from kms_conformance.report.store import write
from kms_conformance.run.parallel.joining import join_belongings, join_isolation
from kms_conformance.run.shards.parts import Parts, ShardedPlan, ShardPart, digest, load_parts, write_parts
from kms_conformance.target import Target
from kms_conformance.target.own_profile import add_content
from kms_conformance.target.registry import way_named
from kms_conformance.target.urls import is_loopback
from kms_conformance.verdict.decide import Circumstances, Run, decide
from kms_conformance.verdict.model import Verdict, read_time
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers.outdated import stale_waivers


@dataclass(frozen=True)
class Merged:
    """The result of a merge.

    - `report`: the report of the whole run.
    - `of`: the number of shards of the run.
    - `missing`: for each shard whose results are missing, its number and the number of its checks.
    - `undone`: the open tasks for the user, one line each.
    """

    report: Report
    of: int
    missing: Mapping[int, int]
    undone: tuple[str, ...]


@dataclass(frozen=True)
class _Input:
    """One reports folder: its report, and its `shard.json`."""

    directory: Path
    report: Report
    parts: Parts

    def of_shard(self, index: int) -> dict[str, tuple[CheckResult, ...]]:
        """The results of one shard by target, in the order of the plan."""
        found = {}
        for plan in self.parts.plans:
            results = {
                check.check: check
                for target in self.report.targets
                for check in target.checks
                if check.target == plan.name
            }
            where = plan.division.where
            found[plan.name] = tuple(results[name] for name in where if where[name] == index and name in results)
        return found


def merge(directories: Sequence[Path], out: Path) -> Merged:
    """Merge the shards in these folders, and write all files of a run into `out`.

    A folder may itself be the result of a merge. The same shards give the same bytes, in any order. Raises
    `ReportError` if the folders do not hold shards of one run.
    """
    inputs = sorted(map(_load, directories), key=lambda given: min(given.parts.indices))
    if not inputs:
        raise ReportError(
            "There is nothing to merge.", "No folder was given.", "Name the reports folder of each shard."
        )
    first = inputs[0]
    for other in inputs[1:]:
        _refuse_other_runs(first, other)
    parts, results = _joined(inputs)
    decided = [(_verdict(inputs, plan, parts, results[plan.name]), results[plan.name]) for plan in first.parts.plans]
    verdicts = [verdict for verdict, _ in decided]
    # The file is read before anything is written, because `out` may be one of the folders.
    targets = read_replay_file(first.directory)
    report = write(out, decided, stale_waivers(first.parts.waivers, verdicts, verdicts[0].began.date()))
    whole = replace(first.parts, shards=tuple(parts.values()), results=digest(report))
    write_parts(out, whole)
    write_replay_file(out, targets)
    missing = {
        index: sum(where == index for plan in first.parts.plans for where in plan.division.where.values())
        for index in range(1, first.parts.of + 1)
        if index not in parts
    }
    return Merged(report, first.parts.of, missing, tuple(dict.fromkeys(_undone(parts.values()))))


def _load(directory: Path) -> _Input:
    report = load_report(directory)
    return _Input(directory, report, load_parts(directory, report))


def _refuse_other_runs(first: _Input, other: _Input) -> None:
    for (what, mine), (_, theirs) in zip(_traits(first), _traits(other), strict=True):
        if mine != theirs:
            said = f": {mine} and {theirs}" if isinstance(mine, (str, int)) else ""
            raise ReportError(
                f"{first.directory} and {other.directory} do not belong together.",
                f"They differ in {what}{said}.",
                "Merge the shards of one run: of one release, target file, tier, seed, durations and number of shards.",
            )


def _traits(given: _Input) -> Iterator[tuple[str, object]]:
    """The facts that must be equal in all shards of a run, each with its name; the most obvious fact first."""
    verdicts = [target.verdict for target in given.report.targets]
    yield "the version of the suite", given.report.run.suite_version
    yield "their targets", ", ".join(sorted(verdict.name for verdict in verdicts))
    for verdict in sorted(verdicts, key=lambda verdict: verdict.name):
        yield f"the dialect of {verdict.name}", verdict.dialect
        yield f"the profile of {verdict.name}", verdict.profile
        yield f"the address of {verdict.name}", _place(verdict)
        yield f"the specs of {verdict.name}", verdict.specs_digest
    yield "the tier", given.report.run.tier
    yield "the seed", given.report.run.seed
    yield "the number of shards", given.parts.of
    for plan in given.parts.plans:
        yield f"how they signed in to {plan.name}", plan.way
        yield f"which shard has which checks of {plan.name}", plan.division
        yield f"the release whose requirements decide on {plan.name}", plan.frozen
    yield "the waivers", given.parts.waivers


def _place(verdict: Verdict) -> str:
    """The address of the target; the same text for all loopback addresses, as each shard may have its own emulator."""
    return "this machine" if is_loopback(verdict.base_url) else verdict.base_url


def _joined(inputs: Iterable[_Input]) -> tuple[dict[int, ShardPart], dict[str, tuple[CheckResult, ...]]]:
    """The shards by number, in order, and the results of all shards by target, in the order of the plan."""
    found: dict[int, tuple[_Input, ShardPart]] = {}
    for given in inputs:
        for part in given.parts.shards:
            known, same = found.setdefault(part.index, (given, part))
            if same != part or known.of_shard(part.index) != given.of_shard(part.index):
                raise ReportError(
                    f"{known.directory} and {given.directory} do not belong together.",
                    f"Both hold shard {part.index}/{given.parts.of}, with different results.",
                    "Name only one of them.",
                )
    results: dict[str, list[CheckResult]] = {}
    for index in sorted(found):
        for name, checks in found[index][0].of_shard(index).items():
            results.setdefault(name, []).extend(checks)
    order = {plan.name: list(plan.division.where) for given, _ in found.values() for plan in given.parts.plans}
    in_order = {
        name: tuple(sorted(checks, key=lambda check: order[check.target].index(check.check)))
        for name, checks in results.items()
    }
    return {index: found[index][1] for index in sorted(found)}, in_order


def _verdict(
    inputs: Sequence[_Input], plan: ShardedPlan, parts: Mapping[int, ShardPart], results: Sequence[CheckResult]
) -> Verdict:
    first = inputs[0]
    stored = next(target.verdict for target in first.report.targets if target.verdict.name == plan.name)
    began = [read_time(part.started) for part in parts.values()]
    ended = [
        start + timedelta(seconds=part.duration_seconds) for start, part in zip(began, parts.values(), strict=True)
    ]
    run = Run(stored.tier, stored.seed, min(began), (max(ended) - min(began)).total_seconds())
    planned = plan.division.planned(parts.keys())
    given = [target.verdict for each in inputs for target in each.report.targets if target.verdict.name == plan.name]
    reasons = {found.check: found.why for verdict in given for found in verdict.unfinished}
    filters = {name: value for verdict in given for name, value in verdict.filters.items() if name != "shard"}
    left = tuple(dict.fromkeys(key for verdict in given for key in verdict.keys_left))
    beside = Circumstances(reasons, "Its shard is missing.", filters, left)
    verdict = decide(_stand_in(stored, plan.way), results, run, planned, first.parts.waivers, plan.frozen, beside)
    return replace(
        verdict,
        isolation=join_isolation([part.isolation.get(plan.name) for part in parts.values()]),
        belongings=_belongings_of([part.belongings.get(plan.name) for part in parts.values()]),
    )


def _stand_in(stored: Verdict, way: str) -> Target:
    """The target of a verdict, with empty credentials, because results hold no credentials."""
    if stored.own_profile is not None:
        add_content(stored.dialect, stored.own_profile)
    kind = way_named(way)
    blank = dict.fromkeys(kind.key_names(), "")
    return Target(stored.name, stored.dialect, stored.base_url, kind(**blank), stored.profile)


def _belongings_of(found: Sequence[Mapping[str, Any] | None]) -> Mapping[str, Any] | None:
    """What all shards gave to their keys and gave back; None if one shard does not say it."""
    told = [entry for entry in found if entry is not None]
    return None if len(told) < len(found) else join_belongings(told)


def _undone(parts: Iterable[ShardPart]) -> Iterator[str]:
    for part in parts:
        yield from part.undone
