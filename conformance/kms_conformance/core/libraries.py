"""The libraries that a run stands on, as they are installed: one that cannot work, and ones that have changed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from kms_conformance.core.errors import UserMistake


class LibraryMoved(UserWarning):
    """A library does something in another way than any release that this one was tried with."""


class LibraryReplaced(UserMistake):
    """A library has another one in its place: what happened, why, what to do next, a line each."""


def refuse_replaced() -> None:
    """Raise `LibraryReplaced` where urllib3 is not urllib3.

    urllib3-future, which niquests brings, writes itself into the folder of urllib3 whenever both are installed, and
    `pip check` sees nothing wrong. Measured with 2.25.904: no check could be judged: no request was sent.
    """
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
