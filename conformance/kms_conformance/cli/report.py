"""`report`: writes the reports of a run again, and publishes those of a new run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from kms_conformance.cli._common import results_mtime
from kms_conformance.core.disk import relative_path
from kms_conformance.core.text import counted, say, wrapped
from kms_conformance.report import files, layout
from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.allure import results as allure_results
from kms_conformance.report.ci import github
from kms_conformance.report.files import ReportError
from kms_conformance.report.formats import write_formats
from kms_conformance.report.har import document
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.report.recorded_exchanges import exchanges_of_failure, exchanges_of_run
from kms_conformance.report.text.screen import Screen
from kms_conformance.report.text.summary import show

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=_PATH)
@click.option("--history", type=_PATH, metavar="FILE", help="Allure's history over many runs; default: a file in DIR.")
@click.option(
    "--har",
    type=_PATH,
    metavar="FILE",
    help="Write only FILE: the exchanges of the run as an HTTP Archive (HAR 1.2), without secrets.",
)
@click.option("--failure", metavar="ID", help="With --har: only the exchanges that this failure cites.")
def report(directory: Path, history: Path | None, har: Path | None, failure: str | None) -> int:
    """Write the reports of a run again, build the Allure report if Allure 3 is installed, and print the summary.

    The exit code is that of the run. With --har, it is 0.
    """
    if har is not None:
        return write_har(directory, har, failure)
    if failure is not None:
        raise click.UsageError("--failure names the failure whose exchanges --har writes. Add --har FILE.")
    found = load_report(directory)
    write_formats(directory, found)
    show(found, directory, Screen())
    build_allure(directory, found, history)
    return found.exit_code


def write_har(directory: Path, file: Path, failure: str | None) -> int:
    """Write the HTTP Archive of a run, or of one failure; returns the exit code 0. Raises `ReportError`."""
    files.refuse_other_content(file, "an HTTP Archive", lambda found: "log" in found)
    if failure is None:
        exchanges = exchanges_of_run(directory, load_report(directory))
    else:
        from kms_conformance.apps.replay.find import find  # noqa: PLC0415 - needed with --failure only

        found = find(directory, failure)
        exchanges = (exchanges_of_failure(found.verdict.name, found.check, found.failure.exchanges),)
    files.write_atomically(file, files.to_text(document(exchanges)))
    entries = sum(len(each.records) for each in exchanges)
    missing = "" if all(each.whole for each in exchanges) else "; only those that the results name"
    say(f"har      {relative_path(file)} ({counted(entries, 'exchange')}{missing})")
    return 0


# Number of columns at which the advice on installing Allure is wrapped.
_WIDTH = 80


def publish_reports(directory: Path, before: int, *, brief: bool = False) -> None:
    """Publish the CI job summary and the Allure report of a run, if the run has written results.

    `before` is the `results_mtime` of the folder before the run. With `brief`, which a round of a loop has, nothing is
    published. Errors are printed and change no exit code.
    """
    if brief or results_mtime(directory) == before:
        return
    try:
        found = load_report(directory)
        github.job_summary(found, os.environ)
        build_allure(directory, found)
    except ReportError as error:
        say(error.told, err=True)


def build_allure(directory: Path, report: Report, history: Path | None = None) -> None:
    """Write Allure's results, build its report and print its path; without Allure, print how to install it."""
    allure_results.write(directory / layout.ALLURE_RESULTS, report)
    allure = allure_report.find()
    if allure is None:
        for line in wrapped(allure_report.HOW, _WIDTH, "allure   "):
            say(line)
        # The command is printed on its own line, unwrapped, so that it can be copied.
        say(f"         kms-conformance report {shlex.quote(relative_path(directory))}")
        return
    say(f"allure   {relative_path(allure_report.build(allure, directory, history))}")
