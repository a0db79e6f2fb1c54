"""Where tapes lie while a run goes on, and how they come to lie beside the verdict that rests on them."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from kms_conformance.recording.storage import FACTS, LEDGER, TAPE, Facts

_FOLDER = ".recording"


def emptied(reports: Path) -> Path:
    """The folder for a run's tapes, within its reports; whatever is left there is removed, and nothing else ever is."""
    folder = reports / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def take(reports: Path, name: str, folder: Path) -> Facts | None:
    """Move what was recorded of a target of these reports beside its verdict; None where it is not one whole recording.

    A target whose checks had more than one worker has several: no order is known between their exchanges.
    """
    spool = reports / _FOLDER
    pattern = re.compile(re.escape(name) + r"\.[0-9a-f]{8}")
    reels = [path for path in spool.glob("*") if pattern.fullmatch(path.name)] if spool.is_dir() else []
    if len(reels) != 1 or not (reels[0] / FACTS).is_file():
        return None
    for file in (TAPE, LEDGER):
        (reels[0] / file).replace(folder / file)
    return Facts.from_json(json.loads((reels[0] / FACTS).read_text(encoding="utf-8")))
