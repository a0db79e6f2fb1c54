from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sample_runs as samples

from kms_conformance.client.judge import Judgement
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.text.screen import Progress, Screen
from kms_conformance.report.text.summary import show
from kms_conformance.verdict.results import CheckResult

REPORTS = Path("reports/latest")


def report(*decided: samples.Decided) -> Report:
    return Report(tuple(TargetReport.of(*each) for each in decided))


def summary(shown: Report, width: int = 100, **options: Any) -> str:
    file = io.StringIO()
    show(shown, REPORTS, Screen(file=file, width=width, **options))
    return file.getvalue()


def test_a_summary_names_result_counts_failures_and_where_the_report_lies() -> None:
    assert summary(report(samples.nonconformant())).split("\n")[:19] == [
        "",
        "✗ otc-eu-de: nonconformant (tier standard)",
        "  huawei, profile otc, https://kms.eu-de.otc.example.com",
        "  4 of 109 MUST requirements that apply do not hold. 1 SHOULD requirement failed; this does not",
        "  change the result.",
        "  126\xa0passed · 5\xa0failed · 6\xa0not\xa0applicable",
        "  seed 20260115, 672 requests, 0 keys created, checks took 1 min 23 s",
        "",
        "  ✗ cancel.not-pending.enabled · MUST · 0c9864",
        "    Cancelling on an enabled key is refused with 400 KMS.1501 and changes nothing.",
        "    source    Huawei Cloud / Open Telekom Cloud, “Canceling the Scheduled Deletion of a CMK” ·",
        "              Function · sentence 2",
        f'    sent      POST /v1.0/{"0" * 32}/kms/cancel-key-deletion {{"key_id":',
        f'              "{samples.KEY}"}}',
        "    expected  400 KMS.1501",
        f'    received  200 {{"key_id": "{samples.KEY}", "key_state": "3"}}',
        "    seen in   sample::test_cancel_not-pending_enabled_fails",
        "    next      Check how the cancel operation reads the key's state, and which state it writes.",
        "    repeat    kms-conformance replay reports/latest 0c9864",
    ]
    assert summary(report(samples.nonconformant())).endswith(
        "\nreport   reports/latest/index.html\nresults  reports/latest/results.json\n"
    )


def test_open_questions_are_grouped_by_reason_with_their_next_step() -> None:
    text = summary(report(samples.mixed(), samples.conformant(samples.ALI)))
    assert "     6  The waiting period cannot be skipped: the target offers no time_control.\n" in text
    assert "        → An emulator can offer one" in text
    assert "     2  Not tested: no exchange of the run allowed a judgement.\n" in text
    assert "  checks that did not run to the end:\n     1  It did not run.\n        lifecycle::test_walks" in text
    assert "✓ ali-hangzhou: conformant (tier standard)\n" in text


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = summary(report(samples.nonconformant(), samples.mixed(), samples.inconclusive()), width)
    # A command stays in one piece, to be copied.
    assert max(len(line) for line in text.split("\n") if not line.startswith("    repeat ")) <= width


def test_only_ten_failures_are_listed_and_long_ones_cut() -> None:
    names = [entry.id for entry in samples.conformant()[0].requirements if entry.verdict == "passed"][:15]
    failing = [
        samples.failing(samples.OTC, name, failures=(Judgement(name, False, "x " * 500, "y\n" * 500, ()),))
        for name in names
    ]
    text = summary(report(samples.decided(samples.OTC, [*samples.passing(samples.OTC, names), *failing])))
    assert text.count(" · MUST") == 10
    assert "… and 5 more requirements in the report" in text
    assert len(text.split("\n")) < 180


def test_what_a_target_wrote_is_no_markup_and_moves_no_cursor() -> None:
    evil = "[red]not red[/red] [link=file:///x]x[/link] \x1b[2J\x07"
    failed = samples.failing(
        samples.OTC, "cancel.effect", failures=(Judgement("cancel.effect", False, evil, evil, ()),)
    )
    checks = [*samples.passing(samples.OTC, ["cancel.effect"]), failed]
    text = summary(report(samples.decided(samples.OTC, checks)), force_terminal=True, color_system="truecolor")
    assert "expected  [red]not red[/red] [link=file:///x]x[/link] \\x1b[2J\\x07" in text


def test_colour_is_for_terminals_that_want_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def text() -> str:
        return summary(report(samples.nonconformant()), force_terminal=True, color_system="truecolor")

    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[1;31m✗ otc-eu-de: nonconformant" in text()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in text()
    assert "\x1b[31m" not in text()


def test_a_terminal_with_ascii_alone_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    show(report(samples.mixed(), samples.conformant()), REPORTS, Screen(file=file, width=80))
    file.seek(0)
    assert "+ otc-eu-de: conformant" in file.read()


def cells(line: str) -> int:
    """How wide the last text is that a line of a terminal shows; escape sequences move the cursor alone."""
    return len(re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", line.rpartition("\r")[2]))


def progress(checks: list[CheckResult], planned: Counter[tuple[str, str]], **options: Any) -> str:
    file = io.StringIO()
    with Progress(Screen(file=file, **options), planned) as bar:
        for check in checks:
            bar.done(check)
    return file.getvalue()


def plan(checks: list[CheckResult]) -> Counter[tuple[str, str]]:
    return Counter((check.target, check.family) for check in checks)


def some() -> list[CheckResult]:
    window = [samples.check(samples.OTC, f"window::{number}") for number in range(3)]
    cancel = [samples.check(samples.ALI, f"cancel::{number}") for number in range(2)]
    return [
        window[0],
        replace(cancel[0], outcome="failed"),
        replace(window[1], outcome="inconclusive"),
        cancel[1],
        window[2],
    ]


def test_without_a_terminal_a_family_is_a_line_when_it_ends() -> None:
    assert progress(some(), plan(some()), width=80) == (
        "ali-hangzhou  cancel          2 checks, 1 failed\notc-eu-de  window          3 checks, 1 inconclusive\n"
    )


def test_a_family_that_did_not_end_is_a_line_at_the_end() -> None:
    assert progress(some()[:1], plan(some()), width=80) == "otc-eu-de  window          1 of 3 checks\n"


def test_plain_lines_are_no_wider_than_the_terminal() -> None:
    assert max(map(len, progress(some(), plan(some()), width=20).split("\n"))) <= 20


@pytest.mark.parametrize("width", [20, 40, 80])
def test_on_a_terminal_a_bar_shows_how_far_the_run_is(width: int) -> None:
    text = progress(some(), plan(some()), width=width, force_terminal=True, color_system=None, legacy_windows=False)
    assert "5/5" in text
    assert "window" in text or width < 80
    assert "1 failed" in text or width < 40
    assert max(map(cells, text.splitlines())) <= width
