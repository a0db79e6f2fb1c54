"""Where Hypothesis keeps its files, on which Schemathesis and the lifecycle model stand: not in the caller's folder."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir


@cache
def move_hypothesis_home() -> Path:
    """Let Hypothesis keep its tables of characters (2.5 s to compute) in the user's cache; returns that folder.

    No example is ever kept: a run depends on its seed alone. Where the folder cannot be written, nothing is.
    """
    given = os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY")
    cache_home = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache_home) if cache_home else Path.home() / ".cache"
    folder = Path(given) if given else base / "kms-conformance" / "hypothesis"
    set_hypothesis_home_dir(folder)
    return folder
