from __future__ import annotations

import re
from dataclasses import replace

import pytest
import sample_runs as samples
from test_page import HOSTILE, hostile

from kms_conformance.report.ci.github import job_summary
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.store import scrubbed
from kms_conformance.report.text import statement


def report(*decided: samples.Decided) -> Report:
    return scrubbed(Report(tuple(TargetReport.of(*each) for each in decided)))


def test_a_failure_is_told_with_clause_difference_and_command() -> None:
    text = statement.render(report(samples.nonconformant()))
    assert text.startswith(
        "# ✗ otc-eu-de: nonconformant (tier standard)\n\n4 of 109 MUST requirements that apply do not hold."
    )
    card = text[text.index("**`cancel.not-pending.enabled`**") :]
    for part in (
        "· MUST · Cancelling on an enabled key is refused with 400 KMS.1501 and changes nothing.",
        "expected  400 KMS.1501\nreceived  200 {",
        "```sh\ncurl -sS",
        "(<https://support.huaweicloud.com/",
    ):
        assert part in card[:2500], part
    assert "Failed 3 more times." in text


def test_several_targets_are_compared_in_a_table() -> None:
    text = statement.render(report(samples.mixed(), samples.conformant(samples.ALI)))
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    assert rows[2].startswith("| otc-eu-de | huawei, otc | ? inconclusive | 1 | 7 | 2 | 1 | ")
    assert rows[3].startswith("| ali-hangzhou | alibaba, documents | ✓ conformant | 0 | 0 | 0 | 0 | ")
    assert "Waived: Mended in release 7.2" in text
    assert "The waiting period cannot be skipped" in text


def test_answers_are_named_where_there_was_a_choice() -> None:
    text = statement.render(report(samples.conformant()))
    assert "| `malformed-key.schedule` | `400 KMS.0205` | `404 KMS.0207`, " in text


@pytest.mark.parametrize("limit", [1_500, 5_000, 20_000])
def test_it_is_cut_where_it_hurts_least(limit: int) -> None:
    whole = statement.render(report(samples.nonconformant()))
    text = statement.render(report(samples.nonconformant()), limit)
    assert len(text.encode()) <= limit
    assert text.startswith("# ✗ otc-eu-de: nonconformant")
    assert text.count("```") % 2 == 0
    assert text.count("<details>") == text.count("</details>")
    assert ("not fit in here: see index.html for the whole statement" in text) == (len(whole.encode()) > limit)
    if limit == 5_000:
        assert "cancel.not-pending.enabled" in text
        assert "All 99 requirements" not in text


def test_foreign_text_stays_text() -> None:
    nasty = f"{HOSTILE} @someone #1 ![x](https://evil) ``` ```` | a | <details>"
    found = report(hostile())
    target = found.targets[0]
    strange = replace(target.verdict, profile=nasty, base_url=nasty)
    text = statement.render(Report((TargetReport(strange, target.checks),)))
    outside = re.sub(r"(?ms)^(`{3,})[a-z]*\n.*?^\1$", "", text)
    outside = re.sub(r"(`+).+?\1", "", outside)
    assert "<script>" not in outside
    assert "![x](" not in outside
    assert "@someone" not in outside


def test_the_summary_of_a_job_grows_to_what_github_takes_and_no_further(tmp_path, monkeypatch) -> None:
    path = tmp_path / "summary.md"
    monkeypatch.setattr(statement, "SUMMARY_LIMIT", 9_000)
    path.write_text("of an earlier command\n" * 100)
    assert job_summary(report(samples.nonconformant()), {"GITHUB_STEP_SUMMARY": str(path)}) == path
    written = path.read_text()
    assert written.startswith("of an earlier command\n")
    assert "# ✗ otc-eu-de: nonconformant" in written
    assert len(written.encode()) <= 9_000


def test_without_a_job_there_is_no_summary_and_one_that_cannot_be_written_is_told(tmp_path) -> None:
    assert job_summary(report(samples.conformant()), {}) is None
    with pytest.raises(ReportError, match="Unset GITHUB_STEP_SUMMARY"):
        job_summary(report(samples.conformant()), {"GITHUB_STEP_SUMMARY": str(tmp_path)})
