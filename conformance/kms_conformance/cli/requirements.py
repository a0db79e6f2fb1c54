"""`requirements`: lists the requirements of each dialect with the checks of each, or explains one of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from kms_conformance import __version__
from kms_conformance.catalogue.frozen import Frozen
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.core import specs
from kms_conformance.core.text import say
from kms_conformance.core.tier import TIERS, Tier
from kms_conformance.report.files import write_atomically
from kms_conformance.report.text.screen import Screen
from kms_conformance.suite.checks import checks_by_requirement

if TYPE_CHECKING:
    from kms_conformance.apps.selftest.coverage.tally import Coverage


@click.command()
@click.argument("name", metavar="[ID]", required=False)
@click.option("--dialect", type=click.Choice(specs.dialects()), default=None, help="Only this dialect.")
@click.option(
    "--target",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="With ID: the dialect and profile of this target file.",
)
@click.option(
    "--reports", type=click.Path(path_type=Path), metavar="DIR", help="With ID: show what the run in DIR saw."
)
@click.option(
    "--freeze", type=click.Path(path_type=Path), metavar="FILE", help="Write the requirements of one dialect to a file."
)
@click.option("--coverage", is_flag=True, help="Run against the built-in emulator; list what is asked and what is not.")
@click.option("--tier", type=click.Choice(TIERS), default="smoke", help="With --coverage: the tier of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: all requirements, the one with ID, or the coverage.")
def requirements(
    name: str | None,
    dialect: str | None,
    target: Path | None,
    reports: Path | None,
    freeze: Path | None,
    *,
    coverage: bool,
    tier: Tier,
    as_json: bool,
) -> None:
    """List every requirement: level, statement, source and checks.

    With an ID, explain one requirement: its clause, the accepted answers with their reasons, its errata, the checks
    that judge it, and the deliberate faults that prove it; with --reports, also what a run saw.

    With --coverage, list each operation in each state of a key, by each form of its name, in each form of a request, to
    each kind of caller, and each near miss of a name: whether a run asks it, or why not. The answers that came back are
    listed by the command `answers`.

    With --freeze, write the ids and levels of the requirements, for `run --requirements` of a later version.
    """
    if name is None and target is not None:
        raise click.UsageError("--target is for one requirement: name its ID.")
    if name is not None and (coverage or freeze is not None):
        raise click.UsageError("An ID is explained without --coverage and --freeze. Leave them out.")
    if freeze is not None:
        if dialect is None:
            raise click.UsageError("--freeze writes the requirements of one dialect: add --dialect.")
        write_atomically(freeze, Frozen.of(Catalogue.load(dialect), __version__).to_yaml())
        return
    if coverage:
        _print_coverage((dialect,) if dialect else specs.emulated(), tier, as_json=as_json)
        return
    if name is not None or as_json or reports is not None:
        from kms_conformance.cli import explained  # noqa: PLC0415 - the list does not need it

        explained.show(name, explained.profiles(dialect, target, reports), reports, as_json=as_json)
        return
    _list((dialect,) if dialect else specs.dialects())


def _list(dialects: tuple[str, ...]) -> None:
    checks = checks_by_requirement()
    screen = Screen(width=None if Screen().is_terminal else 200)
    for each in dialects:
        catalogue = Catalogue.load(each)
        table = Table(title=f"{each}: {len(catalogue.requirements)} requirements", title_justify="left", pad_edge=False)
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


def _print_coverage(dialects: tuple[str, ...], tier: Tier, *, as_json: bool) -> None:
    from kms_conformance.apps.selftest.coverage.tally import measure  # noqa: PLC0415 - the list does not need it

    found = [measure(name, tier) for name in dialects]
    if as_json:
        say(json.dumps([each.to_json() for each in found], indent=2, ensure_ascii=False))
    else:
        screen = Screen(width=None if Screen().is_terminal else 200)
        for each in found:
            _print_table(each, screen)


def _print_table(coverage: Coverage, screen: Screen) -> None:
    asked, excluded = len(coverage.expected & coverage.asked), coverage.excluded
    title = f"{coverage.dialect}, tier {coverage.tier}: {len(coverage.expected)} cells, {asked} asked"
    table = Table(title=title, title_justify="left", pad_edge=False)
    for column in ("cells", "excluded or missing", "why"):
        table.add_column(column, overflow="fold")
    for exclusion, cells in excluded.items():
        table.add_row(str(len(cells)), f"{cells[0]}, …" if len(cells) > 1 else str(cells[0]), exclusion.reason)
    for cell in coverage.missing:
        table.add_row("1", str(cell), "missing: neither asked nor excluded")
    screen.print(table)
