"""What one profile changes against another, in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.profile_diff import FactChange, ProfileDiff
from kms_conformance.cli import cli
from kms_conformance.core import specs


def test_a_changed_refusal_names_its_answers_and_requirements() -> None:
    found = ProfileDiff.of(Profile.load("huawei"), Profile.load("huawei", "otc"))
    touched = ("unknown-key.schedule", "unknown-key.cancel", "unknown-key.describe")
    assert FactChange("refusals.unknown_key", "404 KMS.0207", "404 KMS.0207 or 400 KMS.0205", touched) in found.changes
    assert "cancel.imported-key" in found.newly
    assert found.no_longer == ()


@pytest.mark.parametrize("dialect", specs.dialects())
def test_equal_profiles_have_no_change_and_the_reverse_is_the_mirror(dialect: str) -> None:
    documents = Profile.load(dialect)
    for name in specs.profile_names(dialect):
        other = Profile.load(dialect, name)
        there, back = ProfileDiff.of(documents, other), ProfileDiff.of(other, documents)
        assert {(c.fact, c.before, c.after) for c in there.changes} == {
            (c.fact, c.after, c.before) for c in back.changes
        }
        assert (there.newly, there.no_longer) == (back.no_longer, back.newly)
        assert bool(there.changes) is (name != "documents")


def test_the_command_compares_with_a_file_and_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    own = tmp_path / "ours.yaml"
    own.write_text("name: ours\ntitle: Ours\nextends: otc\nfacts: {settle_seconds: 40}\n")
    shown = CliRunner().invoke(cli, ["profiles", "--dialect", "huawei", "--diff", "otc", str(own)])
    assert shown.exit_code == 0, shown.output
    assert "huawei: 1 facts differ" in shown.output
    for arguments, said in (
        (["--diff", "documents", "documents"], "have both profiles. Add --dialect."),
        (["--diff", "otc", "aws-kms"], "no dialect has both profiles"),
        (["--dialect", "huawei", "--diff", "otc", "otc-swis"], "Did you mean `otc-swiss`?"),
        (["--dialect", "huawei", "--diff", "otc", "missing.yaml"], "does not exist"),
    ):
        refused = CliRunner().invoke(cli, ["profiles", *arguments])
        assert refused.exit_code == 2
        assert said in " ".join(refused.output.split()), refused.output
