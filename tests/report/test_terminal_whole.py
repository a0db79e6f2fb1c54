"""All that a stranger sees of a run at 80 columns: one that passes, one with deviations, one that is inconclusive."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import sample_runs as samples

from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.text.screen import Progress, Screen
from kms_conformance.run.terminal import Terminal
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.outdated import StaleWaiver

GOLDEN = Path(__file__).parent / "golden"
OLD = Waiver("cancel.bad-sequence", "Known.", "storage team", date(2026, 1, 1), line=7)
STALE = StaleWaiver(
    OLD,
    "It expired on 2026-01-01. No requirement that it covers failed.",
    "Remove line 7, or agree on a later date with storage team.",
)
RUNS = {
    "conformant": Report((TargetReport.of(*samples.conformant()),)),
    "deviations": Report((TargetReport.of(*samples.three()),)),
    "inconclusive": Report((TargetReport.of(*samples.inconclusive()),)),
    "several": Report((TargetReport.of(*samples.mixed()), TargetReport.of(*samples.conformant(samples.ALI))), (STALE,)),
}


def shown(report: Report, **options: object) -> str:
    """What a run prints on a console of 80 columns."""
    file = io.StringIO()
    checks = {f"{n}": check for n, check in enumerate(check for target in report.targets for check in target.checks)}
    controller = SimpleNamespace(
        targets=[target.verdict for target in report.targets],
        report=report,
        unwritten="",
        reports=Path("reports/latest"),
        clean=str,
        place=lambda node_id: (checks[node_id].target, checks[node_id]),
        unscheduled_keys=lambda: (),
    )
    terminal = Terminal(controller, Screen(file=file, width=80, **options))
    terminal.pytest_collection_finish(SimpleNamespace(items=[SimpleNamespace(nodeid=node_id) for node_id in checks]))
    for check in checks.values():
        terminal.pytest_runtest_logreport(SimpleNamespace(kms=check.to_json(), failed=check.outcome != "passed"))
    terminal.pytest_unconfigure()
    return file.getvalue()


@pytest.mark.parametrize("name", RUNS)
def test_what_a_run_shows_is_what_was_agreed_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    text = shown(RUNS[name], color_system=None)
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert max(len(line) for line in text.split("\n")) <= 80


def test_without_colour_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    coloured = shown(RUNS["deviations"], force_terminal=True, color_system="standard", legacy_windows=False)
    assert "\x1b[31m" in coloured
    for line in (GOLDEN / "deviations.txt").read_text(encoding="utf-8").split("\n"):
        if line.startswith("    "):
            assert line in coloured


def test_github_is_told_of_each_failure_and_obeys_no_target(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    failure = samples.failing(samples.OTC, "cancel.effect").failures[0]
    evil = f"100% {'x' * 60} ::error::owned\n::set-env name=a::b"
    failed = samples.failing(
        samples.OTC, "cancel.effect", failures=(replace(failure, received=evil, expected="a, b: c"),)
    )
    checks = [*samples.passing(samples.OTC, ["cancel.effect"]), failed]
    text = shown(Report((TargetReport.of(*samples.decided(samples.OTC, checks)),), (STALE,)), color_system=None)
    orders = [line for line in text.split("\n") if line.lstrip().startswith("::")]
    received = f"100%25 {'x' * 60} ::error::owned ::set-env name=a::b"
    assert orders == [
        f"::error title=otc-eu-de · cancel.effect::expected a, b: c; received {received}",
        f"::error title=waiver out of date · cancel.bad-sequence::{STALE.why} {STALE.next}",
    ]
    assert "| ::error::owned" in text


def test_the_first_failure_is_shown_when_it_is_found_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    words = "the first failure at"
    assert words not in shown(RUNS["deviations"], color_system=None)
    on_terminal = shown(RUNS["deviations"], force_terminal=True, color_system=None, legacy_windows=False)
    assert on_terminal.count(words) == 1
    assert on_terminal.index(words) < on_terminal.index("nonconformant")


def test_checks_that_fail_a_should_alone_are_counted_apart() -> None:
    file = io.StringIO()
    check = next(check for check in RUNS["deviations"].targets[0].checks if check.failures)
    with Progress(Screen(file=file, width=80), {(check.target, check.family): 2}) as progress:
        progress.done(check, decides=False)
        progress.done(check)
    assert file.getvalue().endswith("2 checks, 1 failed, 1 failed without effect\n")
