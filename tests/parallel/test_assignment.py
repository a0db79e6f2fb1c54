"""The division of one target's checks: each in one place, those that bear no others alone."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

import pytest

from kms_conformance.core import specs
from kms_conformance.run.parallel.assignment import Assignment, assign, keys_for, most_processes
from kms_conformance.run.shards.durations import load
from kms_conformance.suite.checks import SuiteCheck, all_checks, functions
from kms_conformance.target import Limits, Target
from kms_conformance.target.registry import ways_of

CLOCK = "http://127.0.0.1:1/clock"


def target(dialect: str, clock: str | None = CLOCK, keys: int = 6) -> Target:
    way = ways_of(dialect)[0]
    auth = way(**dict.fromkeys(way.key_names(), "x"))
    return Target("t", dialect, "http://127.0.0.1:1", auth, time_control=clock, limits=Limits(max_keys=keys))


def divided(dialect: str, clock: str | None = CLOCK, of: int = 2) -> tuple[Sequence[SuiteCheck], Assignment]:
    checks = all_checks(dialect)
    keys = keys_for(of)
    made = target(dialect, clock, keys)
    return checks, assign(checks, made, "nightly", of, load(None, dialect, "standard"))


@pytest.mark.parametrize("of", [2, 5])
@pytest.mark.parametrize("dialect", specs.dialects())
def test_each_check_is_in_one_place(dialect: str, of: int) -> None:
    checks, found = divided(dialect, of=of)
    places = [found.first, *found.parts, found.last]
    assert sum(map(len, places)) == len(frozenset().union(*places)) == len(checks)
    assert all(found.parts)
    assert found.brief in found.parts[0]
    assert found == divided(dialect, of=of)[1]


@pytest.mark.parametrize("dialect", specs.dialects())
def test_all_keys_together_are_as_many_as_allowed(dialect: str) -> None:
    for of in (2, 5):
        found = divided(dialect, of=of)[1]
        assert sum(found.keys) == keys_for(of)
        assert min(found.keys) == 2
        assert most_processes(target(dialect, keys=keys_for(of)), "nightly") == of


def test_parts_take_about_as_long() -> None:
    for dialect in specs.dialects():
        seconds = load(None, dialect, "standard")
        found = divided(dialect)[1]
        taken = [sum(seconds.get(check, 0.0) for check in part) for part in found.parts]
        assert max(taken) < 1.2 * min(taken), (dialect, taken)


def test_what_moves_the_clock_or_needs_a_still_account_is_alone() -> None:
    for dialect in specs.dialects():
        checks, found = divided(dialect)
        for check in checks:
            shared = found.shared(check.id) and check.id not in found.each
            if check.family in {"waiting_period", "together", "authentication", "planted"}:
                assert not shared, check.id
            if check.family in {"contact", "entry", "isolation", "states"}:
                assert check.id in found.first


def test_the_walks_are_alone_only_where_they_move_a_clock() -> None:
    walks = "lifecycle::test_any_sequence_leads_where_the_documents_predict"
    assert walks in divided("huawei")[1].last
    assert walks in divided("huawei", None)[1].parts[0]


def test_every_check_that_moves_the_clock_says_so() -> None:
    """The clock is held while others are at work, so a check without the mark would be left open."""
    for family, function in functions():
        moves = "time.advance(" in inspect.getsource(function) or "_let_time_pass(" in inspect.getsource(function)
        names = {mark.name for mark in getattr(function, "pytestmark", ())}
        assert not moves or names & {"clock", "moves_clock"}, f"{family}::{function.__name__}"


def test_what_each_process_judges_for_its_own_keys_ends_each_part() -> None:
    found = divided("aws")[1]
    assert {check.partition("::")[0] for check in found.each} == {"afterwards"}
    assert found.each <= found.last
    assert all(map(found.shared, found.each))
