"""`report`, `certify`, `verify`: reading and sealing the results of runs."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from conformance import reporting
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
    return worst_exit_code(EXIT_CODES[target.verdict.result] for target in found.targets)


@click.command()
@click.argument("directory", metavar="DIR", type=_PATH)
def certify(directory: Path) -> int:
    """Seal a conformant result in a certificate, one a target."""
    for path in reporting.certify(directory):
        click.echo(f"sealed: {path}")
    return 0


@click.command()
@click.argument("certificate", metavar="FILE", type=_PATH)
def verify(certificate: Path) -> int:
    """Check that a certificate and the files that it seals are as they were.

    Exit code: 0 they are, 1 they are not.
    """
    verification = reporting.verify(certificate)
    click.echo(str(verification))
    return 0 if verification.holds else 1
