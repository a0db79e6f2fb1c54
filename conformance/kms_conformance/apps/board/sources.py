"""Reads reports folders and sealed files into runs of the board, and into entries with a reason what is not shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kms_conformance.apps.board.card import card_of_name, card_path, is_evidence, read_card
from kms_conformance.apps.board.model import (
    JudgedRun,
    NotShown,
    RequirementCell,
    ShownFailure,
    Standing,
    TargetCard,
)
from kms_conformance.apps.board.sealed import OpenedFile, Opener, standing_of
from kms_conformance.client.judge import Judgement
from kms_conformance.core.text import one_line, printable
from kms_conformance.report import layout
from kms_conformance.report.files import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import TargetReport
from kms_conformance.report.text.exchange import view
from kms_conformance.report.text.words import sentence
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult

# Characters that are shown of a body. results.json and sealed files hold more.
_BODY = 2000
_MOST_EXCHANGES = 2
_MOST_REASONS = 5
_UNSEALED = "It is not sealed: its verdicts are as its author's disk holds them."
# The words of the manifest of a sealed file (recording/environment.py).
SMOKE = "its tier is smoke"
Found = JudgedRun | NotShown


@dataclass(frozen=True)
class ResultPlace:
    """One result to read: a reports folder or a sealed file, and its name on the board."""

    path: Path
    name: str

    @property
    def is_folder(self) -> bool:
        return self.path.is_dir()


def places(given: Iterable[Path]) -> tuple[ResultPlace, ...]:
    """The results in the given folders and files, sorted by name; a folder without results is searched.

    Raises `ReportError` if something given does not exist or holds no result.
    """
    found: dict[Path, ResultPlace] = {}
    for path in given:
        inside = [ResultPlace(path, path.name)] if path.is_file() else list(_inside(path))
        if not inside:
            what = "It holds no results.json and no sealed file." if path.is_dir() else "It does not exist."
            raise ReportError(
                f"{path} cannot be shown on a board.",
                what,
                "Name reports folders of `run`, files of `certify`, or a folder with several of them.",
            )
        found |= {place.path.resolve(): place for place in inside}
    return tuple(sorted(found.values(), key=lambda place: (place.name, str(place.path))))


def _inside(directory: Path) -> Iterator[ResultPlace]:
    root = directory.resolve()
    results = [path.parent for path in sorted(root.rglob(layout.RESULTS))]
    sealed = [path for path in sorted(root.rglob("*.zip")) if is_evidence(path)]
    for path in (*results, *sealed):
        below = path.relative_to(root).as_posix()
        yield ResultPlace(path, root.name if below == "." else f"{root.name}/{below}")


def read_place(place: ResultPlace, opener: Opener) -> tuple[Found, ...]:
    """The runs in a reports folder, or the run in a sealed file; a result that is not shown gives one `NotShown`."""
    try:
        if place.is_folder:
            return tuple(_of_folder(place))
        return (read_sealed(place, opener(place.path)),)
    except ReportError as error:
        reasons = f"{error.what}\n{error.why}".splitlines()[:_MOST_REASONS]
        return (NotShown(place.name, Standing("refused", tuple(map(one_line, reasons)))),)


def _of_folder(place: ResultPlace) -> Iterator[JudgedRun]:
    report = load_report(place.path)
    folders = layout.folders(place.path, [target.verdict.name for target in report.targets])
    for target in report.targets:
        folder = folders[target.verdict.name]
        # The sealed file that `certify` wrote there stands for it, and is found by itself.
        if any(is_evidence(path) for path in folder.glob("*.zip")):
            continue
        name = place.name if folder == place.path else f"{place.name}/{target.verdict.name}"
        partial = tuple(_partial(target.verdict))
        yield judged_run(target, name, folder, Standing("report", (_UNSEALED,)), partial)


def read_sealed(place: ResultPlace, opened: OpenedFile) -> Found:
    """The run in a sealed file that was verified already, or why it is not shown."""
    standing = standing_of(opened)
    if standing.name in {"refused", "unjudged"} or opened.report is None:
        said = "" if opened.report is None else opened.report.verdict.name
        return NotShown(place.name, standing, one_line(said))
    return judged_run(opened.report, place.name, place.path, standing, opened.partial)


def judged_run(report: TargetReport, name: str, place: Path, standing: Standing, partial: tuple[str, ...]) -> JudgedRun:
    """One run of the board; `place` is the folder or file beside which its card is looked for."""
    verdict = report.verdict
    card, problems = _card(place, verdict)
    return JudgedRun(
        source=name,
        card=card,
        standing=replace(standing, notes=(*standing.notes, *problems)),
        target=verdict.name,
        dialect=verdict.dialect,
        profile=verdict.profile,
        base_url=verdict.base_url,
        result=verdict.result,
        tier=verdict.tier,
        seed=verdict.seed,
        started=verdict.started,
        suite_version=verdict.suite_version,
        specs_digest=verdict.specs_digest,
        requests=verdict.requests,
        keys_created=verdict.keys_created,
        own_profile=verdict.own_profile is not None,
        partial=partial,
        sentence=sentence(verdict),
        cells=tuple(_cells(report)),
    )


def _card(place: Path, verdict: Verdict) -> tuple[TargetCard, tuple[str, ...]]:
    read = read_card(card_path(place))
    by_name = card_of_name(verdict.name, verdict.started[:10])
    if read is None:
        return by_name, ()
    if read.card is None:
        return by_name, (f"Its card {read.path.name} is not used: {' '.join(read.problems)}",)
    return read.card, ()


def _partial(verdict: Verdict) -> Iterator[str]:
    """Why a run without a seal does not cover all requirements."""
    if verdict.tier == "smoke":
        yield SMOKE
    if verdict.unfinished:
        yield f"{len(verdict.unfinished)} checks did not run to the end"
    if verdict.filters:
        yield "only a part of the suite was named"
    if verdict.watch:
        yield "it only watched what was planted"


def _cells(report: TargetReport) -> Iterator[RequirementCell]:
    proofs = _proofs(report.checks)
    failures: dict[str, list[tuple[CheckResult, Judgement]]] = {}
    for check in report.checks:
        for failure in check.failures:
            failures.setdefault(failure.requirement, []).append((check, failure))
    for entry in report.verdict.requirements:
        yield RequirementCell(
            entry.id,
            entry.level,
            entry.weight,
            entry.verdict,
            printable(entry.reason),
            _failure(failures.get(entry.id, [])) if entry.verdict in {"failed", "waived"} else None,
            proofs.get(entry.id) if entry.verdict == "passed" else None,
        )


def _failure(found: list[tuple[CheckResult, Judgement]]) -> ShownFailure | None:
    if not found:
        return None
    check, failure = found[0]
    records = {record["number"]: record for record in check.exchanges}
    cited = [records[number] for number in failure.exchanges if number in records]
    shown = cited if len(cited) <= _MOST_EXCHANGES else [cited[0], cited[-1]]
    return ShownFailure(
        check.check,
        printable(failure.expected),
        printable(failure.received),
        one_line(failure.hint),
        tuple(view(record, _BODY) for record in shown),
        len(found) - 1,
    )


def _proofs(checks: Iterable[CheckResult]) -> dict[str, Mapping[str, Any]]:
    """By requirement, the first recorded exchange that proves it, of a check that declares it."""
    found: dict[str, Mapping[str, Any]] = {}
    for check in checks:
        records = {record["number"]: record for record in check.exchanges}
        for requirement, numbers in check.evidence.items():
            if requirement in found or requirement not in check.declared:
                continue
            record = next((records[number] for number in numbers if number in records), None)
            if record is not None:
                found[requirement] = record
    return found
