"""Hypothesis, on which Schemathesis and the lifecycle model stand, kept to itself: its files, and what it goes by."""

from __future__ import annotations

import os
import warnings
from functools import cache
from importlib.metadata import version
from pathlib import Path

from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.conjecture import providers

from kms_conformance.core.errors import LibraryChanged


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
    forget_our_source()
    return folder


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # No HOME and no entry in passwd: a place where nothing can be written.
        return Path(os.devnull)


def forget_our_source() -> None:
    """Let nothing but the seed decide what is drawn; warns `LibraryChanged` where that cannot be had.

    Hypothesis draws, now and then, a constant that stands in the source of whichever modules of the caller's project
    are imported: another way to install this package, or another command that runs the suite, gave other requests.
    There is no setting for it, so a function of Hypothesis that is not public is replaced. Where that is not possible,
    a run is as good as any; only its seed does not repeat it elsewhere.
    """
    constants = getattr(providers, "Constants", None)
    known = getattr(getattr(providers, "CONSTANTS_CACHE", None), "cache", None)
    if not hasattr(providers, "_get_local_constants") or constants is None or known is None:
        warnings.warn(
            f"Hypothesis {version('hypothesis')} looks for constants in source code in a way that this release does not"
            " know: the same seed may make other requests on another machine.",
            LibraryChanged,
            stacklevel=2,
        )
        return
    providers._get_local_constants = constants  # noqa: SLF001 - there is no setting
    known.clear()
