"""`record`: keep what a target answers, to compare others with it later."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.apps.differential import write_recording
from kms_conformance.cli.differential import agree, ask, explain_unasked
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.text import say
from kms_conformance.target import load_target
from kms_conformance.verdict.decide import EXIT_CODES

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--target", required=True, metavar="FILE", type=_PATH, help="A target file.")
@click.option("--out", required=True, metavar="FILE", type=_PATH, help="Where the recording goes.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses the windows between the bounds.")
@click.option("--yes", is_flag=True, help="Create keys in an account that is not on this machine, without asking.")
def record(target: Path, out: Path, seed: int, yes: bool) -> int:  # noqa: FBT001 - an option
    """Ask a target the questions of `compare`, and write down its answers.

    It creates up to two keys, and schedules them for deletion at the end. The recording holds no secret.
    """
    asked = load_target(target)
    agree([asked], yes=yes)
    try:
        recording = ask(asked, seed)
    except Inconclusive as error:
        explain_unasked(asked.name, error.reason, error.hint)
        return EXIT_CODES["inconclusive"]
    write_recording(out, recording)
    answered = sum(entry.given.outcome == "answered" for entry in recording.entries)
    say(f"recorded: {out}, {answered} of {len(recording.entries)} questions answered by {asked.name}")
    return 0
