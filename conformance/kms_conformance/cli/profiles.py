"""`profiles`: lists the profiles of each dialect, or says how one differs from another."""

from __future__ import annotations

from collections.abc import Iterator

import click
from rich.table import Table

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.profile_diff import ProfileDiff
from kms_conformance.cli.chosen_profile import chosen_profile
from kms_conformance.core import specs
from kms_conformance.report.text.screen import Screen


@click.command()
@click.option("--dialect", type=click.Choice(specs.dialects()), default=None, help="Only this dialect.")
@click.option("--diff", nargs=2, metavar="A B", default=None, help="Say what profile B changes against profile A.")
def profiles(dialect: str | None, diff: tuple[str, str] | None) -> None:
    """List the profiles: named sets of facts about a cloud, by which a target is judged.

    With --diff, say which facts of profile B differ from those of profile A, and which requirements that touches. A and
    B are names, or YAML files of your own.
    """
    screen = Screen(width=None if Screen().is_terminal else 200)
    if diff is None:
        screen.print(_listed((dialect,) if dialect else specs.dialects()))
        return
    of = dialect or _dialect_of(diff)
    found = ProfileDiff.of(*(Profile.load(of, chosen_profile(of, name, "--diff")) for name in diff))
    screen.print(_changes(of, found))
    for line in _applicability(found):
        screen.write_line(line)


def _listed(dialects: tuple[str, ...]) -> Table:
    table = Table(pad_edge=False)
    for column in ("dialect", "profile", "extends", "for"):
        table.add_column(column, overflow="fold")
    for dialect in dialects:
        for name, entry in specs.load(f"{dialect}/profiles.yaml")["profiles"].items():
            table.add_row(dialect, name, entry.get("extends", ""), entry["title"])
    return table


def _dialect_of(names: tuple[str, str]) -> str:
    """The only dialect that has the named profiles; files may be of any. Raises `UsageError` if several have them."""
    known = [name for name in names if not name.endswith((".yaml", ".yml"))]
    found = [dialect for dialect in specs.dialects() if set(known) <= set(specs.profile_names(dialect))]
    if len(found) != 1:
        why = "no dialect has both profiles" if not found else f"{', '.join(found)} have both profiles"
        raise click.UsageError(f"--diff compares profiles of one dialect, and {why}. Add --dialect.")
    return found[0]


def _changes(dialect: str, found: ProfileDiff) -> Table:
    title = f"{dialect}: {len(found.changes)} facts differ"
    table = Table(title=title, title_justify="left", pad_edge=False)
    for column in ("fact", found.before, found.after, "touches"):
        table.add_column(column, overflow="fold")
    for change in found.changes:
        table.add_row(change.fact, change.before, change.after, "\n".join(change.requirements))
    return table


def _applicability(found: ProfileDiff) -> Iterator[str]:
    for names, which in ((found.no_longer, found.before), (found.newly, found.after)):
        if names:
            yield f"Applies with {which} only: {', '.join(names)}."
    if not found.changes:
        yield "No fact differs."
