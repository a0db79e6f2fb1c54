"""Starts the command line, if the package `conformance` is ours."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress

from kms_conformance.own import shadowed_by

_MISTAKE = 2


def main() -> None:
    """Run a command; where it cannot even be imported, say why in a few lines, with exit code 2."""
    # What other people's programs warn of is nothing that a run may fail by; this process alone is told so.
    if os.environ.get("PYTHONWARNINGS"):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    other = shadowed_by()
    if other is not None:
        _refuse(
            f"Another package named conformance stands before ours: {_plain(other)}",
            "Python looks in the folders of PYTHONPATH first, and here it lies in one of them.",
            "Run again without PYTHONPATH, or from another folder: env -u PYTHONPATH kms-conformance ...",
        )
    try:
        from conformance.cli import main as run  # noqa: PLC0415 - not before it is known to be ours
    except ImportError as error:
        _refuse(
            f"kms-conformance cannot be imported: {_plain(error)}",
            "Its installation is not whole, or another package stands in the place of one that it needs.",
            "Install it again, into an environment of its own: python3 -m venv ...",
        )
    run()


def _refuse(*lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    # A stream that is closed is None; one that is full must not make another exit code of this one.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
    sys.exit(_MISTAKE)


def _plain(found: object) -> str:
    """A path or a message, without anything that a terminal could obey."""
    return str(found).encode("unicode_escape").decode("ascii")
