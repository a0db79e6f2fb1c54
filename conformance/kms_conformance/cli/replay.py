"""`replay`: repeats the check of one failure of an earlier run."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.apps import replay
from kms_conformance.apps.replay.find import FoundFailure, other_endpoint
from kms_conformance.cli._common import run_confirmed
from kms_conformance.core.disk import relative_path
from kms_conformance.core.text import say
from kms_conformance.core.tier import TIERS
from kms_conformance.preflight import consent
from kms_conformance.report.files import write_atomically
from kms_conformance.report.text.screen import Screen
from kms_conformance.target import load_target

_PATH = click.Path(path_type=Path)
_ENDINGS = {"python": "py", "sh": "sh"}


@click.command(name="replay")
@click.argument("directory", metavar="DIR", type=_PATH)
@click.argument("failure", metavar="ID")
@click.option("--target", "given", type=_PATH, metavar="FILE", help="Use this target file instead of the run's own.")
@click.option("--yes", is_flag=True, help="Create keys in an account that is not on this machine, without asking.")
@click.option(
    "--script",
    "language",
    type=click.Choice(["python", "sh"]),
    help="Send nothing; write a program that reproduces the failure alone: Python with its standard library only, or a "
    "POSIX shell with curl and openssl.",
)
@click.option(
    "--output", type=_PATH, metavar="FILE", help="With --script: the file to write; default: reproduce_ID.py or .sh."
)
def command(
    directory: Path,
    failure: str,
    given: Path | None,
    yes: bool,  # noqa: FBT001 - an option
    language: str | None,
    output: Path | None,
) -> int:
    """Repeat the check that found the failure ID in the run in DIR; show the old and the new reply side by side.

    The check runs with new signatures. It creates keys of its own or uses those of earlier runs again, and changes no
    other key. Its keys are scheduled for deletion at the end.
    """
    found = replay.find(directory, failure)
    if language is not None:
        file = output or Path(f"reproduce_{found.id}.{_ENDINGS[language]}")
        return write_script(directory, found, file, language)
    if output is not None:
        raise click.UsageError("--output names the file of --script. Add --script python or --script sh.")
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


def write_script(directory: Path, found: FoundFailure, path: Path, language: str = "python") -> int:
    """Write the script of a failure; returns the exit code 0. Raises `ReportError` if no script can reproduce it."""
    from kms_conformance.apps.replay import script  # noqa: PLC0415 - needed with --script only

    write = script.shell_script if language == "sh" else script.script
    write_atomically(path, write(directory, found, path.name))
    say(f"script   {relative_path(path)}")
    return 0
