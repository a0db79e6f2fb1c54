"""Finds a failure by its id in a reports folder, and the target file of its run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kms_conformance.client.judge import Judgement
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.reproduce import read_replay_file
from kms_conformance.target import Target, load_target
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult

_MOST_SHOWN = 10


@dataclass(frozen=True)
class FoundFailure:
    """Failure of an earlier run: its id, the verdict of its target, and the check that found it."""

    id: str
    verdict: Verdict
    check: CheckResult
    failure: Judgement


def find(directory: Path, name: str) -> FoundFailure:
    """The failure with the id `name`. Raises `ReportError` if the folder cannot be read or has no such failure."""
    known = list(_failures(directory))
    for found in known:
        if found.id == name.lower():
            return found
    shown = [f"  {found.id}  {found.verdict.name}  {found.failure.requirement}" for found in known[:_MOST_SHOWN]]
    more = [f"  and {len(known) - _MOST_SHOWN} more"] if len(known) > _MOST_SHOWN else []
    raise ReportError(
        f"{directory} holds no failure with the id {name!a}.",
        "\n".join(["Its failures:", *shown, *more]) if known else "It holds no failures.",
        "Name one of these." if known else "There is nothing to replay.",
    )


def target_file(directory: Path, found: FoundFailure, given: Path | None) -> Path | None:
    """The target file to use: `given`, or else that of the run; None for the built-in emulator.

    Raises `ReportError` if the folder does not name a target file or the file has another dialect than the failure, and
    `TargetError` if the file cannot be loaded.
    """
    path = given or _of_the_run(directory, found)
    if path is None:
        return None
    target = load_target(path)
    if target.dialect != found.verdict.dialect:
        raise ReportError(
            f"{path} cannot be used to replay {found.id}.",
            f"Its dialect is {target.dialect}; the failure is of {found.verdict.dialect}.",
            "Name a target file of that dialect with --target.",
        )
    return path


def other_endpoint(found: FoundFailure, target: Target) -> str:
    """A sentence if the endpoint or the profile of the target differs from that of the run; else ""."""
    if (found.verdict.base_url, found.verdict.profile) == (target.shown_url, target.profile):
        return ""
    was = f"{found.verdict.base_url} with the profile {found.verdict.profile}"
    return f"The run used {was}; this replay uses {target.shown_url} with the profile {target.profile}."


def _of_the_run(directory: Path, found: FoundFailure) -> Path | None:
    paths = read_replay_file(directory)
    if found.verdict.name not in paths:
        raise ReportError(
            f"{directory} does not name the target file of {found.verdict.name}.",
            "Another version of the suite or another machine wrote the folder.",
            "Name the target file with --target.",
        )
    return paths[found.verdict.name]


def _failures(directory: Path) -> Iterator[FoundFailure]:
    for target in load_report(directory).targets:
        for check in target.checks:
            for failure in check.failures:
                yield FoundFailure(check.failure_id(failure), target.verdict, check, failure)
