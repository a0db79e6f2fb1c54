"""Pytest settings of the environment do not affect a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from started import ONE_FAMILY, start

FOREIGN = [
    {"PYTEST_ADDOPTS": "-x"},
    {"PYTEST_ADDOPTS": "--cov=src -k nothing --junk 'unclosed"},
    {"PYTEST_ADDOPTS": "--collect-only -p no:kms_conformance.run.plugin", "PYTEST_PLUGINS": "missing"},
    {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_THEME": "none", "PYTEST_DEBUG_TEMPROOT": "/nonexistent"},
    {"PYTEST_DEBUG": "1", "PYTEST_XDIST_WORKER": "gw7", "PYTEST_XDIST_AUTO_NUM_WORKERS": "x"},
]


@pytest.mark.sampled(1)
@pytest.mark.parametrize("changes", FOREIGN, ids=str)
def test_a_run_is_not_changed_by_it(changes: dict[str, str], target: str, tmp_path: Path) -> None:
    ended = start("run", "--target", target, "--reports", "out", *ONE_FAMILY, cwd=tmp_path, **changes)
    assert (ended.code, ended.no_traceback()) == (3, True), ended.text
    assert _checks(tmp_path) == 2
    assert ended.err == ""


def test_neither_are_its_workers(target: str, tmp_path: Path) -> None:
    changes = {"PYTEST_ADDOPTS": "-k nothing --junk", "PYTEST_PLUGINS": "missing"}
    ended = start("run", "--target", target, "--reports", "out", *ONE_FAMILY, "-n", "1", cwd=tmp_path, **changes)
    assert (ended.code, ended.no_traceback()) == (3, True), ended.text
    assert _checks(tmp_path) == 2


def test_a_plugin_that_is_installed_beside_ours_is_not_loaded(target: str, tmp_path: Path) -> None:
    """A plugin that breaks collection, found by pytest through its entry point."""
    found = tmp_path / "site" / "breaking-1.dist-info"
    found.mkdir(parents=True)
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: breaking\nVersion: 1\n")
    (found / "entry_points.txt").write_text("[pytest11]\nbreaking = breaking\n")
    (tmp_path / "site" / "breaking.py").write_text("raise SystemExit(1)\n")
    path = str(tmp_path / "site")
    ended = start("run", "--target", target, "--reports", "out", *ONE_FAMILY, cwd=tmp_path, PYTHONPATH=path)
    assert (ended.code, _checks(tmp_path), ended.no_traceback()) == (3, 2, True), ended.text


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-such-option"], "unrecognized arguments: --no-such-option"),
        (["-p", "no_such_plugin"], "no_such_plugin"),
        (["no_such_folder"], "no_such_folder"),
        (["--cov=src"], "--cov=src"),
        (["--junitxml"], "--junitxml"),
        (["-n", "many"], "-n"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_pytest_refuses_is_a_mistake_in_three_lines(
    arguments: list[str], said: str, target: str, tmp_path: Path
) -> None:
    ended = start("run", "--target", target, "--reports", "out", "--", *arguments, cwd=tmp_path)
    assert (ended.code, ended.no_traceback()) == (2, True), ended.text
    assert said in ended.err
    assert len(ended.err.splitlines()) == 3
    assert "--" in ended.err


@pytest.mark.sampled(1)
@pytest.mark.parametrize("argument", ["--collect-only", "--help", "--version", "--markers"])
def test_a_run_that_asks_nothing_is_not_conformant(argument: str, target: str, tmp_path: Path) -> None:
    ended = start("run", "--target", target, "--reports", "out", "--", argument, cwd=tmp_path)
    assert ended.code == 2, ended.text
    assert not (tmp_path / "out" / "verdict.json").exists()


def _checks(folder: Path) -> int:
    (found,) = json.loads((folder / "out" / "results.json").read_text())["targets"]
    return len(found["checks"])
