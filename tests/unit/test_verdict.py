"""One verdict a requirement, and one for the whole: what decides, and what does not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from conformance.catalogue.requirements import Catalogue
from conformance.judge import Judgement
from conformance.results import CheckResult
from conformance.target import RpcAuth, Target
from conformance.verdict import Run, Verdict, decide, worst_exit_code

TARGET = Target("t", "alibaba", "http://127.0.0.1:1", RpcAuth("id-1234", "secret-1234"))
RUN = Run("smoke", 1, datetime(2026, 1, 1, tzinfo=UTC), 1.0)
CATALOGUE = Catalogue.load("alibaba")
ALL = {requirement.id: 1 for requirement in CATALOGUE}


def result(check: str = "a::b", **changes) -> CheckResult:
    basics = {"target": "t", "family": "a", "check": check, "title": "b", "outcome": "passed", "seconds": 0.0}
    return CheckResult(**(basics | {"productive": changes.get("passes", {})} | changes))


def verdict(*results: CheckResult, planned=None, waivers=None) -> Verdict:
    return decide(TARGET, results, RUN, planned or {}, waivers or {})


def of(found: Verdict, requirement: str) -> str:
    return next(entry.verdict for entry in found.requirements if entry.id == requirement)


def failure(requirement: str) -> Judgement:
    return Judgement(requirement, passed=False, expected="x", received="y")


def test_pass_that_never_reached_the_state_it_speaks_of_is_not_tested() -> None:
    found = verdict(result(passes=ALL, productive=ALL | {"cancel.effect": 0}))
    entry = next(entry for entry in found.requirements if entry.id == "cancel.effect")
    assert (entry.verdict, entry.judged, entry.productive) == ("not_tested", 1, 0)
    assert "pending_deletion" in entry.reason
    assert found.result == "inconclusive"


def test_all_passed_is_conformant() -> None:
    assert verdict(result(passes=ALL)).result == "conformant"


def test_one_failed_must_is_nonconformant_whatever_passed_elsewhere() -> None:
    found = verdict(result(passes=ALL), result("c::d", failures=(failure("cancel.effect"),)))
    assert (found.result, of(found, "cancel.effect")) == ("nonconformant", "failed")


def test_failed_should_is_shown_and_does_not_decide() -> None:
    found = verdict(result(passes=ALL), result("c::d", failures=(failure("cancel.date-cleared"),)))
    assert (found.result, of(found, "cancel.date-cleared")) == ("conformant", "failed")


def test_must_without_judgement_is_not_tested_and_leaves_the_whole_inconclusive() -> None:
    passes = {name: count for name, count in ALL.items() if name != "cancel.effect"}
    found = verdict(result(passes=passes))
    assert (found.result, of(found, "cancel.effect")) == ("inconclusive", "not_tested")


def test_planned_check_that_did_not_run_leaves_its_requirements_not_tested() -> None:
    found = verdict(result(passes=ALL), planned={"c::d": ["cancel.effect"]})
    assert (found.result, of(found, "cancel.effect")) == ("inconclusive", "not_tested")


def test_inconclusive_check_outweighs_a_pass_elsewhere() -> None:
    unclear = result("c::d", outcome="inconclusive", inconclusive=("cancel.effect",), reason="throttled")
    found = verdict(result(passes=ALL), unclear)
    assert (found.result, of(found, "cancel.effect")) == ("inconclusive", "inconclusive")


def test_waived_failure_does_not_decide() -> None:
    found = verdict(
        result(passes=ALL), result("c::d", failures=(failure("cancel.effect"),)), waivers={"cancel.effect": "known"}
    )
    assert (found.result, of(found, "cancel.effect")) == ("conformant", "waived")


def test_nothing_ran_is_inconclusive() -> None:
    assert verdict().result == "inconclusive"


def test_profile_decides_what_is_not_applicable() -> None:
    assert of(verdict(result(passes=ALL)), "cancel.imported-key") == "not_applicable"


@pytest.mark.parametrize(("codes", "worst"), [([0, 0], 0), ([0, 3], 3), ([3, 1, 0], 1), ([1, 2, 3], 2), ([], 3)])
def test_worst_of_several_targets_decides(codes: list[int], worst: int) -> None:
    assert worst_exit_code(codes) == worst
