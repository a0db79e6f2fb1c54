"""What a check records, and that it cannot end well in silence."""

from __future__ import annotations

import pytest

from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.client.findings import Findings
from kms_conformance.client.judge import Inconclusive, Judge, Judgement, Passes, StateRead

CATALOGUE = Catalogue.load("huawei")


@pytest.fixture
def judge() -> Judge:
    return Judge(CATALOGUE, frozenset({"cancel.effect", "cancel.uri"}), frozenset({"cancel.effect", "cancel.uri"}))


def test_declared_requirement_stays_unjudged_until_it_is_judged(judge: Judge) -> None:
    judge.that("cancel.effect", True, "", "")
    assert judge.unjudged == {"cancel.uri"}


def test_requirement_that_does_not_apply_is_not_recorded(judge: Judge) -> None:
    assert judge.that("schedule.reply.xml", False, "x", "y") is False
    assert (judge.failures, judge.judged) == ([], frozenset())


def test_a_failure_tells_what_its_request_has_that_an_ordinary_one_has_not(judge: Judge) -> None:
    with judge.noting("cancel.uri", "A parameter was added."):
        judge.that("cancel.effect", False, "x", "y")
        judge.that("cancel.uri", False, "x", "y", hint="Days are 24 hours.")
        judge.that("cancel.uri", False, "other", "y")
    judge.that("cancel.uri", False, "later", "y")
    hints = ["", "A parameter was added. Days are 24 hours.", "A parameter was added.", ""]
    assert [failure.hint for failure in judge.failures] == hints


def test_same_deviation_is_shown_once(judge: Judge) -> None:
    judge.that("cancel.effect", False, "x", "y", (1,))
    judge.that("cancel.effect", False, "x", "z", (2,))
    judge.that("cancel.effect", False, "other", "z", (3,))
    assert [failure.exchanges for failure in judge.failures] == [(1,), (3,)]


def test_pass_counts_as_proof_once_a_key_was_read_in_the_state_it_speaks_of(judge: Judge) -> None:
    judge.that("cancel.effect", True, "x", "x", (1,))
    judge.record([StateRead("enabled")])
    judge.that("cancel.effect", True, "x", "x", (2,))
    assert judge.passes["cancel.effect"] == Passes(count=2, productive=0)
    judge.record([StateRead("pending_deletion")])
    judge.that("cancel.effect", True, "x", "x", (3, 4))
    assert judge.passes["cancel.effect"] == Passes(count=3, productive=1, exchanges=[4])


def test_pass_that_names_no_exchange_rests_on_the_latest() -> None:
    judge = Judge(CATALOGUE, frozenset({"reply.status"}), latest=lambda: 7)
    judge.holds("reply.status")
    assert judge.passes["reply.status"].exchanges == [7]


def test_only_the_first_exchanges_of_a_pass_are_kept_each_once() -> None:
    judge = Judge(CATALOGUE, frozenset({"reply.status"}))
    for number in (1, 1, 2, 3, 4):
        judge.that("reply.status", True, "x", "x", (number,))
    assert judge.passes["reply.status"] == Passes(count=5, productive=5, exchanges=[1, 2, 3])


def test_failure_needs_no_state_to_have_been_reached(judge: Judge) -> None:
    judge.that("cancel.uri", False, "x", "y", (2,), "look there")
    assert (judge.failures[0].expected, judge.failures[0].received, judge.failures[0].hint) == ("x", "y", "look there")


def test_all_that_is_said_of_a_failure_is_cleaned_of_secrets() -> None:
    hidden = Judge(CATALOGUE, frozenset({"cancel.uri"}), clean=lambda text: text.replace("s3cret", "***"))
    hidden.that("cancel.uri", False, "not s3cret", "s3cret!", (2,), "look for s3cret")
    assert hidden.failures == [Judgement("cancel.uri", False, "not ***", "***!", (2,), "look for ***")]


def test_judging_tells_whether_the_requirement_holds(judge: Judge) -> None:
    assert judge.that("cancel.effect", True, "", "") is True
    assert judge.that("cancel.uri", False, "x", "y") is False


def test_what_held_is_counted_by_requirement(judge: Judge) -> None:
    for _ in range(2):
        judge.holds("cancel.effect")
    judge.that("cancel.effect", True, "", "")
    judge.holds("cancel.uri")
    assert {name: passes.count for name, passes in judge.passes.items()} == {"cancel.effect": 3, "cancel.uri": 1}
    assert judge.failures == []


def test_a_broken_requirement_keeps_what_was_expected_received_and_cited(judge: Judge) -> None:
    judge.breaks("cancel.effect", 400, 404, (4, 5))
    judge.that("cancel.uri", False, 400, None)
    assert judge.failures == [
        Judgement("cancel.effect", passed=False, expected="400", received="404", exchanges=(4, 5)),
        Judgement("cancel.uri", passed=False, expected="400", received="None"),
    ]


def test_a_judgement_that_does_not_apply_hides_none_that_comes_after_it(judge: Judge) -> None:
    failed = Judgement("cancel.uri", passed=False)
    judge.record([Judgement("schedule.twice", passed=False), failed, Judgement("cancel.effect", passed=True)])
    assert (judge.failures, set(judge.passes)) == ([failed], {"cancel.effect"})


def test_failed_requirement_is_judged_and_one_that_does_not_apply_is_not_missed() -> None:
    judge = Judge(CATALOGUE, frozenset({"cancel.uri", "cancel.effect"}), frozenset({"cancel.uri", "schedule.twice"}))
    assert judge.unjudged == {"cancel.uri"}
    judge.breaks("cancel.uri", "x", "y")
    judge.holds("cancel.effect")
    assert (judge.unjudged, judge.judged) == (frozenset(), {"cancel.uri", "cancel.effect"})


def test_failures_of_two_requirements_that_expect_the_same_are_both_shown(judge: Judge) -> None:
    judge.breaks("cancel.effect", "x", "y")
    judge.breaks("cancel.uri", "x", "y")
    assert [failure.requirement for failure in judge.failures] == ["cancel.effect", "cancel.uri"]


def test_why_a_check_could_not_be_made_ends_with_what_to_do() -> None:
    assert str(Inconclusive("It is throttled.", "Lower the rate.")) == "It is throttled.\nLower the rate."
    alone = Inconclusive("It is throttled.")
    assert (str(alone), alone.reason, alone.hint) == ("It is throttled.", "It is throttled.", "")


def test_accepted_answers_that_came_are_noted_for_what_applies(judge: Judge) -> None:
    for answer in ("400 KMS.0309", "404 KMS.0301", "400 KMS.0309"):
        judge.observe("cancel.effect", answer, "malformed_key")
    judge.observe("schedule.reply.xml", "400 x", "malformed_key")
    assert judge.observed == {"cancel.effect": {"400 KMS.0309", "404 KMS.0301"}}
    assert judge.refusals == {"cancel.effect": "malformed_key"}


def test_only_a_failed_obligation_breaks_what_follows() -> None:
    judge = Judge(CATALOGUE, frozenset({"cancel.date-cleared", "cancel.effect"}))
    assert not judge.broken
    judge.that("cancel.date-cleared", False, "x", "y")
    assert not judge.broken
    judge.that("cancel.effect", False, "x", "y")
    assert judge.broken


def findings(*, kept: bool = True) -> Findings:
    return Findings(lambda text: text.replace("hunter2", "…"), lambda: 7, kept=kept)


def test_findings_are_recorded_before_anything_else_in_the_order_in_which_they_were_made() -> None:
    found = findings()
    judge = Judge(CATALOGUE, frozenset({"cancel.effect", "list.complete"}), take=found.take)
    found.record([Judgement("cancel.effect", passed=True, exchanges=(1,))])
    found.was_read("pending_deletion")
    found.holds("list.complete")
    judge.that("cancel.effect", True, "x", "x", (2,))
    assert judge.passes["cancel.effect"] == Passes(count=2, productive=1, exchanges=[2])
    assert judge.passes["list.complete"].exchanges == [7]


def test_findings_hold_no_secret_and_each_goes_to_one_judge_once() -> None:
    found = findings()
    judge = Judge(CATALOGUE, frozenset({"cancel.effect"}), take=found.take)
    found.breaks("cancel.effect", "x", "it says hunter2", (3,))
    found.observe("schedule: hunter2")
    for _ in range(2):
        assert [failure.received for failure in judge.failures] == ["it says …"]
        assert judge.observations == {"schedule: …": 1}
    assert tuple(found.take()) == ()


def test_a_signal_while_findings_are_taken_over_loses_none() -> None:
    found = findings()

    class Interrupted(Judge):
        def _enter(self, finding: object) -> None:
            if not interrupted:
                interrupted.append(finding)
                raise KeyboardInterrupt
            super()._enter(finding)  # type: ignore[arg-type]

    interrupted: list[object] = []
    judge = Interrupted(CATALOGUE, frozenset({"cancel.effect"}), take=found.take)
    found.breaks("cancel.effect", "x", "y", (3,))
    with pytest.raises(KeyboardInterrupt):
        judge.failures  # noqa: B018 - reading takes the findings over
    assert [failure.requirement for failure in judge.failures] == ["cancel.effect"]


def test_outside_of_checks_nothing_is_found() -> None:
    found = findings(kept=False)
    found.record(pytest.fail("nothing is examined") for _ in range(1))
    found.was_read("enabled")
    found.observe("schedule")
    assert tuple(found.take()) == ()
