"""Hypothesis, on which Schemathesis and the lifecycle model stand, kept to itself: its files, and what it goes by."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers


@cache
def move_hypothesis_home() -> Path:
    """Let Hypothesis keep its tables of characters (2.5 s to compute) in the user's cache; returns that folder.

    No example is ever kept: a run depends on its seed alone. Where the folder cannot be written, nothing is.
    """
    given = os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY")
    cache_home = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache_home) if cache_home else _home() / ".cache"
    folder = Path(given) if given else base / "kms-conformance" / "hypothesis"
    set_hypothesis_home_dir(folder)
    _forget_our_source()
    return folder


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # No HOME and no entry in passwd: a place where nothing can be written.
        return Path(os.devnull)


def _forget_our_source() -> None:
    """Let nothing but the seed decide what is drawn.

    Hypothesis draws, now and then, a constant that stands in the source of whichever modules of the caller's project
    are imported: another way to install this package, or another command that runs the suite, gave other requests.
    """
    providers._get_local_constants = providers.Constants  # type: ignore[attr-defined] # noqa: SLF001 - there is no setting
    providers.CONSTANTS_CACHE.cache.clear()
