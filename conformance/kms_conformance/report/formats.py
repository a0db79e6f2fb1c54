"""The registry of report formats: each entry names the files of one format and their renderers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kms_conformance.report import files, layout
from kms_conformance.report.ci import badge, ctrf, junit
from kms_conformance.report.html import render as html
from kms_conformance.report.html.page import TargetPage, pages
from kms_conformance.report.model import Report
from kms_conformance.report.text import statement
from kms_conformance.verdict.waivers.outdated import StaleWaiver

RunRenderer = Callable[[tuple[TargetPage, ...], Sequence[StaleWaiver]], str | bytes]
TargetRenderer = Callable[[TargetPage], str | bytes]


@dataclass(frozen=True)
class ReportFormat:
    """One format of the results, rendered from the content of `results.json`.

    - `of_run`: by name of each file in the reports folder, its renderer, which gets the pages of all targets and the
      waivers that are out of date.
    - `of_target`: by name of each file in the folder of a target, its renderer.
    - `folders`: the names of folders that a command fills by a program of others (Allure).
    """

    name: str
    of_run: Mapping[str, RunRenderer] = field(default_factory=dict)
    of_target: Mapping[str, TargetRenderer] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The files and folders of the format; folder names end with a slash."""
        return (*self.of_run, *self.of_target, *(f"{folder}/" for folder in self.folders))


FORMATS: dict[str, ReportFormat] = {}
"""All formats by name, in the order in which they are written."""


def register(added: ReportFormat) -> None:
    """Register a format. Runs and the command `report` write its files, and each run first removes the old ones.

    Raises `ValueError` if another format has the same name or one of the files.
    """
    taken = {
        *layout.RECORDS_OF_RUN,
        *layout.RECORDS_OF_TARGET,
        *(name for each in FORMATS.values() for name in each.names),
    }
    clashing = sorted(taken.intersection(added.names))
    if added.name in FORMATS or clashing:
        raise ValueError(f"the report format {added.name} is registered already, or files are taken: {clashing}")
    FORMATS[added.name] = added


def write_formats(directory: Path, report: Report) -> None:
    """Write the files of every format. Raises `ReportError` if a file cannot be written."""
    folders = layout.folders(directory, [target.verdict.name for target in report.targets])
    shown = pages(report)
    for page in shown:
        for each in FORMATS.values():
            for name, of_target in each.of_target.items():
                files.write_atomically(folders[page.verdict.name] / name, of_target(page))
    for each in FORMATS.values():
        for name, of_run in each.of_run.items():
            files.write_atomically(directory / name, of_run(shown, report.stale))


def files_of_run() -> Iterator[str]:
    """The files of all formats in the reports folder."""
    return (name for each in FORMATS.values() for name in each.of_run)


def files_of_target() -> Iterator[str]:
    """The files of all formats in the folder of each target."""
    return (name for each in FORMATS.values() for name in each.of_target)


def folders_of_run() -> Iterator[str]:
    """The folders of all formats in the reports folder."""
    return (name for each in FORMATS.values() for name in each.folders)


register(ReportFormat("statement", of_run={layout.INDEX: html.render_pages}))
register(ReportFormat("Markdown", of_run={"statement.md": statement.render_pages}))
register(
    ReportFormat(
        "badges",
        of_target={
            "badge.svg": lambda page: badge.picture(page.verdict),
            "badge.json": lambda page: files.to_text(badge.endpoint(page.verdict)),
        },
    )
)
register(ReportFormat("JUnit", of_run={"junit.xml": junit.render_pages}))
register(ReportFormat("CTRF", of_run={"ctrf-report.json": ctrf.render_pages}))
register(ReportFormat("Allure", folders=(layout.ALLURE_RESULTS, layout.ALLURE_REPORT)))
