"""Reads stored results. Files that are incomplete, inconsistent or edited are refused."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from kms_conformance.report import files, layout
from kms_conformance.report.consistency import problems_of_report, problems_of_verdict
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report
from kms_conformance.report.schemas import built, validate
from kms_conformance.verdict.model import Verdict

_MOST_SHOWN = 5


def load_report(path: Path) -> Report:
    """Read a run from its reports folder or its `results.json`.

    Raises `ReportError` unless the results and every `verdict.json` are valid, consistent, and equal to each other.
    """
    directory = path.parent if path.name == layout.RESULTS else path
    report = parse_report(directory / layout.RESULTS)
    for name, folder in layout.folders(directory, [target.verdict.name for target in report.targets]).items():
        verdict = load_verdict(folder / layout.VERDICT)
        if verdict != next(target.verdict for target in report.targets if target.verdict.name == name):
            raise ReportError(
                f"{directory} cannot be used.",
                f"{folder / layout.VERDICT} differs from the verdict in {layout.RESULTS}: they come from two runs, "
                "or one was changed.",
                "Run again into an empty folder.",
            )
    return report


def parse_report(path: Path) -> Report:
    """Read a `results.json` without the verdict files beside it. Raises `ReportError`."""
    raw = files.read_json(path)
    validate(raw, "results", str(path))
    report = built(Report.from_json, raw, str(path))
    _refuse(str(path), problems_of_report(report))
    return report


def load_verdict(path: Path) -> Verdict:
    """Read a `verdict.json`. Raises `ReportError` unless it is valid and consistent."""
    raw = files.read_json(path)
    validate(raw, "verdict", str(path))
    verdict = built(Verdict.from_json, raw, str(path))
    _refuse(str(path), problems_of_verdict(verdict))
    return verdict


def load_verdicts(path: Path) -> tuple[Verdict, ...]:
    """The verdicts of a run, from its reports folder or `results.json`.

    From the folder of a target or its `verdict.json`, the verdict on this target alone.
    """
    if path.name == layout.RESULTS or (path / layout.RESULTS).is_file():
        return tuple(target.verdict for target in load_report(path).targets)
    return (load_verdict(path / layout.VERDICT if path.is_dir() else path),)


def _refuse(name: str, problems: Iterable[str]) -> None:
    found = list(islice(problems, _MOST_SHOWN))
    if found:
        raise ReportError(
            f"{name} cannot be used: it contradicts itself.",
            "\n".join(found),
            "It is incomplete, mixed from several runs, or edited: run again.",
        )
