"""A run that stops after what had failed before: it is never conformant, and it needs something that had failed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sample_runs as samples

from kms_conformance.report.consistency import problems_of_verdict
from kms_conformance.report.files import ReportError
from kms_conformance.report.model import Report, TargetReport
from kms_conformance.report.red import checks_not_passed, red_requirements
from kms_conformance.run.first_checks import FirstChecks
from kms_conformance.verdict.decide import Circumstances, decide


def test_it_is_not_conformant_although_every_check_ran_and_passed() -> None:
    _, checks = samples.conformant()
    planned = {result.check: result.declared for result in checks}
    confined = Circumstances(filters={"failed": "--only"})
    assert decide(samples.OTC, checks, samples.RUN, planned).result == "conformant"
    assert decide(samples.OTC, checks, samples.RUN, planned, beside=confined).result == "inconclusive"


def test_a_file_that_calls_it_conformant_is_refused() -> None:
    verdict, _ = samples.conformant()
    assert list(problems_of_verdict(replace(verdict, filters={"failed": "--only"}))) == [
        "The result is conformant, but its requirements and checks make it inconclusive."
    ]


def test_waived_failures_and_those_of_a_should_are_asked_again_but_are_not_red() -> None:
    target = TargetReport.of(*samples.nonconformant())
    failed = {check.check for check in target.checks if check.failures}
    assert failed <= set(checks_not_passed(target))
    musts = {entry.id for entry in target.verdict.with_verdict("failed") if entry.level == "MUST"}
    assert red_requirements(target) == musts
    assert len(musts) < len(target.verdict.with_verdict("failed"))


def test_a_folder_without_red_checks_or_without_the_target_is_a_mistake() -> None:
    report = Report((TargetReport.of(*samples.conformant()),))
    with pytest.raises(ReportError, match="no check that failed or was open"):
        FirstChecks.of_report(report, Path("out"), only=True)
    first = FirstChecks.of_report(report, Path("out"))
    assert first.settings is None
    first.refuse_unknown((samples.OTC.name,))
    with pytest.raises(ReportError, match="out has no results of other"):
        first.refuse_unknown((samples.OTC.name, "other"))
