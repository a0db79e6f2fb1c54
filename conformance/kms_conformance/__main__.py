"""The console script `kms-conformance`, also `python -m kms_conformance`.

`main` imports the command line late: a broken installation then ends in a short message instead of a traceback.
"""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress

_USAGE_ERROR = 2


def main() -> None:
    """Run the command line; if it cannot be imported, print the reason and exit with code 2."""
    # Warnings of other packages must not fail a run, so PYTHONWARNINGS is ignored in this process.
    if os.environ.get("PYTHONWARNINGS"):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
    try:
        from kms_conformance.cli import main as run  # noqa: PLC0415 - its ImportError is reported below
    except ImportError as error:
        _exit_with(
            f"kms-conformance cannot be imported: {_escaped(error)}",
            "The installation is incomplete, or another package shadows one of its dependencies.",
            "Install kms-conformance into a separate environment: python3 -m venv ...",
        )
    run()


def _exit_with(*lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    # A closed stderr is None, and a write to a full disk fails. Neither may change the exit code.
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write(text)
        sys.stderr.flush()
    sys.exit(_USAGE_ERROR)


def _escaped(found: object) -> str:
    """A path or a message in ASCII, with control characters escaped."""
    return str(found).encode("unicode_escape").decode("ascii")


if __name__ == "__main__":
    main()
