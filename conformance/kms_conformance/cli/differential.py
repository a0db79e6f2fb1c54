"""What `record` and `compare` have in common: asking one target, with a bar that shows how far it is."""

from __future__ import annotations

from collections.abc import Iterable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from kms_conformance.apps.differential import KEYS, AnswerRecording, record
from kms_conformance.catalogue.profile import Profile
from kms_conformance.cli._common import agreed
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.folders import try_ledgers
from kms_conformance.core.text import say
from kms_conformance.preflight import consent
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import Target


def agree(targets: Iterable[Target], *, yes: bool) -> None:
    """Make sure that the owners of real accounts agree; raises `TargetError` or `click.Abort` where they do not."""
    asked = tuple(targets)
    for target in asked:
        try_ledgers(Ledger.of(target).path.parent)
    consent.require(asked, given=yes or agreed(asked, _question))


def _question(target: Target) -> str:
    days = Profile.load(target.dialect, target.profile).window.minimum
    keys = min(KEYS, target.limits.max_keys)
    return (
        f"{target.name} ({target.shown_url}) is not on this machine. Asking it creates at most {keys} keys there; at"
        f" the end they are scheduled for deletion, and gone after {days} days. Go on?"
    )


def ask(target: Target, seed: int, facts_of: str | None = None) -> AnswerRecording:
    """Ask a target every question; says which keys it left behind. Raises `Inconclusive` where it cannot be asked."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    screen = Screen(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(target.name, total=None)
        found = record(target, seed, facts_of, lambda _, of: bar.update(task, total=of, advance=1))
    for key in found.left:
        say(
            f"{target.name}: the key {key} is not scheduled for deletion: run `kms-conformance sweep --target FILE`.",
            err=True,
        )
    return found


def explain_unasked(name: str, reason: str, hint: str) -> None:
    """Say why a target could not be asked, and what to do next."""
    say(f"{name} could not be asked: {reason}", err=True)
    if hint:
        say(f"next: {hint}", err=True)
