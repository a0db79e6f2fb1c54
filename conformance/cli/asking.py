"""What `record` and `compare` have in common: asking one target, with a bar that shows how far it is."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from conformance.comparing import Recording, record
from conformance.target import Target


def ask(target: Target, seed: int, facts_of: str | None = None) -> Recording:
    """Ask a target every question; says which keys it left behind. Raises `Inconclusive` where it cannot be asked."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(target.name, total=None)
        found = record(target, seed, facts_of, lambda _, of: bar.update(task, total=of, advance=1))
    for key in found.left:
        click.echo(
            f"{target.name}: the key {key} is not scheduled for deletion: run `kms-conformance sweep`.", err=True
        )
    return found


def explain_unasked(name: str, reason: str, hint: str) -> None:
    """Say why a target could not be asked, and what to do next."""
    click.echo(f"{name} could not be asked: {reason}", err=True)
    if hint:
        click.echo(f"next: {hint}", err=True)
