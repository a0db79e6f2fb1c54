"""Writes the files of a run: verdicts, results, and every registered format that is made of them."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kms_conformance.report import files, formats, layout, trace
from kms_conformance.report.consistency import problems_of_report
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.verdict.decide import EXIT_CODES, unwritten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from kms_conformance.verdict.model import Verdict
    from kms_conformance.verdict.results import CheckResult
    from kms_conformance.verdict.waivers.outdated import StaleWaiver


UNFINISHED = "The run is unfinished: it goes on, or was ended before it could say more."


class ContradictionError(ReportError):
    """Results of a run that cannot be: a fault of ours, by which nothing is judged."""

    exit_code: ClassVar[int] = EXIT_CODES["inconclusive"]

    def __init__(self, why: str) -> None:
        what = "The results of this run contradict each other, or have another form than they should."
        super().__init__(what, why, "This is a fault of the suite: please report it.")


class NotWrittenError(ReportError):
    """What was judged could not be written; `report` is for the terminal, and calls no target conformant."""

    exit_code: ClassVar[int] = EXIT_CODES["inconclusive"]

    def __init__(self, error: ReportError, judged: Report) -> None:
        super().__init__(
            error.what,
            error.why,
            "Name another folder with --reports, or make room, and run again: what was judged is told here alone.",
        )
        self.report = replace(judged, targets=tuple(map(_on_no_disk, judged.targets)))


def _on_no_disk(target: TargetReport) -> TargetReport:
    return replace(target, verdict=unwritten(target.verdict))


def begin(directory: Path, verdicts: Sequence[Verdict]) -> None:
    """Remove what an earlier run left, and write a verdict for each target by which nothing holds yet.

    Raises `ReportError` where the folder cannot be written: then nothing has been asked.
    """
    folders = layout.folders(directory, [verdict.name for verdict in verdicts])
    clear(directory)
    for verdict in verdicts:
        document = verdict.to_json()
        validate(document, "verdict", layout.VERDICT)
        files.write_atomically(folders[verdict.name] / layout.VERDICT, files.to_text(document))


def write(
    directory: Path, decided: Iterable[tuple[Verdict, Sequence[CheckResult]]], stale: Sequence[StaleWaiver] = ()
) -> Report:
    """Write all files of a run into its reports folder, and return what they say; `stale` are waivers that fail it.

    Everything is validated before anything is written. What an earlier run left there is removed first, because a
    verdict, page or certificate of it beside this run's results would mislead; `results.json` comes last, so that a
    folder without it is one of a run that did not finish. Raises `ContradictionError` for results that cannot be, and
    `NotWrittenError` where the system does not let us write: then no file of this run says anything.
    """
    targets = tuple(TargetReport.of(verdict, checks) for verdict, checks in decided)
    if not targets:
        raise ReportError("There is nothing to report.", "The run had no target.", "Name one with --target.")
    report = scrubbed(Report(targets, tuple(stale)))
    _check(report)
    try:
        _write(directory, report)
    except ReportError as error:
        with suppress(ReportError):
            clear(directory)
        raise NotWrittenError(error, report) from error
    return report


def _write(directory: Path, report: Report) -> None:
    folders = layout.folders(directory, [target.verdict.name for target in report.targets])
    clear(directory)
    for target in report.targets:
        folder = folders[target.verdict.name]
        files.write_atomically(folder / layout.VERDICT, files.to_text(target.verdict.to_json()))
        files.write_atomically(folder / layout.TRACE, files.to_text(trace.document(target)))
    formats.write_formats(directory, report)
    files.write_atomically(directory / layout.RESULTS, files.to_text(report.to_json()))


def scrubbed(report: Report) -> Report:
    """The same report without halves of surrogate pairs, which an endpoint may send and no UTF-8 file can hold."""
    return Report.from_json(_scrub(report.to_json()))


def _check(report: Report) -> None:
    try:
        validate(report.to_json(), "results", layout.RESULTS)
        for target in report.targets:
            validate(target.verdict.to_json(), "verdict", layout.VERDICT)
            validate(trace.document(target), "traceability", layout.TRACE)
    except ReportError as error:
        raise ContradictionError(error.why) from error
    problems = list(problems_of_report(report))
    if problems:
        raise ContradictionError("\n".join(problems[:5]))


def clear(directory: Path) -> None:
    """Remove what an earlier run wrote here, and nothing else: a folder with a verdict of ours is a target's."""
    folders = [directory, *(path.parent for path in sorted(directory.glob(f"*/{layout.VERDICT}")) if _is_ours(path))]
    of_target = (*layout.RECORDS_OF_TARGET, *formats.files_of_target())
    left = [folder / name for folder in folders for name in of_target]
    left += [path for folder in folders for path in folder.glob("*.zip") if layout.is_sealed(path.name)]
    of_run = (*layout.RECORDS_OF_RUN, *formats.files_of_run())
    for path in (*(directory / name for name in of_run), *left):
        files.remove(path)
    for name in formats.folders_of_run():
        shutil.rmtree(directory / name, ignore_errors=True)


def _is_ours(path: Path) -> bool:
    """Whether a file is a verdict that this suite has written, or an earlier version of it."""
    with suppress(ReportError):
        found = files.read_json(path)
        return isinstance(found, dict) and {"suite", "target", "requirements"} <= found.keys()
    return False


def scrubbed_json(value: Any) -> Any:  # noqa: ANN401 - JSON
    """What a report has of a JSON value: halves of surrogate pairs are gone."""
    return _scrub(value)


def _scrub(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_scrub(key): _scrub(child) for key, child in value.items()}
    return [_scrub(child) for child in value] if isinstance(value, (list, tuple)) else value
