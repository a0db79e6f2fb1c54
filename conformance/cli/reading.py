"""`report`, `certify`, `verify`, `compare`: reading and sealing the results of runs."""

from __future__ import annotations

from pathlib import Path

import click

from conformance import reporting


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def report(directory: Path) -> int:
    """Write the HTML report of a run again, and say what it found."""
    return reporting.show(directory)


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def certify(directory: Path) -> int:
    """Seal a conformant result in a certificate."""
    for path in reporting.certify(directory):
        click.echo(f"sealed: {path}")
    return 0
