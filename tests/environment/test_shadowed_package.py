"""A folder `conformance` of the caller's stands before ours: that is said, and breaks nobody's pytest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from started import environment, start


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "conformance").mkdir()
    (tmp_path / "conformance" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "test_theirs.py").write_text("def test_theirs():\n    pass\n")
    return tmp_path


@pytest.mark.parametrize("arguments", [["--help"], ["run"], ["verify", "x.zip"]], ids=" ".join)
def test_a_command_says_which_package_stands_before_ours(arguments: list[str], project: Path) -> None:
    ended = start(*arguments, cwd=project, PYTHONPATH=".")
    assert (ended.code, ended.no_traceback(), ended.out) == (2, True, "")
    assert str(project / "conformance") in ended.err
    assert "PYTHONPATH" in ended.err
    assert len(ended.err.splitlines()) == 3


def test_the_installed_command_begins_where_no_folder_can_stand_before_it() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - here alone

    (command,) = (found for found in entry_points(group="console_scripts") if found.name == "kms-conformance")
    (plugin,) = (found for found in entry_points(group="pytest11") if found.name == "kms_conformance")
    assert (command.module, plugin.module) == ("kms_conformance.entry", "kms_conformance.pytest_plugin")


def test_the_pytest_of_such_a_project_works(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"]
    done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_folder_that_is_no_package_stands_before_nothing(tmp_path: Path) -> None:
    (tmp_path / "conformance").mkdir()
    assert start("--version", cwd=tmp_path, PYTHONPATH=".").code == 0
