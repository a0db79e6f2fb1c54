from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import click
import pytest
import sample_runs as samples
from rich.console import Console

from kms_conformance.cli.compare import compare as command
from kms_conformance.report.change import RequirementChange
from kms_conformance.report.compare import compare
from kms_conformance.report.files import ReportError
from kms_conformance.report.schemas import validate
from kms_conformance.report.store import write
from kms_conformance.report.text.changes import lines, markdown
from kms_conformance.verdict.model import Verdict

ALONE = "accepted answers are not compared; they are in results.json, and only verdict.json was given."


def shown(before: Path, after: Path, width: int = 80) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        for line in lines(compare(before, after), width):
            console.print(line, soft_wrap=True, highlight=False)
    return captured.get()


def test_a_run_is_the_same_as_itself(written: Path) -> None:
    found = compare(written / "several", written / "several")
    assert (found.same, found.exit_code(strict=True), found.changes, found.warnings) == (True, 0, (), ())
    assert "Every requirement has the same verdict." in shown(written / "several", written / "several")


def test_what_regressed_is_told_with_its_reason_and_the_command_that_shows_it_again(written: Path) -> None:
    found = compare(written / "conformant", written / "nonconformant")
    assert (found.exit_code(), len(found.changes)) == (1, 5)
    assert found.results == {"otc-eu-de": ("conformant", "nonconformant")}
    change = next(each for each in found.changes if each.id == "schedule.window.start")
    assert (change.kind, change.before, change.after) == ("regressed", "passed", "failed")
    text = shown(written / "conformant", written / "nonconformant")
    assert "otc-eu-de: nonconformant, was conformant\n\nregressed (5)\n" in text
    assert (
        "  schedule.window.start · MUST\n    passed → failed\n"
        "    expected a deletion date of 2026-01-22T09:30:15Z; received\n    2026-01-23T00:00:00Z\n"
        f"    kms-conformance replay {written / 'nonconformant'} {change.failure}\n"
    ) in text
    assert text.endswith("\n5 requirements regressed. 5 requirements differ in all.\n")


def test_what_was_mended_is_no_regression(written: Path) -> None:
    found = compare(written / "nonconformant", written / "conformant")
    assert (found.exit_code(), found.exit_code(strict=True), found.counts()["fixed"]) == (0, 1, 5)
    assert "Nothing regressed. 5 requirements differ in all." in shown(
        written / "nonconformant", written / "conformant"
    )


def test_targets_of_one_run_alone_are_named(written: Path) -> None:
    found = compare(written / "several", written / "conformant")
    assert found.results["ali-hangzhou"] == ("conformant", None)
    assert "ali-hangzhou: only the first run has this target." in found.warnings
    assert found.exit_code(strict=True) == 1
    assert "ali-hangzhou: conformant, only in the first run" in shown(written / "several", written / "conformant")


def test_two_single_targets_are_compared_whatever_their_names(tmp_path: Path) -> None:
    renamed = replace(samples.OTC, name="otc-eu-nl", base_url="https://other")
    write(tmp_path / "one", [samples.conformant()])
    write(tmp_path / "two", [samples.decided(renamed, samples.passing(renamed))])
    found = compare(tmp_path / "one", tmp_path / "two")
    assert list(found.results) == ["otc-eu-de / otc-eu-nl"]
    assert found.same
    assert found.warnings == (
        "otc-eu-de / otc-eu-nl: the endpoints differ, https://kms.eu-de.otc.example.com and https://other.",
    )


def test_other_circumstances_are_warned_of(tmp_path: Path, written: Path) -> None:
    raw = json.loads((written / "conformant" / "verdict.json").read_text())
    old = Verdict.from_json(raw)
    other = replace(
        old,
        requirements=old.requirements[1:],
        specs_digest="sha256:" + "0" * 64,
        profile="documents",
        tier="smoke",
        suite_version="0.0.9",
        started="2025-01-01T00:00:00Z",
        frozen={"version": "0.0.8", "requirements": 1, "removed": [], "changed": []},
    )
    (tmp_path / "verdict.json").write_text(json.dumps(other.to_json()))
    found = compare(written / "conformant", tmp_path)
    assert found.warnings == (
        "otc-eu-de: the profiles differ, otc and documents.",
        "otc-eu-de: the tiers differ, standard and smoke.",
        f"otc-eu-de: the suite versions differ, {old.suite_version} and 0.0.9.",
        "otc-eu-de: the specs differ; requirements with the same id may differ in content.",
        "otc-eu-de: the runs were decided by different requirements, those of its suite and those of release 0.0.8.",
        "otc-eu-de: the second run started before the first, 2025-01-01T00:00:00Z and 2026-01-15T09:30:12Z.",
        f"otc-eu-de: {ALONE}",
    )
    assert found.changes == (RequirementChange("vanished", "otc-eu-de", "cancel.effect", "MUST", "passed", None),)
    assert "passed → absent" in shown(written / "conformant", tmp_path)


def test_the_comparison_is_json_by_its_schema(written: Path) -> None:
    found = json.loads(json.dumps(compare(written / "conformant", written / "nonconformant").to_json()))
    validate(found, "changes", "x")
    assert (found["same"], found["regressed"], found["counts"]["regressed"]) == (False, True, 5)
    assert found["changes"][0]["id"] == "cancel.not-pending.enabled"


def test_markdown_shows_what_a_target_wrote_as_text(tmp_path: Path, written: Path) -> None:
    evil = "a|b `x` <img src=x> @user [l](http://x) **b**"
    failed = samples.failing(
        samples.OTC,
        "cancel.effect",
        failures=(replace(samples.failing(samples.OTC, "cancel.effect").failures[0], received=evil),),
    )
    write(tmp_path, [samples.decided(samples.OTC, [*samples.passing(samples.OTC, ["cancel.effect"]), failed])])
    text = markdown(compare(written / "conformant", tmp_path))
    row = next(line for line in text.split("\n") if line.startswith("| `cancel.effect`"))
    assert row.startswith("| `cancel.effect` | MUST | passed → failed | expected 400 KMS.1501; received a\\|b")
    assert row.replace("\\|", "").count("|") == 5
    assert re.findall(r"(?<!\\)[<\[*]|@user|(?<!\\)`x", row) == []
    assert text.startswith("### What changed: 1 requirement regressed. 1 requirement differs in all.\n")


@pytest.mark.parametrize("width", [40, 50, 80])
def test_narrow_terminals_get_narrow_lines(written: Path, width: int) -> None:
    text = shown(written / "conformant", written / "several", width)
    assert max(len(line) for line in text.split("\n") if "kms-conformance replay" not in line) <= width


def test_a_report_that_cannot_be_read_is_not_compared(written: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is missing"):
        compare(written / "conformant", tmp_path)


def ran(*arguments: object) -> int:
    found = command.main([str(argument) for argument in arguments], standalone_mode=False)
    assert isinstance(found, int)
    return found


def test_the_command_exits_with_one_for_a_regression_or_if_strict_for_any_change(written: Path, tmp_path: Path) -> None:
    good, bad = written / "conformant", written / "nonconformant"
    codes = [ran(good, bad), ran(bad, good), ran("--strict", bad, good), ran("--strict", good, good)]
    assert codes == [1, 0, 1, 0]
    assert ran(good, bad, "--json", tmp_path / "c.json", "--markdown", tmp_path / "c.md") == 1
    assert json.loads((tmp_path / "c.json").read_text())["regressed"] is True
    assert (tmp_path / "c.md").read_text() == markdown(compare(good, bad))


def test_what_is_printed_for_machines_is_printed_alone(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = written / "conformant", written / "nonconformant"
    assert ran(good, bad, "--json") == 1
    assert json.loads(capsys.readouterr().out)["counts"]["regressed"] == 5
    assert ran(good, bad, "--markdown") == 1
    assert capsys.readouterr().out.startswith("### What changed")
    with pytest.raises(click.UsageError, match="Name a FILE for one of them"):
        ran(good, bad, "--markdown", "--json")
