"""`report`: reading the results of runs."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from conformance import reporting
from conformance.stale import STALE_WAIVER
from conformance.verdict import EXIT_CODES, worst_exit_code

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("directory", metavar="DIR", type=_PATH)
def report(directory: Path) -> int:
    """Write the page of a run again from its results, and say what it found.

    The exit code is that of the run.
    """
    found = reporting.load_report(directory)
    reporting.write_pages(directory, found)
    reporting.show(found, directory, Console())
    codes = [EXIT_CODES[target.verdict.result] for target in found.targets]
    return worst_exit_code([*codes, *(STALE_WAIVER for _ in found.stale)])
