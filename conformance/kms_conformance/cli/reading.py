"""`report`: reading the results of runs."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.cli.finishing import build_allure
from kms_conformance.core.screen import Screen
from kms_conformance.report.load import load_report
from kms_conformance.report.store import write_pages
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
    write_pages(directory, found)
    show(found, directory, Screen())
    build_allure(directory, found, history)
    return found.exit_code
