"""`requirements`: lists the requirements of each dialect, and the checks that judge each requirement."""

from __future__ import annotations

from pathlib import Path

import click
from rich.table import Table

from kms_conformance import __version__
from kms_conformance.catalogue.frozen import Frozen
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.report.files import write_atomically
from kms_conformance.report.text.screen import Screen
from kms_conformance.suite.checks import checks_by_requirement


@click.command()
@click.option("--dialect", type=click.Choice(specs.dialects()), default=None, help="Only this dialect.")
@click.option(
    "--freeze", type=click.Path(path_type=Path), metavar="FILE", help="Write the requirements of one dialect to a file."
)
def requirements(dialect: str | None, freeze: Path | None) -> None:
    """List every requirement: level, statement, source and checks.

    With --freeze, write the ids and levels of the requirements, for `run --requirements` of a later version.
    """
    if freeze is not None:
        if dialect is None:
            raise click.UsageError("--freeze writes the requirements of one dialect: add --dialect.")
        write_atomically(freeze, Frozen.of(Catalogue.load(dialect), __version__).to_yaml())
        return
    checks = checks_by_requirement()
    screen = Screen(width=None if Screen().is_terminal else 200)
    for name in (dialect,) if dialect else specs.dialects():
        catalogue = Catalogue.load(name)
        table = Table(title=f"{name}: {len(catalogue.requirements)} requirements", title_justify="left", pad_edge=False)
        for column in ("id", "level", "statement", "source", "checked by"):
            table.add_column(column, overflow="fold")
        for requirement in catalogue:
            sources = "\n".join(map(str, requirement.sources))
            table.add_row(
                requirement.id, requirement.level, requirement.statement, sources, "\n".join(checks[requirement.id])
            )
        screen.print(table)
        for source, reason in catalogue.exclusions:
            screen.write_line(f"not a requirement: {source}: {reason}")
        for erratum in catalogue.errata:
            screen.write_line(f"{erratum.id}: {erratum.question} {erratum.followed} {erratum.reason}")
