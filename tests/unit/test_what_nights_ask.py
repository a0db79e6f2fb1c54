"""The options of our own tests: what a change does not wait for, and what files cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SETTINGS = """
[pytest]
markers =
    nightly(why): only at night
    sampled(number): some
pythonpath = .
addopts = --strict-markers -p no:kms_conformance
"""
TESTS = """
import time
import pytest

def test_each_change():
    until = time.process_time() + 1.1
    while time.process_time() < until:
        pass

@pytest.mark.nightly("takes long")
def test_each_night():
    pass

@pytest.mark.sampled(2)
@pytest.mark.parametrize("case", range(5))
def test_some(case):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools").symlink_to(CONFTEST.parents[1] / "tools")
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "pytest.ini").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "test_sample.py").write_text(TESTS, encoding="utf-8")
    return tmp_path


def said(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False).stdout


def test_a_change_does_not_wait_for_what_only_nights_ask_and_sees_what_files_cost(folder: Path) -> None:
    told = said(folder)
    assert "3 passed, 4 deselected" in told
    assert "processor seconds by file, 1 in all" in told
    assert "test_sample.py" in told.partition("processor seconds by file")[2]


def test_nights_ask_everything_and_a_test_that_is_named_runs_always(folder: Path) -> None:
    assert "7 passed" in said(folder, "--nightly")
    assert "1 passed" in said(folder, "test_sample.py::test_each_night")
