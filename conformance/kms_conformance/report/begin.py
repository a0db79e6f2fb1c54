"""What stands in the reports folder while a run goes on: that it is unfinished, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kms_conformance.report import files, layout
from kms_conformance.report.schemas import validate
from kms_conformance.report.store import clear
from kms_conformance.verdict.model import Verdict

UNFINISHED = "The run is unfinished: it goes on, or was ended before it could say more."


def begin(directory: Path, verdicts: Sequence[Verdict]) -> None:
    """Remove what an earlier run left, and write a verdict for each target by which nothing holds yet.

    Raises `ReportError` where the folder cannot be written: then nothing has been asked.
    """
    folders = layout.folders(directory, [verdict.name for verdict in verdicts])
    clear(directory)
    for verdict in verdicts:
        document = verdict.to_json()
        validate(document, "verdict", layout.VERDICT)
        files.write_atomically(folders[verdict.name] / layout.VERDICT, files.to_text(document))
