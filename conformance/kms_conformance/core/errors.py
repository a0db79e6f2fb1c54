"""Errors that a user can fix, shown in three lines without a traceback, and errors of incompatible libraries."""

from __future__ import annotations

from typing import ClassVar

from kms_conformance.core.text import shortened

_MOST_LINES = 100


class UserMistake(Exception):  # noqa: N818 - the mistake is in the input
    """Base of all errors whose text is shown to the user; the command then ends with `exit_code`."""

    exit_code: ClassVar[int] = 2

    @property
    def told(self) -> str:
        """The text of the error, limited to 100 lines of 2,000 characters, because it may quote any file."""
        lines = str(self).splitlines()
        more = [f"and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
        return "\n".join([*map(shortened, lines[:_MOST_LINES]), *more])


class ExplainedMistake(UserMistake):
    """Base of errors in three parts: `what` happened, `why`, and a `hint` on what to do next."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"


class LibraryChanged(UserWarning):
    """A library behaves differently from all of its releases that were tested with this version."""


class LibraryReplaced(UserMistake):
    """Another package has overwritten a library. The text has a line each for what happened, why, and what to do."""


def refuse_replaced() -> None:
    """Raise `LibraryReplaced` if urllib3-future has overwritten urllib3.

    urllib3-future, a dependency of niquests, installs its files into the folder of urllib3, and `pip check` does not
    report it. With urllib3-future 2.25.904, a run sent no request, so every check was inconclusive.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 60 modules, which --help does not need

    try:
        impostor = version("urllib3-future")
    except PackageNotFoundError:
        return
    import urllib3  # noqa: PLC0415 - rarely needed

    # Installed with URLLIB3_NO_OVERRIDE, urllib3-future does not overwrite urllib3.
    if getattr(urllib3, "__version__", "") == impostor:
        raise LibraryReplaced(
            f"urllib3-future {impostor} has overwritten urllib3 in this Python environment.\n"
            "niquests depends on urllib3-future; requests and Schemathesis do not work with it.\n"
            "Install kms-conformance into a separate environment (python3 -m venv), or remove niquests from this"
            " one: pip uninstall niquests urllib3-future && pip install --force-reinstall urllib3"
        )
