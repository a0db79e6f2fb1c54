"""`report`: writes the reports of a run again, and publishes those of a new run."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from kms_conformance.cli._common import results_mtime
from kms_conformance.core.text import say, wrapped
from kms_conformance.report import layout
from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.allure import results as allure_results
from kms_conformance.report.ci import github
from kms_conformance.report.files import ReportError
from kms_conformance.report.formats import write_formats
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.report.reproduce import relative_path
from kms_conformance.report.text.screen import Screen
from kms_conformance.report.text.summary import show

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=_PATH)
@click.option("--history", type=_PATH, metavar="FILE", help="Allure's history over many runs; default: a file in DIR.")
def report(directory: Path, history: Path | None) -> int:
    """Write the reports of a run again, build the Allure report if Allure 3 is installed, and print the summary.

    The exit code is that of the run.
    """
    found = load_report(directory)
    write_formats(directory, found)
    show(found, directory, Screen())
    build_allure(directory, found, history)
    return found.exit_code


# Number of columns at which the advice on installing Allure is wrapped.
_WIDTH = 80


def publish_reports(directory: Path, before: int) -> None:
    """Publish the CI job summary and the Allure report of a run, if the run has written results.

    `before` is the `results_mtime` of the folder before the run. Errors are printed and change no exit code.
    """
    if results_mtime(directory) == before:
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
