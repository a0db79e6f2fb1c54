"""Bugs that others had and mended: the suite reports them before, and not after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from certifying import EVERYTHING, ROOT, certify, missing_python
from packaging.version import Version
from releases import HERE, release

from kms_conformance.suite.checks import checks_by_requirement

HISTORY: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("history.yaml").read_text(encoding="utf-8"))
# What a change waits for is one of them, which installs the least.
CASES = [
    pytest.param(bug, id=f"{bug['before']}-to-{bug['after']}") for bug in HISTORY if EVERYTHING or bug is HISTORY[0]
]


@pytest.mark.parametrize("bug", CASES)
def test_the_bug_is_reported_before_it_was_mended_and_not_after(bug: dict[str, Any]) -> None:
    for each in (bug["before"], bug["after"]):
        if reason := missing_python(release(each)):
            pytest.skip(reason)
    before = certify(release(bug["before"]), "smoke", families=bug["families"])
    after = certify(release(bug["after"]), "smoke", families=bug["families"])
    found = {name: (before.requirements.get(name), after.requirements.get(name)) for name in bug["requirements"]}
    assert found == dict.fromkeys(bug["requirements"], ("failed", "passed"))


def test_there_is_history_of_two_implementations_at_least() -> None:
    told = [release(bug["before"]).implementation.name for bug in HISTORY]
    assert all(release(bug["after"]).implementation.name == name for bug, name in zip(HISTORY, told, strict=True))
    assert len(set(told)) >= 2
    assert len(told) >= 10


def test_the_page_tells_what_only_earlier_releases_fail() -> None:
    page = (ROOT / "docs" / "findings" / "history.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    failed: dict[str, dict[Version, set[str]]] = {}
    for path in (HERE / "evidence").glob("*.json"):
        product, _, version = path.stem.rpartition("-")
        cells = json.loads(path.read_text(encoding="utf-8"))["requirements"]
        failed.setdefault(product, {})[Version(version)] = {
            cell["id"] for cell in cells if cell["verdict"] == "failed" and not cell["id"].startswith("concurrency.")
        }
    for product, releases in failed.items():
        told = {each for row in rows if row.startswith(f"| {product} ") for each in row.split("`")[1::2]}
        assert set().union(*releases.values()) - releases[max(releases)] <= told, product


@pytest.mark.nightly
def test_a_bug_is_judged_by_every_check_that_declares_its_requirements() -> None:
    # A requirement of a check that did not run is left open.
    checks = checks_by_requirement()
    for bug in HISTORY:
        families = {check.split("::")[0] for name in bug["requirements"] for check in checks[name]}
        assert families <= set(bug["families"]), bug["what"]
