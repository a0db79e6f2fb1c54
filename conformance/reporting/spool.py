"""Where tapes lie while a run goes on, and how they come to lie beside the verdict that rests on them."""

from __future__ import annotations

import shutil
from pathlib import Path

_FOLDER = ".recording"


def empty(reports: Path) -> Path:
    """The folder for a run's tapes; what a run left there that was killed is removed."""
    folder = reports / _FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    return folder
