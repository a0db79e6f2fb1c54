"""Stores the files beside each verdict that a certificate needs: exchanges, ledger lines, environment of the run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from kms_conformance.recording.environment import environment
from kms_conformance.recording.storage import emptied_folder, move_recording
from kms_conformance.report import files, layout
from kms_conformance.report.schemas import validate
from kms_conformance.verdict.decide import specs_digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from kms_conformance.target import Target


def keep_recordings(
    directory: Path,
    targets: Collection[Target],
    planned: Mapping[str, Collection[str]],
    *,
    tier: str,
    seed: int,
    nights: Mapping[str, bool],
    filters: Mapping[str, str],
) -> None:
    """Move the recordings of a run beside the verdicts of its targets, and write `environment.json`.

    `nights`: the values of the options `plant`, `watch` and `rescue`. If a recording cannot be written, it is left out:
    the run is still valid, but the command `certify` refuses it.
    """
    folders = layout.folders(directory, [target.name for target in targets])
    for target in targets:
        folder = folders[target.name]
        with suppress(OSError):
            facts = move_recording(directory, target.name, folder)
            if facts is None:
                continue
            document = environment(
                target,
                facts,
                planned.get(target.name, ()),
                tier=tier,
                seed=seed,
                nights=nights,
                filters=filters,
                specs_digest=specs_digest(target.dialect),
            )
            validate(document, "environment", layout.ENVIRONMENT)
            files.write_atomically(folder / layout.ENVIRONMENT, files.to_text(document))
    emptied_folder(directory)
