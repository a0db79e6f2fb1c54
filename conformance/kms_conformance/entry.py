"""The command `kms-conformance`: runs the command line, or says why it cannot be imported."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress

_MISTAKE = 2


def main() -> None:
    """Run a command; where it cannot even be imported, say why in a few lines, with exit code 2."""
    # Warnings of other packages must not fail a run: PYTHONWARNINGS is ignored in this process alone.
    if os.environ.get("PYTHONWARNINGS"):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    try:
        from kms_conformance.cli import main as run  # noqa: PLC0415 - its ImportError is reported below
    except ImportError as error:
        _refuse(
            f"kms-conformance cannot be imported: {_plain(error)}",
            "Its installation is not whole, or another package stands in the place of one that it needs.",
            "Install it again, into an environment of its own: python3 -m venv ...",
        )
    run()


def _refuse(*lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    # A closed stream is None; a full one must not change the exit code.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
    sys.exit(_MISTAKE)


def _plain(found: object) -> str:
    """A path or a message, with control characters escaped."""
    return str(found).encode("unicode_escape").decode("ascii")
