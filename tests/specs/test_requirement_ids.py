"""Requirement ids are a type: it holds the ids of the catalogues, and a misspelt id in code is an error of mypy."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import kms_conformance
from kms_conformance.apps.differential.question import Question
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Judge, Judgement
from kms_conformance.client.oracle import Prediction
from kms_conformance.core import specs
from kms_conformance.suite.checks import all_checks
from kms_conformance.suite.marks import RequirementPattern, requirement
from kms_conformance.suite.scenario import Scenario
from tools import requirement_ids

IDS = {each.id for dialect in specs.dialects() for each in Catalogue.load(dialect)}
FOLDER = Path(kms_conformance.__file__).parent


def test_the_type_holds_the_ids_of_all_catalogues() -> None:
    assert set(get_args(RequirementId)) == IDS
    assert requirement_ids.MODULE.read_text(encoding="utf-8") == requirement_ids.generated()


def test_every_pattern_stands_at_a_check_whose_ids_exist() -> None:
    checks = [check for dialect in specs.dialects() for check in all_checks(dialect)]
    used = {each for check in checks for mark in check.marks if mark.name == "requirement" for each in mark.args}
    assert {each for each in used if "{" in each} == set(get_args(RequirementPattern))


TYPED: tuple[tuple[Callable[..., object], str], ...] = (
    (Judge.that, "requirement"),
    (Judge.holds, "requirement"),
    (Judge.observe, "requirement"),
    (Judge.recalls, "requirement"),
    (Judge.breaks, "requirement"),
    (Judgement, "requirement"),
    (Prediction, "requirement"),
    (Question, "requirement"),
    (Fault, "requirements"),
    (Scenario.accepts, "requirements"),
    (Scenario.must_be_accepted, "requirements"),
    (Scenario.must_read_back, "requirements"),
    (Scenario.refuses, "requirement"),
    (Scenario.must_be_refused, "requirement"),
    (Scenario.must_be_unchanged, "requirement"),
    (Scenario.must_be_date, "requirement"),
    (Scenario.must_be_within_bounds, "requirement"),
    (requirement, "ids"),
)


@pytest.mark.parametrize(("function", "name"), TYPED, ids=lambda value: getattr(value, "__qualname__", value))
def test_whatever_takes_an_id_takes_that_type(function: Callable[..., object], name: str) -> None:
    hints = get_type_hints(function, vars(inspect.getmodule(function)))
    assert set(get_args(RequirementId)) <= literals(hints[name])
    assert hints[name] is not str
    assert str not in get_args(hints[name])


def literals(hint: object) -> set[object]:
    """All values of the literals that a type is made of."""
    parts = get_args(hint)
    return {part for part in parts if isinstance(part, str)} | {each for part in parts for each in literals(part)}


def test_one_function_makes_ids_of_texts() -> None:
    """No other module casts to the type, and none passes over mypy where an id is meant."""
    for path in FOLDER.rglob("*.py"):
        if path == requirement_ids.MODULE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "cast":
                assert "RequirementId" not in ast.unparse(node), path


@pytest.mark.parametrize(("written", "problems"), [("cancel.effect", 0), ("cancel.efect", 1)])
def test_a_misspelt_id_is_an_error_of_mypy(tmp_path: Path, written: str, problems: int) -> None:
    module = tmp_path / "misspelt.py"
    module.write_text(
        "from kms_conformance.catalogue.requirement_ids import RequirementId\n\n\n"
        "def judged(requirement: RequirementId) -> None: ...\n\n\n"
        f'judged("{written}")\n'
    )
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--strict",
        f"--cache-dir={tmp_path}",
        f"--config-file={tmp_path / 'none'}",
    ]
    (tmp_path / "none").write_text("[mypy]\n")
    done = subprocess.run(
        [*command, str(module)], capture_output=True, text=True, cwd=FOLDER.parent, check=False, timeout=120
    )
    assert done.returncode == problems, done.stdout + done.stderr
    assert done.stdout.count("error: Argument 1 to") == problems, done.stdout
