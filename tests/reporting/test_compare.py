from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import sample_runs as samples
from rich.console import Console

from conformance.reporting.compare import Difference, compare
from conformance.reporting.errors import ReportError
from conformance.reporting.model import StoredVerdict
from conformance.reporting.write import write


def shown(before: Path, after: Path, width: int = 100) -> str:
    console = Console(width=width)
    with console.capture() as captured:
        found = compare(before, after)
        for line in found.lines():
            console.print(line)
        console.print(found.table())
    return captured.get()


def test_a_run_is_the_same_as_itself(written: Path) -> None:
    found = compare(written / "several", written / "several")
    assert (found.same, found.exit_code, found.differences, found.warnings) == (True, 0, (), ())
    assert "Every requirement has the same verdict." in shown(written / "several", written / "several")


def test_requirements_with_another_verdict_are_named(written: Path) -> None:
    found = compare(written / "conformant", written / "nonconformant" / "verdict.json")
    assert found.exit_code == 1
    assert found.results == {"otc-eu-de": ("conformant", "nonconformant")}
    assert len(found.differences) == 5
    assert Difference("otc-eu-de", "cancel.not-pending.enabled", "MUST", "passed", "failed") in found.differences
    text = shown(written / "conformant", written / "nonconformant")
    assert "otc-eu-de: nonconformant, was conformant\n" in text
    assert "cancel.not-pending.enabled  MUST    passed  failed" in text


def test_targets_of_one_run_alone_are_named(written: Path) -> None:
    found = compare(written / "conformant", written / "several")
    assert found.results["ali-hangzhou"] == (None, "conformant")
    assert found.exit_code == 1
    assert "ali-hangzhou: conformant, only in the second run" in shown(written / "conformant", written / "several")


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


def test_other_circumstances_are_warned_of_and_missing_requirements_named(tmp_path: Path, written: Path) -> None:
    raw = json.loads((written / "conformant" / "verdict.json").read_text())
    old = StoredVerdict.from_json(raw)
    other = replace(
        old, requirements=old.requirements[1:], specs_digest="sha256:" + "0" * 64, profile="documents", tier="smoke"
    )
    (tmp_path / "verdict.json").write_text(json.dumps(other.to_json()))
    found = compare(written / "conformant", tmp_path)
    assert found.warnings == (
        "otc-eu-de: the profiles differ, otc and documents.",
        "otc-eu-de: the tiers differ, standard and smoke.",
        "otc-eu-de: the specs differ; a requirement of the same name may demand something else.",
    )
    assert found.differences == (Difference("otc-eu-de", "cancel.effect", "MUST", "passed", None),)
    assert "absent" in shown(written / "conformant", tmp_path)


def test_the_comparison_is_json(written: Path) -> None:
    found = json.loads(json.dumps(compare(written / "conformant", written / "nonconformant").to_json()))
    assert found["same"] is False
    assert found["differences"][0] == {
        "target": "otc-eu-de",
        "id": "cancel.not-pending.enabled",
        "level": "MUST",
        "before": "passed",
        "after": "failed",
    }


def test_narrow_terminals_get_narrow_tables(written: Path) -> None:
    lines = shown(written / "conformant", written / "nonconformant", width=50).split("\n")
    assert max(map(len, lines)) <= 50


def test_a_report_that_cannot_be_read_is_not_compared(written: Path, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="is missing"):
        compare(written / "conformant", tmp_path)
