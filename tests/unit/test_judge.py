"""What a check records, and that it cannot end well in silence."""

from __future__ import annotations

import pytest

from conformance.catalogue.requirements import Catalogue
from conformance.judge import Judge

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


def test_same_deviation_is_shown_once(judge: Judge) -> None:
    judge.that("cancel.effect", False, "x", "y", (1,))
    judge.that("cancel.effect", False, "x", "z", (2,))
    judge.that("cancel.effect", False, "other", "z", (3,))
    assert [failure.exchanges for failure in judge.failures] == [(1,), (3,)]


def test_pass_holds_no_evidence_and_a_failure_does(judge: Judge) -> None:
    judge.that("cancel.effect", True, "x", "x", (1,))
    judge.that("cancel.uri", False, "x", "y", (2,), "look there")
    assert judge.passes == {"cancel.effect": 1}
    assert (judge.failures[0].expected, judge.failures[0].received, judge.failures[0].hint) == ("x", "y", "look there")
