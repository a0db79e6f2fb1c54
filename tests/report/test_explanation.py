"""`requirements ID`: one requirement explained; a misspelt id is answered with near ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.cli import cli
from kms_conformance.core import specs
from kms_conformance.core.errors import UserMistake
from kms_conformance.report.explanation import explained, near_names
from kms_conformance.report.text.explanation import lines

TARGET = """\
name: mine
dialect: huawei
profile: otc-swiss
base_url: http://127.0.0.1:1
auth: {token: tttttttttttttttttttt, project_id: "00000000000000000000000000000000"}
"""


def invoke(*arguments: str | Path) -> str:
    result = CliRunner().invoke(cli, ["requirements", *map(str, arguments)], standalone_mode=False)
    if result.exception:
        raise result.exception
    return " ".join(result.output.split())


def test_requirement_is_explained_for_each_dialect_that_has_it() -> None:
    text = invoke("malformed-key.cancel")
    assert "malformed-key.cancel · MUST · huawei, profile documents" in text
    assert "malformed-key.cancel · MUST · aws, profile documents" in text
    assert "accepted cancel: 400 KMS.0205 or 404 KMS.0207" in text
    assert "No page pairs such an id with a code." in text
    assert "erratum E-H-malformed-key: Is an id that breaks the pattern invalid, or just unknown?" in text
    assert "malformed-key.cancel · MUST · aws" not in invoke("malformed-key.cancel", "--dialect", "huawei")


def test_profile_of_a_target_decides_the_accepted_answers(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TARGET)
    text = invoke("unknown-key.cancel", "--target", tmp_path / "t.yaml")
    assert "huawei, profile otc-swiss" in text
    assert "accepted cancel: 400 KMS.0205 or 404 KMS.0207" in text
    with pytest.raises(UserMistake, match=r"Did you mean `cancel\.date-cleared`"):
        invoke("cancel.date-cleard", "--target", tmp_path / "t.yaml")


def test_run_is_shown_with_its_judgements(written: Path) -> None:
    text = invoke("cancel.not-pending.enabled", "--reports", written / "nonconformant")
    assert "huawei, profile otc" in text
    assert "the run of 2026-01-15T09:30:12Z at otc-eu-de: failed" in text
    assert f"repeat kms-conformance replay {written / 'nonconformant'} " in text
    assert "at otc-eu-de: passed" in invoke("cancel.effect", "--reports", written / "nonconformant")


def test_all_requirements_as_json() -> None:
    result = CliRunner().invoke(cli, ["requirements", "--json", "--dialect", "huawei"])
    found = json.loads(result.output)
    assert [each["id"] for each in found] == list(Catalogue.load("huawei").requirements)
    (one,) = json.loads(CliRunner().invoke(cli, ["requirements", "--json", "cancel.uri", "--dialect", "huawei"]).output)
    assert one in found
    assert one["sources"][0]["url"].startswith("https://")


@pytest.mark.parametrize("dialect", specs.dialects())
def test_every_requirement_has_something_to_show(dialect: str) -> None:
    for requirement in Catalogue.load(dialect):
        shown = list(lines(explained(requirement, Profile.load(dialect), {}), 80))
        assert shown[0].startswith(f"{requirement.id} · {requirement.level}")
        assert all(len(line) <= 80 or "://" in line for line in shown[1:] if "::" not in line)


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("cancel.efect", "cancel.effect"),
        ("cancel.*", "cancel.effect"),
        ("Cancel.Effect", "cancel.effect"),
        ("not-pending.enabled", "cancel.not-pending.enabled"),
    ],
)
def test_near_names(word: str, near: str) -> None:
    assert near in near_names(word, specs.dialects())
    assert len(near_names(word, specs.dialects())) <= 5


def test_name_without_a_near_one_leads_to_the_list() -> None:
    with pytest.raises(UserMistake, match="lists all of them"):
        invoke("zzzzzzzz")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--target", "t.yaml"), "name its ID"),
        (("cancel.effect", "--coverage"), "Leave them out"),
        (("cancel.effect", "--freeze", "x"), "Leave them out"),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(cli, ["requirements", *arguments])
    assert result.exit_code == 2
    assert said in result.output


def test_run_without_the_dialect_is_told(written: Path) -> None:
    result = CliRunner().invoke(
        cli, ["requirements", "cancel.effect", "--reports", str(written / "conformant"), "--dialect", "aws"]
    )
    assert result.exit_code == 2
    assert "has no target of the dialect aws" in " ".join(result.output.split())
