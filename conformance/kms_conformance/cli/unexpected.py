"""Unexpected exceptions: reported in three lines, with exit code 2 if the user can repair the cause, else 3."""

from __future__ import annotations

import errno
import os

from kms_conformance.core.errors import UserMistake
from kms_conformance.core.text import say

_NOT_JUDGED = 3
_TRACEBACK = "KMS_CONFORMANCE_TRACEBACK"
_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_FILES = frozenset({errno.EMFILE, errno.ENFILE})


def report_unexpected(error: BaseException) -> int:
    """Print the error, its cause and the next step; returns the exit code."""
    if os.environ.get(_TRACEBACK):
        import traceback  # noqa: PLC0415 - rarely needed

        say("".join(traceback.format_exception(error)), err=True, end="")
    lines, code = _explained(error)
    say("\n".join(lines), err=True)
    return code


def _explained(error: BaseException) -> tuple[tuple[str, ...], int]:
    if isinstance(error, OSError):
        return _os_error_lines(error), UserMistake.exit_code
    if isinstance(error, ImportError):
        return (
            f"A module that this command needs cannot be imported: {error}",
            "The installation is incomplete, or another package shadows a required one.",
            "Install kms-conformance again in a new virtual environment, and run without PYTHONPATH.",
        ), UserMistake.exit_code
    if isinstance(error, MemoryError):
        return (
            "This process has no memory left.",
            "Raise its memory limit, or run fewer targets or processes at a time.",
        ), _NOT_JUDGED
    return (
        f"kms-conformance itself failed: {type(error).__name__}: {str(error)[:500]}",
        "Nothing was judged by this command.",
        f"Please report it, with the traceback that {_TRACEBACK}=1 shows.",
    ), _NOT_JUDGED


def _os_error_lines(error: OSError) -> tuple[str, ...]:
    path = f"{error.filename}: " if error.filename else ""
    cause = f"{path}{error.strerror or error}."
    if error.errno in _NO_FILES:
        return (cause, "This process has reached its limit of open files.", "Raise the limit: ulimit -n 1024.")
    if error.errno in _NO_SPACE:
        return (
            cause,
            "The disk has no space for the files of this command.",
            "Free some space, or name another folder.",
        )
    return (cause, "The operating system refused an operation.", "Check the path and its permissions, and run again.")
