"""What follows a run, or the reading of one: Allure's report where Allure is there, the summary of a CI job."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from kms_conformance.cli.stamp import stamp
from kms_conformance.core.say import say
from kms_conformance.report import layout
from kms_conformance.report.again import nearby
from kms_conformance.report.allure import report as allure_report
from kms_conformance.report.allure import results as allure_results
from kms_conformance.report.ci import job_summary as publish
from kms_conformance.report.errors import ReportError
from kms_conformance.report.load import load_report
from kms_conformance.report.model import Report
from kms_conformance.report.text.wrapping import wrapped

# Of a terminal that does not say how wide it is.
_WIDTH = 80


def after_run(directory: Path, before: int) -> None:
    """Publish what a run has written since its folder had the stamp `before`; what fails here changes no exit code."""
    if stamp(directory) == before:
        return
    try:
        found = load_report(directory)
        publish.job_summary(found, os.environ)
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
        say(f"         kms-conformance report {shlex.quote(nearby(directory))}")
        return
    say(f"allure   {nearby(allure_report.build(allure, directory, history))}")
