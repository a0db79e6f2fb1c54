"""Runs pytest in this process, without the user's pytest environment variables and without other plugins."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

from kms_conformance.core.errors import UserMistake

# The plugins of a run. Other installed plugins are not loaded, because they may end the run early or fail on import.
_PLUGINS = ("kms_conformance.run.plugin", "allure_pytest.plugin", "_hypothesis_pytestplugin", "xdist.plugin")
# The prefix of pytest's environment variables: options, plugins, themes, temporary folder, state of an outer pytest.
_FOREIGN = "PYTEST_"


class PytestRefused(UserMistake):
    """pytest refused the arguments after `--`."""


def run_pytest(arguments: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """Run pytest and return its exit status.

    Raises `PytestRefused` if pytest refuses its arguments. Other errors before the session starts are raised unchanged.
    """
    loaded = [option for name in _PLUGINS if _is_there(name) for option in ("-p", name)]
    with without_pytest_environment(), _held_back_stderr() as errors:
        try:
            status = int(pytest.main([*loaded, *arguments], plugins=[*plugins, _Begun(errors)]))
        except ImportError as error:
            if errors.begun:
                raise
            raise _refused(str(error)) from error
    if status == pytest.ExitCode.USAGE_ERROR and errors.kept:
        raise _refused(errors.kept)
    errors.pass_on()
    return status


@contextmanager
def without_pytest_environment() -> Iterator[None]:
    """Context manager: removes pytest's environment variables for this process and its workers."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_FOREIGN)}
    for name in kept:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
            del os.environ[name]
        os.environ.update(kept)


class _Errors(io.TextIOBase):
    """Standard error that holds back texts written before pytest's session starts, and after its end."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - any text stream
        self._stream = stream
        self._kept = io.StringIO()
        self.holds_back = True
        self.begun = False

    @property
    def kept(self) -> str:
        return self._kept.getvalue().strip()

    def pass_on(self) -> None:
        """Write the texts that were held back."""
        if self.kept:
            self._stream.write(f"{self.kept.removeprefix('Exit: ')}\n")

    def write(self, text: str, /) -> int:
        return int((self._kept if self.holds_back else self._stream).write(text))

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute in the base class
        return str(self._stream.encoding)


class _Begun:
    """A pytest plugin that lets standard error through to the user from the start of the session to its end."""

    def __init__(self, errors: _Errors) -> None:
        self._errors = errors

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Raise an error that occurs before the session starts, because no terminal plugin would show the error yet."""
        if not self._errors.begun:
            raise excinfo.value

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        self._errors.holds_back, self._errors.begun = False, True

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._errors.holds_back = True


@contextmanager
def _held_back_stderr() -> Iterator[_Errors]:
    before = sys.stderr  # noqa: TID251 - replaced here, not printed to
    errors = _Errors(before)
    sys.stderr = errors  # noqa: TID251 - replaced, not printed to
    try:
        yield errors
    finally:
        sys.stderr = before  # noqa: TID251 - restored, not printed to


def _is_there(plugin: str) -> bool:
    try:
        return find_spec(plugin) is not None
    except ImportError:
        return False


def _refused(text: str) -> PytestRefused:
    """The error for the user, with pytest's own message; the lines around the message are left out."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("  ")]
    said = next((line.partition("error: ")[2] for line in lines if "error: " in line), lines[0] if lines else "")
    return PytestRefused(
        f"pytest refused the arguments after `--`: {said.removeprefix('ERROR: ')}\n"
        "A run loads only its own plugins, pytest-xdist and Allure's: load others with -p MODULE.\n"
        "Remove the argument, or see the known ones: pytest --help."
    )
