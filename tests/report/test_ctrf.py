"""CTRF: valid by its published schema, the same cases as JUnit, red exactly where the exit code is."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import sample_runs as samples
from defusedxml.ElementTree import fromstring
from test_page import hostile

from kms_conformance.report.ci import ctrf, junit
from kms_conformance.report.html.page import pages
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.store import scrubbed
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.outdated import StaleWaiver

SCHEMA = json.loads((Path(__file__).parent / "ctrf" / "ctrf.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema_rs.Draft7Validator(SCHEMA, validate_formats=True)
STALE = StaleWaiver(Waiver("cancel.effect", "why", "me", date(2026, 1, 1), line=3), "It expired.", "Take it out.")


def report_of(*decided: samples.Decided, stale: tuple[StaleWaiver, ...] = ()) -> Report:
    return scrubbed(Report(tuple(TargetReport.of(*each) for each in decided), stale))


def document(report: Report) -> dict[str, Any]:
    found = json.loads(ctrf.render_pages(pages(report), report.stale))
    VALIDATOR.validate(found)
    assert isinstance(found, dict)
    return found


RUNS = {
    "conformant": report_of(samples.conformant()),
    "nonconformant": report_of(samples.nonconformant()),
    "inconclusive": report_of(samples.inconclusive()),
    "several": report_of(samples.mixed(), samples.conformant(samples.ALI)),
    "hostile": report_of(hostile()),
    "stale waiver": report_of(samples.conformant(), stale=(STALE,)),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_document_is_valid_and_has_the_cases_of_junit(name: str) -> None:
    report = RUNS[name]
    found = document(report)
    cases = list(fromstring(junit.render(report)).iter("testcase"))
    assert [test["name"] for test in found["results"]["tests"]] == [case.get("name") for case in cases]
    red = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    summary = found["results"]["summary"]
    assert summary["failed"] == len(red)
    assert (summary["failed"] > 0) == (report.exit_code != 0)


@pytest.mark.parametrize("name", RUNS)
def test_the_summary_counts_the_tests_and_no_test_id_stands_twice(name: str) -> None:
    results = document(RUNS[name])["results"]
    counted = Counter(test["status"] for test in results["tests"])
    summary = results["summary"]
    assert summary["tests"] == len(results["tests"])
    statuses = ("passed", "failed", "skipped", "pending", "other")
    assert {status: summary[status] for status in statuses} == {status: counted[status] for status in statuses}
    assert summary["stop"] - summary["start"] == summary["duration"]
    ids = Counter(test["testId"] for test in results["tests"])
    assert max(ids.values()) == 1


def test_an_error_is_failed_and_says_that_it_is_an_error() -> None:
    tests = document(RUNS["inconclusive"])["results"]["tests"]
    raw = {test["rawStatus"].partition(" ")[0]: test["status"] for test in tests if "rawStatus" in test}
    assert raw == {"error": "failed", "skipped": "skipped"}


def test_a_failure_has_its_clause_its_id_for_replay_and_its_requirements() -> None:
    verdict, checks = samples.nonconformant()
    failed = next(check for check in checks if check.failures and check.declared == ("cancel.not-pending.enabled",))
    tests = document(report_of((verdict, checks)))["results"]["tests"]
    test = next(test for test in tests if test.get("extra", {}).get("check") == failed.check)
    assert test["message"].startswith("cancel.not-pending.enabled (MUST): ")
    assert "expected" in test["trace"]
    assert test["extra"]["failures"] == [failed.failure_id(failed.failures[0])]
    assert test["tags"] == ["cancel.not-pending.enabled"]
    assert test["suite"] == ["otc-eu-de", failed.family]


def test_ids_stay_the_same_from_run_to_run() -> None:
    verdict, checks = samples.conformant()
    later = (replace(verdict, started="2026-02-15T09:30:12Z", seed=7), checks)
    ids = [
        {test["testId"] for test in document(report_of(run))["results"]["tests"]} for run in (later, (verdict, checks))
    ]
    assert ids[0] == ids[1]
    assert document(report_of(later))["reportId"] != document(RUNS["conformant"])["reportId"]
