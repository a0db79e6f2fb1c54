"""Command `selftest`: exit codes, JSON report, page and terminal output."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from kms_conformance import cli
from kms_conformance.apps.selftest import plan
from kms_conformance.apps.selftest.trial import Subject, Trial
from kms_conformance.core import specs


def selftest(*arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kms-conformance", "selftest", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_report_is_written_and_promises_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "power.json"
    code = selftest(
        "-k", "nothing-listening-huawei", "-n", "1", "--all", "--json", str(written), "--page", str(tmp_path / "p.md")
    )
    assert code == 0, capsys.readouterr().out
    report = json.loads(written.read_text())
    schema = json.loads((specs.SPECS / "schemas" / "power.schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(report)
    assert [trial["subject"]["name"] for trial in report["trials"]] == ["nothing-listening"]
    assert not report["origin"]["complete"]
    page = (tmp_path / "p.md").read_text()
    assert "# Measured power" in page
    assert str(tmp_path) not in page + written.read_text()
    assert "All promised figures hold." in capsys.readouterr().out


def test_trial_that_goes_wrong_is_shown_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def survived(task: plan.Task) -> Trial:
        subject = Subject("fault", task.name, task.dialect, "window", "critical")
        return Trial(subject, "smoke", 1, False, 0, (), "survived", 0.1, 1, None)

    monkeypatch.setattr(plan.Task, "run", survived)
    assert selftest("--all", "-k", "fault-window-below-minimum-accepted", "-n", "1") == 1
    said = capsys.readouterr().out
    assert "fault window-below-minimum-accepted" in said
    assert "does not hold:" in said


def test_blind_sets_are_shown_beside_their_first_results_and_promise_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def survived(task: plan.Task) -> Trial:
        subject = Subject(task.kind, task.name, task.dialect, "blind")
        return Trial(subject, "smoke", 1, True, 0, (), "not detected", 0.1, 1, None)

    monkeypatch.setattr(plan.Task, "run", survived)
    assert selftest("--blind", "-k", "fault-blind-open-list-huawei", "-n", "1") == 0
    said = capsys.readouterr().out
    assert "huawei: 0 of 1 faults written blind detected; at first look" in said
    assert "left alone" not in said
    assert selftest("--blind", "-k", "fault-blind-open-list-huawei", "--page", "page.md") == 2


def test_trial_that_breaks_counts_against_the_harness(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(task: plan.Task) -> Trial:
        raise RuntimeError("no port is left")

    monkeypatch.setattr(plan.Task, "run", broken)
    assert selftest("--all", "-k", "null-not-http", "-n", "1") == 1
    assert "RuntimeError: no port is left" in capsys.readouterr().out


def test_only_what_went_wrong_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problems = {"aws": "", "huawei": "survived", "alibaba": ""}

    def tried(task: plan.Task) -> Trial:
        subject = Subject("fault", task.name, task.dialect, "window", "critical")
        return Trial(subject, "smoke", 1, True, 0, ("reply.status",), problems[task.dialect], 0.1, 1, None)

    monkeypatch.setattr(plan.Task, "run", tried)
    chosen = ("--all", "-n", "1", "--seed", "1", "-k", "fault-window-below-minimum-accepted")
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert selftest(*chosen, "--json", str(first)) == 1
    problems |= {"huawei": "", "alibaba": "must not be asked again", "aws": "nor must this one"}
    assert selftest(*chosen, "--again", str(first), "--json", str(second)) == 0, capsys.readouterr().out
    found = json.loads(second.read_text())["trials"]
    assert [trial["subject"]["dialect"] for trial in found] == ["alibaba", "aws", "huawei"]


def test_report_that_is_none_cannot_be_continued(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text("{}")
    assert selftest("--again", str(tmp_path / "other.json")) == 2
    assert "is not a power report" in capsys.readouterr().err


def test_name_that_no_trial_has_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest("--all", "-k", "no-such-trial") == 2
    assert "no-such-trial" in capsys.readouterr().err


def test_processes_of_trials_are_forked_where_no_thread_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python warns of forks beside threads from 3.12 on; the progress bar must not use a refresh thread."""
    found: list[list[threading.Thread]] = []
    before = threading.enumerate()

    def noted(tasks: object, processes: int) -> Iterator[Trial]:
        found.append([thread for thread in threading.enumerate() if thread not in before])
        return iter(())

    monkeypatch.setattr(plan, "run_tasks", noted)
    selftest("--all", "-k", "nothing-listening-huawei", "-n", "1")
    assert found == [[]]


OWN = """
from kms_conformance.apps.selftest.own import Decisions, Fault

class Broken(Decisions):
    def shown(self, operation, key, now):
        raise LookupError("a bug of the user")

FAULTS = (
    Fault(name="same-as-ever", title="Nothing is different.", dialects=("huawei",)),
    Fault(name="buggy", title="The user's class fails.", dialects=("huawei",), decisions=(Broken,)),
)
"""


def test_own_faults_that_are_not_found_end_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "own.py").write_text(OWN)
    known = plan.Task.run

    def tried(task: plan.Task) -> Trial:
        if task.name != "same-as-ever":
            return known(task)
        subject = Subject("own", task.name, task.dialect, "own", "major")
        return Trial(subject, "smoke", 1, True, 0, (), "not detected", 0.1, 1, None)

    monkeypatch.setattr(plan.Task, "run", tried)
    written = tmp_path / "own.json"
    assert selftest("--faults", str(tmp_path / "own.py"), "-n", "1", "--json", str(written)) == 1
    captured = capsys.readouterr()
    assert "same-as-ever  huawei   smoke  survived" in captured.out
    assert "buggy         huawei   smoke  could not be tried" in captured.out
    assert "LookupError: a bug of the user, in line" in captured.out
    assert "0 of 2 runs with the expected result" in captured.out
    assert "Traceback" not in captured.out + captured.err
    schema = json.loads((specs.SPECS / "schemas" / "power.schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(json.loads(written.read_text()))


def test_wrong_file_of_faults_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.py").write_text("FAULTS = 7\n")
    assert selftest("--faults", str(tmp_path / "own.py")) == 2
    told = capsys.readouterr().err
    assert "must be a tuple or list of Fault objects" in told
    assert "Traceback" not in told
    assert selftest("--faults", str(tmp_path / "missing.py")) == 2
    assert selftest("--faults", str(tmp_path / "own.py"), "--all") == 2
    assert selftest("--generated", "--page", str(tmp_path / "page.md")) == 2


def test_generated_faults_are_shown_with_what_was_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tried(task: plan.Task) -> Trial:
        subject = Subject("generated", task.name, task.dialect, "accepts", "major")
        return Trial(subject, "smoke", 1, True, 1, ("reply.status",), "", 0.1, 1, None)

    monkeypatch.setattr(plan.Task, "run", tried)
    written = tmp_path / "generated.json"
    assert selftest("--generated", "--count", "2", "--seed", "1", "-n", "1", "--json", str(written)) == 0
    said = capsys.readouterr().out
    assert "huawei: 2 of 2 generated faults detected, 2 of them at smoke" in said
    assert "combinations left out: the profile admits this answer" in said
    report = json.loads(written.read_text())
    schema = json.loads((specs.SPECS / "schemas" / "power.schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(report)
    assert report["generated"]["huawei"]["all"]["faults"] == 2
