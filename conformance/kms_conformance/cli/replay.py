"""`replay`: repeats the check of one failure of an earlier run."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.apps import replay
from kms_conformance.apps.replay.find import other_endpoint
from kms_conformance.cli._common import run_confirmed
from kms_conformance.core.tier import TIERS
from kms_conformance.preflight import consent
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import load_target

_PATH = click.Path(path_type=Path)


@click.command(name="replay")
@click.argument("directory", metavar="DIR", type=_PATH)
@click.argument("failure", metavar="ID")
@click.option("--target", "given", type=_PATH, metavar="FILE", help="Use this target file instead of the run's own.")
@click.option("--yes", is_flag=True, help="Create keys in an account that is not on this machine, without asking.")
def command(directory: Path, failure: str, given: Path | None, yes: bool) -> int:  # noqa: FBT001 - an option
    """Repeat the check that found the failure ID in the run in DIR; show the old and the new reply side by side.

    The check runs with new signatures. It creates keys of its own or uses those of earlier runs again, and changes no
    other key. Its keys are scheduled for deletion at the end.
    """
    found = replay.find(directory, failure)
    path = replay.target_file(directory, found, given)
    note = ""
    if path is not None:
        target = load_target(path)
        tier = next(tier for tier in TIERS if tier == found.verdict.tier)
        yes = yes or run_confirmed([target], tier)
        consent.require([target], given=yes, reach_of=consent.run_reach(tier))
        note = other_endpoint(found, target)
    outcome = replay.judge(found, replay.rerun(found, path, consent=yes))
    screen = Screen()
    for line in replay.lines(found, outcome, note, screen.width):
        screen.write_line(line)
    return outcome.exit_code
