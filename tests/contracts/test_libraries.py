"""Another library in place of urllib3 is refused before anything is sent; one that has changed is told of."""

from __future__ import annotations

import sys
import warnings
from importlib import metadata
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
import urllib3
from rich.console import Console

from kms_conformance import cli
from kms_conformance.core import errors
from kms_conformance.core.errors import LibraryChanged, LibraryReplaced
from kms_conformance.core.signals import Interrupts
from kms_conformance.run.controller import Controller
from kms_conformance.run.settings import Options
from kms_conformance.run.terminal import Terminal


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """As urllib3-future leaves it, by a look at an environment with niquests."""
    real = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "2.25.904" if name == "urllib3-future" else real(name))
    monkeypatch.setattr(urllib3, "__version__", "2.25.904")


@pytest.mark.usefixtures("replaced")
@pytest.mark.parametrize("command", [["run"], ["doctor", "--target", "a.yaml"], ["sweep", "--target", "a.yaml"]])
def test_a_stranger_in_place_of_urllib3_is_refused_with_the_next_step(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["kms-conformance", *command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    told = capsys.readouterr().err
    assert ended.value.code == 2
    assert "urllib3-future 2.25.904 has overwritten urllib3" in told
    assert "pip uninstall niquests urllib3-future" in told
    assert list(tmp_path.iterdir()) == []


def test_one_that_leaves_urllib3_alone_is_none_of_our_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda _: "2.25.904")
    errors.refuse_replaced()


def test_plain_pytest_is_refused_as_well(replaced: None, tmp_path: Path) -> None:
    with pytest.raises(LibraryReplaced):
        Controller.start(Options((), tmp_path, "smoke", 0), Interrupts())
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_moved_is_told_of_once_at_the_end_of_a_run() -> None:
    console = Console(file=StringIO(), width=200)
    controller = SimpleNamespace(refusal="", report=None, unscheduled_keys=tuple)
    terminal = Terminal(controller, console)  # type: ignore[arg-type]  # as much of it as is looked at
    for text, category in (
        ("It moved.", LibraryChanged),
        ("It moved.", LibraryChanged),
        ("Not ours.", DeprecationWarning),
    ):
        message = warnings.WarningMessage(category(text), category, "file.py", 1)
        terminal.pytest_warning_recorded(message)
    terminal.pytest_unconfigure()
    assert console.file.getvalue().count("It moved.") == 1
    assert "Not ours." not in console.file.getvalue()
