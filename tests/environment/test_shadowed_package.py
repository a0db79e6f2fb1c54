"""A folder `conformance` in the caller's project does not affect the suite, nor the caller's own pytest."""

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


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["verify", "--help"]], ids=" ".join)
def test_a_command_works_beside_it(arguments: list[str], project: Path) -> None:
    ended = start(*arguments, cwd=project, PYTHONPATH=".")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("Usage: ")


def test_all_that_is_installed_begins_in_the_one_package_of_our_own_name() -> None:
    from importlib.metadata import entry_points  # noqa: PLC0415 - here alone

    (command,) = (found for found in entry_points(group="console_scripts") if found.name == "kms-conformance")
    (plugin,) = (found for found in entry_points(group="pytest11") if found.name == "kms_conformance")
    assert {command.module.partition(".")[0], plugin.module.partition(".")[0]} == {"kms_conformance"}


def test_the_pytest_of_such_a_project_works(project: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_theirs.py"]
    done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, check=False)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_folder_that_is_no_package_stands_before_nothing(tmp_path: Path) -> None:
    (tmp_path / "conformance").mkdir()
    assert start("--version", cwd=tmp_path, PYTHONPATH=".").code == 0
