"""A profile in a file of the user's own: its form, its names, its reference, and what is said of mistakes in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs
from kms_conformance.recording.target_snapshot import target_from_snapshot, target_snapshot
from kms_conformance.target import Target, TargetError, load_target
from kms_conformance.target.own_profile import add_content

TARGET = """
name: mine
dialect: {dialect}
profile: {profile}
base_url: https://kms.example.com
auth: {{token: token-of-mine-4711, project_id: 0123456789abcdef0123456789abcdef}}
"""
MINE = """
name: my-cloud
title: My Cloud
extends: otc
facts:
  window: {maximum: 90}
  refusals:
    unknown_key:
      answers: [{status: 404, code: KMS.0207}, {status: 400, code: KMS.0205}]
      reason: Its error page lists both.
"""
_BEGIN = "`profile` names a file that cannot be used: "


def target_with(folder: Path, profile: str | None, dialect: str = "huawei", name: str = "mine.yaml") -> Target:
    (folder / "targets").mkdir(exist_ok=True)
    if profile is not None:
        (folder / "targets" / name).write_text(profile)
    path = folder / "targets" / "target.yaml"
    path.write_text(TARGET.format(dialect=dialect, profile=name))
    return load_target(path)


def problem(folder: Path, profile: str | None, dialect: str = "huawei") -> tuple[str, str]:
    with pytest.raises(TargetError) as raised:
        target_with(folder, profile, dialect)
    assert str(raised.value).splitlines()[0] == f"The target file {folder / 'targets' / 'target.yaml'} cannot be used."
    assert len(str(raised.value).splitlines()) == 3
    return raised.value.why, raised.value.hint


def facts(text: str) -> str:
    return f"name: mine\ntitle: Mine\nfacts: {text}\n"


def test_a_whole_number_with_a_point_is_an_integer(tmp_path: Path) -> None:
    target = target_with(tmp_path, facts("{window: {minimum: 7.0, maximum: 90.0}, settle_seconds: 0.5}"))
    found = specs.facts("huawei", target.profile)
    assert (repr(found["window"]["minimum"]), found["window"]["maximum"], found["settle_seconds"]) == ("7", 90, 0.5)


@pytest.mark.parametrize("name", ["mine.yaml", "mine.yml"])
def test_a_file_beside_the_target_file_is_a_profile(tmp_path: Path, name: str) -> None:
    target = target_with(tmp_path, MINE, name=name)
    profile = Profile.load("huawei", target.profile)
    assert profile.title == "My Cloud"
    assert (profile.window.minimum, profile.window.maximum) == (7, 90)
    assert profile.facts["settle_seconds"] == Profile.load("huawei", "otc").facts["settle_seconds"] == 30
    assert str(profile.refusal("unknown_key")) == "404 KMS.0207 or 400 KMS.0205"
    assert Api.of("huawei", target.profile).dialect == "huawei"


def test_a_profile_extends_the_documents_unless_it_says_otherwise(tmp_path: Path) -> None:
    target = target_with(tmp_path, facts("{}"))
    assert specs.facts("huawei", target.profile) == specs.facts("huawei")


def test_its_reference_is_its_name_with_a_digest_of_its_content(tmp_path: Path) -> None:
    first = target_with(tmp_path, MINE).profile
    assert specs.is_own(first)
    assert not any(specs.is_own(name) for dialect in specs.dialects() for name in specs.profile_names(dialect))
    own = specs.own_profile(first)
    assert own is not None
    assert first == f"file:my-cloud@{own.digest[:16]}"
    assert target_with(tmp_path, f"# a comment\n{MINE}").profile == first
    other = target_with(tmp_path, MINE.replace("90", "91")).profile
    assert other != first
    assert [Profile.load("huawei", each).window.maximum for each in (first, other)] == [90, 91]


def test_it_is_no_profile_of_the_specs(tmp_path: Path) -> None:
    reference = target_with(tmp_path, MINE).profile
    assert reference not in specs.profile_names("huawei")
    assert specs.has_profile("huawei", reference)
    assert not specs.has_profile("alibaba", reference)
    with pytest.raises(TargetError, match="`profile` names no profile of the dialect huawei"):
        target_with(tmp_path, None, name=reference)


def test_a_target_is_made_again_from_what_was_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = target_with(tmp_path, MINE)
    description = target_snapshot(target)
    monkeypatch.setattr(specs, "_own_profiles", {})
    again = target_from_snapshot(description)
    assert again.profile == target.profile
    assert Profile.load("huawei", again.profile).window.maximum == 90
    description["own_profile"] = description["own_profile"] | {"title": "Another"}
    with pytest.raises(ValueError, match="does not match its own_profile"):
        target_from_snapshot(description)


@pytest.mark.parametrize(
    ("written", "why", "hint"),
    [
        (None, "the file does not exist.", "Check the path; it is relative to the target file."),
        ("- a\n", "the file is not a mapping of keys to values.", "Begin with"),
        ("a: [\n", "the file is not valid YAML (line 2, column 1).", "Use no tabs"),
        ("a: 1\na: 2\n", "in the YAML, the key 'a' occurs twice", "Remove one"),
        ("title: x\nfacts: {}\n", "`name` is missing there.", "Add name; see docs/add-a-cloud.md."),
        ("name: My Cloud\ntitle: x\nfacts: {}\n", "`name`: the value does not match", "docs/add-a-cloud.md"),
        (facts("{windw: {}}"), "`facts.windw` is not known there.", "Did you mean `window`?"),
        (facts("{window: {maximun: 9}}"), "`facts.window.maximun` is not known there.", "Did you mean `maximum`?"),
        (facts("{window: {maximum: 36501}}"), "`facts.window.maximum`: the value is greater", "docs/add-a-cloud.md"),
        (facts("{after_cancel: gone}"), "`facts.after_cancel`: the value is not one of", "docs/add-a-cloud.md"),
        (facts("{states: " + "[" * 300 + "]" * 300 + "}"), "it is nested too deeply.", "See docs/add-a-cloud.md"),
        (facts("{requests: {smoke: 1" + "0" * 20 + ", standard: 5}}"), "`facts.requests.smoke`: the value is", "docs/"),
        (facts("{settle_seconds: .inf}"), "it holds a value that JSON does not have.", "Remove it."),
        (
            facts("{refusals: {unknown_key: {answers: [{status: 404, code: a}, {status: 404, code: b}]}}}"),
            "`facts.refusals.unknown_key.reason` is missing there.",
            "Add reason",
        ),
        (facts("{}") + "extends: otk\n", "`extends` is no profile of the dialect huawei.", "Did you mean `otc`?"),
        (facts("{window: {maximum: 6}}"), "`facts.window` must have `minimum` <=", "The profile that it extends"),
        (facts("{auth_ways: [tokn]}"), "`facts.auth_ways` names tokn,", "Did you mean `token`?"),
        (facts("{lacks: [encypt]}"), "`facts.lacks` names encypt,", "Did you mean `encrypt`?"),
        (facts("{lacks: [cancel]}"), "`facts.lacks` names cancel,", "Known: "),
        (
            facts("{refusals: {unknown_key: {answers: [{status: 404, code: null}]}}}"),
            "`facts.refusals.unknown_key.answers.0.code`: the value is not of type",
            "docs/add-a-cloud.md",
        ),
        (facts("{lifecycle: {canel: {}}}"), "`facts.lifecycle` names canel,", "Did you mean `cancel`?"),
        (facts("{lifecycle: {cancel: {enabld: not_pending}}}"), "`facts.lifecycle.cancel` names enabld,", "`enabled`"),
        (facts("{lifecycle: {cancel: {enabled: not_pendin}}}"), "`facts.lifecycle.cancel` names", "`not_pending`"),
        (
            facts("{refusals: {unknown_kee: {answers: [{status: 404, code: a}]}}}"),
            "`facts.refusals` names unknown_kee,",
            "Did you mean `unknown_key`?",
        ),
        (
            facts("{refusals: {unknown_key: {answers: [{status: 418, code: a}]}}}"),
            "`facts.refusals.unknown_key` has the status 418, which describe-key does not document.",
            "It documents 200, 400, 401,",
        ),
    ],
)
def test_mistakes_are_told_in_three_lines(tmp_path: Path, written: str | None, why: str, hint: str) -> None:
    said, next_step = problem(tmp_path, written)
    assert said.startswith(f"{_BEGIN}{why}")
    assert hint in next_step


def test_two_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(TargetError) as raised:
        target_with(tmp_path, facts("{windw: {}, settle: 3}"))
    told = [f"{_BEGIN}`facts.{key}` is not known there." for key in ("windw", "settle")]
    assert raised.value.why.splitlines() == [f"{number}. {each}" for number, each in enumerate(told, 1)]


@pytest.mark.parametrize("content", [{}, {"name": "a", "title": "b", "facts": {"window": 1}}, {"name": ["a"]}])
def test_content_that_is_no_profile_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="own_profile: "):
        add_content("huawei", content)
