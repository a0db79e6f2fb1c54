"""`record`: records the answers of a target, to compare other targets with them later."""

from __future__ import annotations

from pathlib import Path

import click

from kms_conformance.apps.differential import KIND, write_recording
from kms_conformance.cli.differential import record_target, report_not_recorded, require_consent
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.text import say
from kms_conformance.report.files import refuse_other_content
from kms_conformance.target import load_target
from kms_conformance.verdict.decide import EXIT_CODES

_PATH = click.Path(path_type=Path)


@click.command()
@click.option("--target", required=True, metavar="FILE", type=_PATH, help="A target file.")
@click.option("--out", required=True, metavar="FILE", type=_PATH, help="The recording to write.")
@click.option("--seed", type=int, default=0, show_default=True, help="Chooses windows between the bounds.")
@click.option("--yes", is_flag=True, help="Create keys in an account that is not on this machine, without asking.")
def record(target: Path, out: Path, seed: int, yes: bool) -> int:  # noqa: FBT001 - an option
    """Send the requests of `compare` to a target and write its answers to a file, the recording.

    Up to two keys are created, and scheduled for deletion at the end. The recording holds no secrets.
    """
    refuse_other_content(out, "a recording", lambda found: found["kind"] == KIND)
    loaded = load_target(target)
    require_consent([loaded], yes=yes)
    try:
        recording = record_target(loaded, seed)
    except Inconclusive as error:
        report_not_recorded(loaded.name, error.reason, error.hint)
        return EXIT_CODES["inconclusive"]
    write_recording(out, recording)
    answered = sum(entry.answer.outcome == "answered" for entry in recording.entries)
    say(f"recorded: {out}, {answered} of {len(recording.entries)} questions answered by {loaded.name}")
    return 0
