"""Frozen sets: what a release demanded, and what follows for a target that stood still."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from kms_conformance import __version__
from kms_conformance.auth import RpcAuth
from kms_conformance.catalogue.frozen import Frozen, FrozenError, digest, load_frozen, versions
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.judge import Judgement
from kms_conformance.core import specs
from kms_conformance.report.consistency import problems_of_verdict
from kms_conformance.report.schemas import validate
from kms_conformance.report.text.words import sentence
from kms_conformance.target import Target
from kms_conformance.verdict.decide import Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult

TARGET = Target("t", "alibaba", "http://127.0.0.1:1", RpcAuth("id-1234", "secret-1234"))
CATALOGUE = Catalogue.load("alibaba")
NOW = Frozen.of(CATALOGUE, "0.0.9")


@cache
def results(failing: str = "") -> list[CheckResult]:
    passes = {requirement.id: 1 for requirement in CATALOGUE if requirement.id != failing}
    failures = (Judgement(failing, False, "x", "y"),) if failing else ()
    outcome = "failed" if failing else "passed"
    return [CheckResult("t", "a", "a::b", "b", outcome, 0.0, passes=passes, productive=passes, failures=failures)]


def decided(frozen: Frozen | None, failing: str = "") -> Verdict:
    run = Run("smoke", 1, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
    found = results(failing)
    return decide(TARGET, found, run, {each.check: () for each in found}, (), frozen)


def without(*names: str) -> Frozen:
    return replace(NOW, levels={name: level for name, level in NOW.levels.items() if name not in names})


def stored(verdict: Verdict) -> Verdict:
    raw = json.loads(json.dumps(verdict.to_json()))
    validate(raw, "verdict", "v")
    read = Verdict.from_json(raw)
    assert read.to_json() == raw
    return read


@pytest.mark.parametrize("dialect", specs.dialects())
def test_this_version_has_a_set_that_says_what_it_demands(dialect: str) -> None:
    command = f"kms-conformance requirements --dialect {dialect} --freeze specs/{dialect}/frozen/{__version__}.yaml"
    frozen = load_frozen(__version__, dialect)
    assert frozen == Frozen.of(Catalogue.load(dialect), __version__), f"The catalogue has changed. Run: {command}"


def test_what_is_newer_than_the_set_is_shown_and_decides_nothing() -> None:
    assert decided(None, "cancel.effect").result == "nonconformant"
    found = decided(without("cancel.effect"), "cancel.effect")
    assert found.result == "conformant"
    read = stored(found)
    (newer,) = [entry for entry in read.requirements if not entry.decides]
    assert (newer.id, newer.level, newer.verdict) == ("cancel.effect", "MUST", "failed")
    assert list(problems_of_verdict(read)) == []
    assert sentence(read) == (
        f"All {read.counts()['MUST']['passed']} MUST requirements that apply hold. Decided by the requirements of "
        "release 0.0.9, as judged by this version. 1 newer requirement (1 failed) did not count."
    )


def test_a_requirement_decides_at_the_level_that_it_had() -> None:
    softer = replace(NOW, levels=dict(NOW.levels) | {"cancel.effect": "SHOULD"})
    assert decided(softer, "cancel.effect").result == "conformant"
    entries = decided(None).requirements
    should = next(entry.id for entry in entries if (entry.level, entry.verdict) == ("SHOULD", "passed"))
    harder = replace(NOW, levels=dict(NOW.levels) | {should: "MUST"})
    assert (decided(None, should).result, decided(harder, should).result) == ("conformant", "nonconformant")


def test_what_was_removed_or_demands_something_else_is_said() -> None:
    old = replace(
        NOW,
        levels=dict(NOW.levels) | {"cancel.gone": "MUST"},
        digests=dict(NOW.digests) | {"cancel.gone": "0" * 16, "cancel.effect": "0" * 16},
    )
    read = stored(decided(old))
    assert read.frozen == {
        "version": "0.0.9",
        "requirements": len(NOW.levels) + 1,
        "removed": ["cancel.gone"],
        "changed": ["cancel.effect"],
    }
    assert "1 requirement of that release no longer exists: cancel.gone." in sentence(read)
    assert "1 requirement of that release has changed since: cancel.effect." in sentence(read)


def test_the_digest_is_of_what_is_demanded_and_not_of_its_level() -> None:
    requirement = CATALOGUE["cancel.effect"]
    assert digest(replace(requirement, level="MAY")) == digest(requirement)
    assert digest(replace(requirement, statement="Else.")) != digest(requirement)
    assert digest(replace(requirement, reached=frozenset({"enabled"}))) != digest(requirement)


def test_a_set_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(NOW.to_yaml())
    assert load_frozen(str(path), "alibaba") == NOW
    assert __version__ in versions("alibaba")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "neither a release ("),
        ("format: 1\n", '"dialect" is a required property'),
        ("[", "Create it again"),
        (NOW.to_yaml().replace("level: MUST", "level: MIGHT", 1), "requirements/"),
        (NOW.to_yaml().replace("dialect: alibaba", "dialect: huawei"), "They are requirements of huawei"),
    ],
    ids=["not there", "cut", "no yaml", "no level", "another dialect"],
)
def test_a_set_that_cannot_be_used_is_refused_in_three_lines(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "f.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(FrozenError) as caught:
        load_frozen(str(path), "alibaba")
    assert says in str(caught.value)
    assert len(str(caught.value).split("\n")) == 3
