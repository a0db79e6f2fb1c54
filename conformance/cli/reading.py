"""`report`, `certify`, `verify`, `compare`: reading and sealing the results of runs."""

from __future__ import annotations

import json
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
    reporting.write_page(directory, found)
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


@click.command()
@click.argument("before", metavar="A", type=_PATH)
@click.argument("after", metavar="B", type=_PATH)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(before: Path, after: Path, as_json: bool) -> int:  # noqa: FBT001 - an option
    """Say which requirements have another verdict in B than in A; both are reports folders or verdict files.

    Exit code: 0 the same, 1 different.
    """
    comparison = reporting.compare(before, after)
    if as_json:
        click.echo(json.dumps(comparison.to_json(), indent=2))
        return comparison.exit_code
    console = Console()
    for line in comparison.lines():
        console.print(line, soft_wrap=True)
    if comparison.differences:
        console.print(comparison.table())
    return comparison.exit_code
