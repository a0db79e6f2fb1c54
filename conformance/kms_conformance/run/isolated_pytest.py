"""pytest in this process, alone: without what the environment tells the pytest of other people, and without plugins."""

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

# Of what is installed, a run needs these. Any other may end it early, leave out checks, or fail to be imported.
_PLUGINS = ("kms_conformance.run.plugin", "allure_pytest.plugin", "_hypothesis_pytestplugin", "xdist.plugin")
# Options, plugins, themes, the folder of temporary files, and what a pytest around this one has noted for itself.
_FOREIGN = "PYTEST_"


class PytestRefused(UserMistake):
    """What stands after `--` is nothing that pytest can begin with."""


def run_pytest(arguments: Sequence[str], plugins: Sequence[object] = ()) -> int:
    """Run pytest and return its exit status. Raises `PytestRefused` where it would not begin.

    What breaks before the session has begun is raised as it is.
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
    """Take out of the environment what pytest goes by, for this process and the workers that it starts."""
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
    """Standard error, of which is kept back what pytest says before it has begun, and after its end."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 - whatever stands for standard error
        self._stream = stream
        self._kept = io.StringIO()
        self.aside = True
        self.begun = False

    @property
    def kept(self) -> str:
        return self._kept.getvalue().strip()

    def pass_on(self) -> None:
        """Say what was kept back, in the words of whoever refused to begin."""
        if self.kept:
            self._stream.write(f"{self.kept.removeprefix('Exit: ')}\n")

    def write(self, text: str, /) -> int:
        return int((self._kept if self.aside else self._stream).write(text))

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        return bool(self._stream.isatty())

    @property
    def encoding(self) -> str:  # type: ignore[override]  # it is an attribute there, and a property here
        return str(self._stream.encoding)


class _Begun:
    """A pytest plugin: once the session has begun, what stands on standard error is for the user."""

    def __init__(self, errors: _Errors) -> None:
        self._errors = errors

    @pytest.hookimpl(tryfirst=True)
    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Before the session has begun nobody else can tell it but pytest, by its traceback."""
        if not self._errors.begun:
            raise excinfo.value

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self) -> None:
        self._errors.aside, self._errors.begun = False, True

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        self._errors.aside = True


@contextmanager
def _held_back_stderr() -> Iterator[_Errors]:
    before = sys.stderr  # noqa: TID251 - nothing is printed: it is what others print on
    errors = _Errors(before)
    sys.stderr = errors  # noqa: TID251 - as above
    try:
        yield errors
    finally:
        sys.stderr = before  # noqa: TID251 - as above


def _is_there(plugin: str) -> bool:
    try:
        return find_spec(plugin) is not None
    except ImportError:
        return False


def _refused(text: str) -> PytestRefused:
    """The last thing that pytest says of its own usage; what stands around it is about folders of ours."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("  ")]
    said = next((line.partition("error: ")[2] for line in lines if "error: " in line), lines[0] if lines else "")
    return PytestRefused(
        f"pytest refused what stands after `--`: {said.removeprefix('ERROR: ')}\n"
        "A run loads no plugin but its own, pytest-xdist and Allure's: name another one with -p MODULE.\n"
        "Leave it out, or see what there is: pytest --help."
    )
