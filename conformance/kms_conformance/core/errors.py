"""Errors that a user can mend, told in three lines and never as a traceback; also libraries that cannot work."""

from __future__ import annotations

from typing import ClassVar

from kms_conformance.core.text import shortened

_MOST_LINES = 100


class UserMistake(Exception):  # noqa: N818 - what it is, not what raises it
    """The base of all errors whose text is meant for the user, and ends a command with `exit_code`."""

    exit_code: ClassVar[int] = 2

    @property
    def told(self) -> str:
        """Its text, as long as a terminal can have it: it may quote a file that somebody else made."""
        lines = str(self).splitlines()
        more = [f"and {len(lines) - _MOST_LINES} more lines"] if len(lines) > _MOST_LINES else []
        return "\n".join([*map(shortened, lines[:_MOST_LINES]), *more])


class LibraryMoved(UserWarning):
    """A library does something in another way than any release that this one was tried with."""


class LibraryReplaced(UserMistake):
    """A library has another one in its place: what happened, why, what to do next, a line each."""


def refuse_replaced() -> None:
    """Raise `LibraryReplaced` where urllib3 is not urllib3.

    urllib3-future, which niquests brings, writes itself into the folder of urllib3 whenever both are installed, and
    `pip check` sees nothing wrong. Measured with 2.25.904: no check could be judged: no request was sent.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - 60 modules, which --help does not need

    try:
        impostor = version("urllib3-future")
    except PackageNotFoundError:
        return
    import urllib3  # noqa: PLC0415 - hardly ever

    # Installed with URLLIB3_NO_OVERRIDE it leaves urllib3 alone.
    if getattr(urllib3, "__version__", "") == impostor:
        raise LibraryReplaced(
            f"This Python has urllib3-future {impostor} in place of urllib3.\n"
            "niquests, or a package that needs it, has brought it; requests and Schemathesis do not work with it.\n"
            "Install kms-conformance into an environment of its own (python3 -m venv), or take niquests out of this"
            " one: pip uninstall niquests urllib3-future && pip install --force-reinstall urllib3"
        )
