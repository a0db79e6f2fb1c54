"""Shared code of `record` and `compare`: consent, and recording the answers of a target with a progress bar."""

from __future__ import annotations

from collections.abc import Iterable

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from kms_conformance.apps.differential import KEYS_NEEDED, AnswerRecording, record
from kms_conformance.catalogue.profile import Profile
from kms_conformance.cli._common import clock_confirmed, confirmed
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.folders import try_ledgers
from kms_conformance.core.text import say
from kms_conformance.preflight import consent
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import Target


def require_consent(targets: Iterable[Target], *, yes: bool) -> None:
    """Require consent for each real account; raises `TargetError` if it is missing, `click.Abort` if it is declined."""
    named = tuple(targets)
    for target in named:
        try_ledgers(Ledger.of(target).path.parent)
    if not yes:
        agreed = confirmed(named, _prompt)
        yes = clock_confirmed(named, _any_reach) or agreed
    consent.require(named, given=yes, reach_of=_any_reach)


def _any_reach(_: Target) -> None:
    """Each question may move the clock, so the time is not known before."""


def _prompt(target: Target) -> str:
    days = Profile.load(target.dialect, target.profile).window.minimum
    keys = min(KEYS_NEEDED, target.limits.max_keys)
    return (
        f"{target.name} ({target.shown_url}) is not on this machine. Recording creates at most {keys} keys there. They"
        f" are scheduled for deletion at the end and deleted after {days} days. Continue?"
    )


def record_target(target: Target, seed: int, profile: str | None = None) -> AnswerRecording:
    """Record the answers of a target to all questions, and print the keys that could not be scheduled for deletion.

    `profile` names the profile from which the questions are generated; None: the profile of the target. Raises
    `Inconclusive` if the target cannot be queried.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    screen = Screen(stderr=True)
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task(target.name, total=None)
        recording = record(target, seed, profile, lambda _, total: bar.update(task, total=total, advance=1))
    for key in recording.left:
        say(
            f"{target.name}: the key {key} is not scheduled for deletion: run `kms-conformance sweep --target FILE`.",
            err=True,
        )
    return recording


def report_not_recorded(name: str, reason: str, hint: str) -> None:
    """Print why a target could not be queried, and the next step."""
    say(f"{name} could not be queried: {reason}", err=True)
    if hint:
        say(f"next: {hint}", err=True)
