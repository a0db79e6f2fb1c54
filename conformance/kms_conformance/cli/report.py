"""`report`: reading the results of runs."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from kms_conformance.cli._common import stamp
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
@click.option("--history", type=_PATH, metavar="FILE", help="Allure's trends over many runs; else a file in DIR.")
def report(directory: Path, history: Path | None) -> int:
    """Write what is made of a run's results again, build Allure's report where Allure 3 is, and say what it found.

    The exit code is that of the run.
    """
    found = load_report(directory)
    write_formats(directory, found)
    show(found, directory, Screen())
    build_allure(directory, found, history)
    return found.exit_code


# Of a terminal that does not say how wide it is.
_WIDTH = 80


def after_run(directory: Path, before: int) -> None:
    """Publish what a run has written since its folder had the stamp `before`; what fails here changes no exit code."""
    if stamp(directory) == before:
        return
    try:
        found = load_report(directory)
        github.job_summary(found, os.environ)
        build_allure(directory, found)
    except ReportError as error:
        say(error.told, err=True)


def build_allure(directory: Path, report: Report, history: Path | None = None) -> None:
    """Write Allure's results, build its report, and say where it lies; where Allure is not, say how to get it."""
    allure_results.write(directory / layout.ALLURE_RESULTS, report)
    allure = allure_report.find()
    if allure is None:
        for line in wrapped(allure_report.HOW, _WIDTH, "allure   "):
            say(line)
        # On a line of its own: it can be copied.
        say(f"         kms-conformance report {shlex.quote(relative_path(directory))}")
        return
    say(f"allure   {relative_path(allure_report.build(allure, directory, history))}")
