"""A declared range is a tested range: the environments that try it, and what they are held to."""

from __future__ import annotations

import configparser
import json
import os
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools import lowest

TOX = lowest.ROOT / "tox.ini"
PROJECT = tomllib.loads((lowest.ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENTS = ("lowest", "newest", "py3{11,12,13,14}")


def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(TOX)
    return parser


def test_the_lowest_versions_are_those_that_the_package_declares() -> None:
    assert lowest.FILE.read_text() == lowest.constraints(), "Write it anew: python -m tools.lowest"


def test_every_dependency_that_is_installed_with_the_suite_has_a_floor() -> None:
    without = [requirement.name for requirement in lowest.requirements() if requirement.name not in lowest.floors()]
    assert without == []


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_each_environment_of_the_ranges_certifies_and_runs_the_unit_tests(name: str) -> None:
    commands = tox()[f"testenv:{name}"]["commands"]
    assert "kms-conformance run --tier smoke" in commands
    assert "pytest -n 2 {[ranges]tests}" in commands
    for path in tox()["ranges"]["tests"].split():
        assert (lowest.ROOT / path).exists(), path


def test_no_released_pytest_since_the_floor_is_left_out() -> None:
    (found,) = (Requirement(text) for text in PROJECT["dependencies"] if text.startswith("pytest>"))
    assert all(found.specifier.contains(version) for version in ("9.0.0", "9.1.1", "9.2.0", "9.3.0"))


def test_the_releases_of_python_that_are_named_are_tried() -> None:
    prefix = "Programming Language :: Python :: 3."
    named = {text.removeprefix(prefix) for text in PROJECT["classifiers"] if text.startswith(prefix)}
    tried = set(ENVIRONMENTS[-1].partition("{")[2].rstrip("}").split(","))
    assert named <= tried
    assert min(named, key=int) == PROJECT["requires-python"].removeprefix(">=3.")


@pytest.mark.skipif(os.environ.get("KMS_CONFORMANCE_RANGES") != "lowest", reason="only where tox holds to the floors")
def test_this_environment_has_the_lowest_versions() -> None:
    installed = {name: metadata.version(name) for name in lowest.floors()}
    assert {n: v for n, v in installed.items() if Version(v) != Version(lowest.floors()[n])} == {}


@pytest.mark.skipif(os.environ.get("KMS_CONFORMANCE_RANGES") != "newest", reason="only where tox takes the newest")
def test_this_environment_has_no_older_version_than_its_ranges_allow() -> None:
    """By pip's own word: what it calls outdated is held back by a ceiling, of ours or of a dependency's."""
    pip = [sys.executable, "-m", "pip", "list", "--outdated", "--format=json", "--disable-pip-version-check"]
    outdated = {found["name"].lower(): found["latest_version"] for found in _json(pip)}
    behind = [
        f"{each.name} {outdated[each.name]}"
        for each in lowest.requirements()
        if each.name in outdated and each.specifier.contains(outdated[each.name]) and each.name not in _HELD_BACK
    ]
    assert behind == []


# Dependencies that another dependency holds below our own ceiling, and which.
_HELD_BACK: dict[str, str] = {}


def _json(command: list[str]) -> list[dict[str, str]]:

    return list(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
