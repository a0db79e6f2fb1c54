"""What no command has foreseen: told in three lines, with exit code 2 where the caller can mend it, else 3."""

from __future__ import annotations

import errno
import os

from kms_conformance.core.errors import UserMistake
from kms_conformance.core.text import say

_NOT_JUDGED = 3
_TRACEBACK = "KMS_CONFORMANCE_TRACEBACK"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})


def tell(error: BaseException) -> int:
    """Say what went wrong and what to do next; returns the exit code."""
    if os.environ.get(_TRACEBACK):
        import traceback  # noqa: PLC0415 - for this alone

        say("".join(traceback.format_exception(error)), err=True, end="")
    lines, code = _explained(error)
    say("\n".join(lines), err=True)
    return code


def _explained(error: BaseException) -> tuple[tuple[str, ...], int]:
    if isinstance(error, OSError):
        return _of_system(error), UserMistake.exit_code
    if isinstance(error, ImportError):
        return (
            f"What this command needs cannot be imported: {error}",
            "The installation is incomplete, or another package shadows one of its dependencies.",
            "Install kms-conformance again, into an environment of its own, and run without PYTHONPATH.",
        ), UserMistake.exit_code
    if isinstance(error, MemoryError):
        return ("The memory of this process is exhausted.", "Give it more, or ask for less at a time."), _NOT_JUDGED
    return (
        f"kms-conformance itself failed: {type(error).__name__}: {str(error)[:500]}",
        "Nothing was judged by this command.",
        f"Please report it, with the traceback that {_TRACEBACK}=1 shows.",
    ), _NOT_JUDGED


def _of_system(error: OSError) -> tuple[str, ...]:
    what = f"{error.filename}: " if error.filename else ""
    said = f"{what}{error.strerror or error}."
    if error.errno in _NO_FILES:
        return (said, "The system lets this process open no more files.", "Raise the limit: ulimit -n 1024.")
    if error.errno in _NO_SPACE:
        return (said, "There is no room for what this command writes.", "Make room, or name another folder.")
    return (said, "The system did not let this command go on.", "Check that path and its permissions, and run again.")
