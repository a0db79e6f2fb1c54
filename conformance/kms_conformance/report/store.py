"""Writes the files of a run (verdicts, results, traces, every registered format); removes the files of earlier runs."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from kms_conformance.report import files, formats, layout, trace
from kms_conformance.report.consistency import problems_of_report
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.verdict.decide import EXIT_CODES, unwritten

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from kms_conformance.verdict.model import Verdict
    from kms_conformance.verdict.results import CheckResult
    from kms_conformance.verdict.waivers.outdated import StaleWaiver


UNFINISHED = "The run is unfinished: it is still running, or it was killed."


class ContradictionError(ReportError):
    """The results of a run contradict each other or their schema, which is a fault of the suite. Exit code 3."""

    exit_code: ClassVar[int] = EXIT_CODES["inconclusive"]

    def __init__(self, why: str) -> None:
        what = "The results of this run are inconsistent, or not valid by their schema."
        super().__init__(what, why, "This is a fault of the suite: please report it.")


class NotWrittenError(ReportError):
    """The results could not be written. Exit code 3.

    `report`: the results, which the terminal still shows, with `inconclusive` in place of `conformant`.
    """

    exit_code: ClassVar[int] = EXIT_CODES["inconclusive"]

    def __init__(self, error: ReportError, judged: Report) -> None:
        super().__init__(
            error.what,
            error.why,
            "Name another folder with --reports, or free space, and run again: the results are shown here only.",
        )
        self.report = replace(judged, targets=tuple(map(_unwritten, judged.targets)))


def _unwritten(target: TargetReport) -> TargetReport:
    return replace(target, verdict=unwritten(target.verdict))


def begin(directory: Path, verdicts: Sequence[Verdict]) -> None:
    """Prepare the reports folder before the first request: remove old files, write an unfinished verdict per target.

    Raises `ReportError` if the folder cannot be written.
    """
    folders = layout.folders(directory, [verdict.name for verdict in verdicts])
    clear(directory)
    for verdict in verdicts:
        document = verdict.to_json()
        validate(document, "verdict", layout.VERDICT)
        files.write_atomically(folders[verdict.name] / layout.VERDICT, files.to_text(document))


def write(
    directory: Path,
    decided: Iterable[tuple[Verdict, Sequence[CheckResult]]],
    stale: Sequence[StaleWaiver] = (),
    *,
    verdict_only: bool = False,
) -> Report:
    """Write all files of a run into its reports folder, and return the report.

    `stale`: the waivers that are out of date. `verdict_only`: all results are validated, but only `verdict.json` is
    written. The results are validated first. Then the files of an earlier run are removed and the new files written.
    `results.json` is written last, so a folder without this file belongs to an unfinished run. Raises
    `ContradictionError` for invalid results. If a file cannot be written, all files of this run are removed and
    `NotWrittenError` is raised.
    """
    targets = tuple(TargetReport.of(verdict, checks) for verdict, checks in decided)
    if not targets:
        raise ReportError("There is nothing to report.", "The run had no target.", "Name a target with --target.")
    report = scrubbed(Report(targets, tuple(stale)))
    documents = _checked(report)
    try:
        _write(directory, report, documents, verdict_only=verdict_only)
    except ReportError as error:
        with suppress(ReportError):
            clear(directory)
        raise NotWrittenError(error, report) from error
    return report


@dataclass(frozen=True)
class _Documents:
    """The content of the JSON files of a run: `results.json`, and by target `verdict.json` and `traceability.json`."""

    results: dict[str, Any]
    verdicts: Mapping[str, dict[str, Any]]
    traces: Mapping[str, dict[str, Any]]


def _write(directory: Path, report: Report, documents: _Documents, *, verdict_only: bool) -> None:
    folders = layout.folders(directory, [target.verdict.name for target in report.targets])
    clear(directory)
    for name, folder in folders.items():
        files.write_atomically(folder / layout.VERDICT, files.to_text(documents.verdicts[name]))
        if not verdict_only:
            files.write_atomically(folder / layout.TRACE, files.to_text(documents.traces[name]))
    if not verdict_only:
        formats.write_formats(directory, report)
        files.write_atomically(directory / layout.RESULTS, files.to_text(documents.results))


def scrubbed(report: Report) -> Report:
    """The report without lone surrogates, which an endpoint may send and UTF-8 cannot encode."""
    return Report.from_json(_scrub(report.to_json()))


def _checked(report: Report) -> _Documents:
    """The documents of a report, valid and without contradictions. Raises `ContradictionError`."""
    documents = _Documents(
        report.to_json(),
        {target.verdict.name: target.verdict.to_json() for target in report.targets},
        {target.verdict.name: trace.document(target) for target in report.targets},
    )
    try:
        validate(documents.results, "results", layout.RESULTS)
        for name, verdict in documents.verdicts.items():
            validate(verdict, "verdict", layout.VERDICT)
            validate(documents.traces[name], "traceability", layout.TRACE)
    except ReportError as error:
        raise ContradictionError(error.why) from error
    problems = list(problems_of_report(report))
    if problems:
        raise ContradictionError("\n".join(problems[:5]))
    return documents


def clear(directory: Path) -> None:
    """Remove the files of an earlier run from a folder and from each subfolder with a `verdict.json` of the suite.

    No other files are removed.
    """
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
    """Whether a file is a `verdict.json` of this suite, in this or an earlier version."""
    with suppress(ReportError):
        found = files.read_json(path)
        return isinstance(found, dict) and {"suite", "target", "requirements"} <= found.keys()
    return False


def scrubbed_json(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The JSON value without lone surrogates, as reports store it."""
    return _scrub(value)


def _scrub(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_scrub(key): _scrub(child) for key, child in value.items()}
    return [_scrub(child) for child in value] if isinstance(value, (list, tuple)) else value
