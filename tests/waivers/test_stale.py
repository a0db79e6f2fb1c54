"""A waiver that had its time is told with what to do; one that may still be needed is left alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest

from kms_conformance.auth import TokenAuth
from kms_conformance.target import Target
from kms_conformance.verdict.decide import Run, decide
from kms_conformance.verdict.model import Verdict
from kms_conformance.verdict.results import CheckResult
from kms_conformance.verdict.waivers import Waiver
from kms_conformance.verdict.waivers.outdated import StaleWaiver, stale_waivers

TARGET = Target("otc", "huawei", "http://127.0.0.1:1", TokenAuth("t" * 20, "0" * 32))
TODAY = date(2026, 1, 15)


@cache
def _nothing() -> Verdict:
    result = CheckResult("otc", "a", "a::b", "b", "passed", 0.0)
    return decide(TARGET, [result], Run("smoke", 1, datetime(2026, 1, 15, tzinfo=UTC), 1.0), {})


def verdict(verdicts: Mapping[str, str], name: str = "otc") -> Verdict:
    """A verdict in which all passed but what is named."""
    made = tuple(
        entry if entry.verdict == "not_applicable" else replace(entry, verdict=verdicts.get(entry.id, "passed"))
        for entry in _nothing().requirements
    )
    return replace(_nothing(), name=name, requirements=made)


def found(waiver: Waiver, *verdicts: Verdict) -> tuple[StaleWaiver, ...]:
    return stale_waivers([waiver], verdicts, TODAY)


def made(requirement: str, expires: date = date.max, **scope) -> Waiver:
    return Waiver(requirement, "known", "storage team", expires, line=7, **scope)


@pytest.mark.parametrize(
    ("waiver", "why", "hint"),
    [
        (
            made("cancel.effect"),
            "Every requirement that it covers passed on otc.",
            "Remove line 7: it is no longer needed.",
        ),
        (
            made("cancel.uri", date(2026, 1, 14)),
            "It expired on 2026-01-14. cancel.uri still fails.",
            "Remove line 7, or agree on a later date with storage team.",
        ),
        (
            made("cancel.effect", date(2026, 1, 14)),
            "It expired on 2026-01-14. No requirement that it covers failed.",
            "Remove line 7, or agree",
        ),
        (made("delete-alias.*"), "It matches no requirement of otc.", "`dialect` or `targets`"),
        (made("disable.idempotent"), "It matches no requirement of otc.", "`dialect` or `targets`"),
        (made("auth.stale"), "No requirement with this id applies to otc.", "Remove line 7"),
        (
            made("cancel.effect", targets=("ot?",), dialect="huawei"),
            "Every requirement that it covers passed",
            "Remove line 7",
        ),
    ],
    ids=["needed no more", "expired", "expired and mended", "glob over nothing", "of another dialect", "n/a", "scoped"],
)
def test_a_stale_waiver_is_told_with_what_to_do(waiver: Waiver, why: str, hint: str) -> None:
    (problem,) = found(waiver, verdict({"cancel.uri": "failed"}))
    assert problem.why.startswith(why)
    assert hint in problem.next
    assert StaleWaiver.from_json(problem.to_json()) == problem


@pytest.mark.parametrize(
    ("waiver", "verdicts"),
    [
        (made("cancel.effect"), {"cancel.effect": "waived"}),
        (made("cancel.*"), {"cancel.uri": "waived"}),
        (made("cancel.effect"), {"cancel.effect": "not_tested"}),
        (made("cancel.effect"), {"cancel.effect": "inconclusive"}),
        (made("cancel.*"), {"cancel.uri": "not_tested"}),
        (made("cancel.effect", TODAY), {"cancel.effect": "waived"}),
        (made("cancel.effect", targets=("other",)), {}),
        (made("disable.idempotent", dialect="alibaba"), {}),
        (made("cancel.effect", date(2020, 1, 1), dialect="alibaba"), {}),
    ],
    ids=[
        "needed",
        "glob, needed once",
        "not tested",
        "inconclusive",
        "glob, one not tested",
        "last day",
        "another target",
        "another dialect",
        "expired elsewhere",
    ],
)
def test_a_waiver_that_may_be_needed_is_left_alone(waiver: Waiver, verdicts: Mapping[str, str]) -> None:
    assert found(waiver, verdict(verdicts)) == ()


def test_a_waiver_may_be_needed_at_a_higher_tier_that_asks_more() -> None:
    passing = verdict({}, "a")
    assert stale_waivers([made("cancel.effect")], [passing], date(2026, 1, 15), {"a": {"cancel.effect"}}) == ()
    assert stale_waivers([made("cancel.*")], [passing], date(2026, 1, 15), {"a": {"cancel.effect"}}) == ()
    assert (
        stale_waivers([made("cancel.effect")], [passing], date(2026, 1, 15), {"a": {"schedule.uri"}, "b": {"*"}}) != ()
    )


def test_a_waiver_is_needed_while_any_target_needs_it() -> None:
    passing, failing = verdict({}, "a"), verdict({"cancel.effect": "waived"}, "b")
    assert found(made("cancel.effect"), passing, failing) == ()
    assert found(made("cancel.effect", targets=("a",)), passing, failing) != ()
