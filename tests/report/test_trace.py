"""What was executed, not what was declared, links a requirement with checks and exchanges."""

from __future__ import annotations

from dataclasses import replace

import sample_runs as samples

from kms_conformance.report.model import TargetReport
from kms_conformance.report.schemas import validate
from kms_conformance.report.trace import TracedExchange, document, traces


def report(run: samples.Decided) -> TargetReport:
    verdict, checks = run
    return TargetReport.of(verdict, checks)


def rows(run: samples.Decided, requirement: str):
    return [trace for trace in traces(report(run)) if trace.requirement == requirement]


def test_pass_names_the_exchange_that_proves_it() -> None:
    (row,) = rows(samples.conformant(), "cancel.effect")
    assert (row.passed, row.productive, row.failed, row.declared) == (3, 2, 0, True)
    assert row.exchanges == (TracedExchange(7, "CancelKeyDeletion → 200"),)


def test_failure_names_all_that_it_cites() -> None:
    (row,) = rows(samples.nonconformant(), "schedule.window.start")
    assert row.failed == 1
    assert [exchange.number for exchange in row.exchanges] == [21, 22]


def test_requirement_that_a_check_only_declares_has_no_row() -> None:
    verdict, checks = samples.conformant()
    silent = [replace(check, passes={}, productive={}, evidence={}) for check in checks]
    assert list(traces(report((verdict, silent)))) == []


def test_what_another_check_judged_in_passing_is_told_from_what_it_is_made_for() -> None:
    verdict, checks = samples.conformant()
    passing = replace(checks[1], passes={"cancel.effect": 1}, productive={"cancel.effect": 1})
    found = {row.check: row.declared for row in rows((verdict, [checks[0], passing]), "cancel.effect")}
    assert found == {checks[0].check: True, checks[1].check: False}


def test_requirements_that_nothing_judged_stand_apart() -> None:
    found = document(report(samples.conformant()))
    validate(found, "traceability", "traceability.json")
    assert found["not_judged"]["auth.token-from-iam"] == "not_applicable"
    assert "cancel.effect" not in found["not_judged"]
