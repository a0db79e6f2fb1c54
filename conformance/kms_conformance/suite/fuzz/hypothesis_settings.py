"""Global settings of Hypothesis for Schemathesis and the lifecycle model: its folder, and no draws from source code."""

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
def set_hypothesis_storage() -> Path:
    """Set the folder in which Hypothesis caches its character tables (2.5 s to compute); returns the folder.

    The folder is in the user's cache folder unless `HYPOTHESIS_STORAGE_DIRECTORY` is set. If the folder is not
    writable, Hypothesis caches nothing. Examples are never stored, so that a run depends on its seed alone.
    """
    given = os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY")
    cache_home = os.environ.get("XDG_CACHE_HOME")
    base = Path(cache_home) if cache_home else _home() / ".cache"
    folder = Path(given) if given else base / "kms-conformance" / "hypothesis"
    set_hypothesis_home_dir(folder)
    disable_source_constants()
    return folder


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        # The user has neither HOME nor an entry in passwd. No folder can be made below this path.
        return Path(os.devnull)


def disable_source_constants() -> None:
    """Make draws depend on the seed alone; warns `LibraryChanged` if this Hypothesis release does not allow that.

    Hypothesis sometimes draws constants from the source code of imported modules of the caller's project. So the same
    seed gave different requests when the package was installed in another way, or when another command ran. Hypothesis
    has no setting against this, so a private function of Hypothesis is replaced. Without the replacement a run is still
    valid, but the same seed may give different requests on another machine.
    """
    constants = getattr(providers, "Constants", None)
    known = getattr(getattr(providers, "CONSTANTS_CACHE", None), "cache", None)
    if not hasattr(providers, "_get_local_constants") or constants is None or known is None:
        warnings.warn(
            f"Hypothesis {version('hypothesis')} draws constants from source code in a way that this release does not"
            " know: the same seed may make other requests on another machine.",
            LibraryChanged,
            stacklevel=2,
        )
        return
    providers._get_local_constants = constants  # noqa: SLF001 - there is no setting
    known.clear()
