"""Figures of the power report follow from its trials, and what is promised and does not hold is said."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs

from kms_conformance.apps.selftest.page import page
from kms_conformance.apps.selftest.power import Origin, Power, Score
from kms_conformance.apps.selftest.trial import FirstFailure, Subject, Trial
from kms_conformance.core import specs
from kms_conformance.verdict.results import CheckResult

ORIGIN = Origin("2026-01-15", "0123456789ab", "1.0", "kms-conformance selftest", 7, complete=True)
FIRST = FirstFailure(0.5, 40, "cancel")


def fault(
    name: str, *, accused=("cancel.effect",), problem="", severity="critical", tier="smoke", first=FIRST
) -> Trial:
    subject = Subject("fault", name, "huawei", "cancel", severity)
    return Trial(subject, tier, 1, True, 1 if accused else 0, accused, problem, 2.0, 700, first if accused else None)


def pair(name: str, problem: str = "") -> Trial:
    accused = () if problem else ("cancel.effect",)
    subject = Subject("pair", f"{name} + flapping", "huawei", "flapping", "critical")
    return Trial(subject, "smoke", 1, True, 1, accused, problem, 2.0, 700, FIRST)


def other(kind: str, name: str, problem: str = "") -> Trial:
    subject = Subject(kind, name, "huawei", "compound" if kind == "variant" else kind)
    return Trial(subject, "smoke", 1, True, 0, ("reply.status",) if problem else (), problem, 2.0, 700, None)


SURVIVED = fault("quiet", accused=(), problem="not detected")
WRONGLY = fault("misread", problem="failed instead of cancel.effect: reply.status", severity="minor")
LATE = fault("late", tier="standard", first=FirstFailure(9.0, 3000, "fuzzing"))


def power(*trials: Trial) -> Power:
    return Power(ORIGIN, trials)


def test_killed_is_not_yet_rightly_killed() -> None:
    assert power(fault("seen"), SURVIVED, WRONGLY, LATE).faults() == Score(faults=4, killed=3, right=2, at_smoke=2)
    assert power(fault("seen"), WRONGLY).faults("huawei", "critical") == Score(1, 1, 1, 1)


def test_critical_fault_that_survives_breaks_a_promise() -> None:
    broken = power(*map(fault, map(str, range(99))), SURVIVED).broken_promises()
    assert broken == ["huawei: 99 of 100 critical faults detected; the minimum is 100 %."]


def test_one_minor_fault_in_a_hundred_may_be_killed_for_a_wrong_reason() -> None:
    seen = [fault(str(number)) for number in range(99)]
    assert power(*seen, WRONGLY).broken_promises() == []


def test_critical_faults_that_only_the_longer_tier_shows_break_a_promise() -> None:
    assert power(fault("seen"), LATE).broken_promises() == [
        "huawei: 1 of 2 critical faults detected at smoke; the minimum is 80 %."
    ]


def test_faults_of_lagging_emulators_are_counted_apart() -> None:
    tried = power(fault("seen"), *(pair(str(number)) for number in range(9)), pair("quiet", "not detected"))
    assert tried.faults("huawei") == Score(1, 1, 1, 1)
    assert tried.faults("huawei", kind="pair") == tried.faults(group="flapping", kind="pair") == Score(10, 9, 9, 9)
    detected, expected = tried.broken_promises()
    assert detected == "huawei: 9 of 10 faults of lagging emulators detected; the minimum is 98 %."
    assert expected.startswith("huawei: 9 of 10 faults of lagging emulators detected with the expected requirement")


def test_accused_variant_and_passing_null_break_a_promise_each() -> None:
    broken = power(other("variant", "a + b", "reply.status is failed: x"), other("null", "dead", "passed: x"))
    assert [text.partition(":")[0] for text in broken.broken_promises()] == [
        "variant a + b at huawei, smoke, seed 1",
        "null dead at huawei, smoke, seed 1",
    ]


def test_medians_are_of_what_was_reported() -> None:
    assert power(fault("seen"), LATE, SURVIVED).first_report() == (4.75, 1520)
    assert power(SURVIVED).first_report() == (0.0, 0.0)


def test_report_is_valid_and_reads_back() -> None:
    whole = power(fault("seen"), SURVIVED, LATE, pair("seen"), other("variant", "a"), other("null", "dead"))
    raw = json.loads(json.dumps(whole.to_json()))
    schema = json.loads((specs.SPECS / "schemas" / "power.schema.json").read_text())
    jsonschema_rs.Draft202012Validator(schema).validate(raw)
    assert Power.from_json(raw).to_json() == whole.to_json()


def test_page_says_where_its_figures_come_from_and_what_does_not_hold() -> None:
    lagging = Subject("variant", "lag-steady-0.7", "huawei", "lagging")
    trials = (other("variant", "a"), replace(other("variant", "b"), subject=lagging), other("null", "dead"))
    text = page(power(fault("seen"), SURVIVED, pair("seen"), *trials))
    assert "    kms-conformance selftest\n" in text
    assert "commit `0123456789ab`" in text
    assert "| huawei | critical | 2 | 1 (50.0 %) |" in text
    assert "| huawei | 1 | 1 (100 %) | 1 (100 %) | 1 (100 %) |" in text
    assert "| flapping | 1 | 1 (100 %) | 1 (100 %) | 1 (100 %) |" in text
    assert "- 1 variants that lag for less than the settle time of their profile,\n  in 1 runs: 0 with" in text
    assert "- fault quiet at huawei, smoke, seed 1: not detected" in text


def test_first_failure_counts_what_was_asked_before_it() -> None:
    def check(family: str, outcome: str) -> CheckResult:
        return CheckResult("t", family, f"{family}::x", "x", outcome, 0.25, requests=10)

    passed, failed = check("entry", "passed"), check("cancel", "failed")
    assert FirstFailure.of([passed, failed, passed]) == FirstFailure(0.5, 20, "cancel")
    assert FirstFailure.of([passed, check("states", "inconclusive")]) is None
