"""A create that is refused and carried out: its key is found, judged and let go, at the cost of one list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from test_ended import ours, scene_of

from kms_conformance.apps.selftest.deviation import serving
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Inbound, Outbound, State

BOTH = pytest.mark.parametrize("dialect", specs.dialects())


def refusing_what_is_done(
    dialect: str, name: str = "create-refused-but-done"
) -> Callable[[Inbound, Outbound], Outbound]:
    return next(fault for fault in FAULTS if fault.name == name and dialect in fault.dialects).filters[0]


class Full(Decisions):
    """No key can be made any more."""

    def quota_left(self, keys) -> bool:
        return False


@BOTH
def test_a_key_made_by_a_refused_create_is_found_judged_and_let_go(scene, dialect: str) -> None:
    at = scene(dialect, filters=[refusing_what_is_done(dialect)])
    before = at.emulator.store.keys
    with pytest.raises(Inconclusive, match="No key could be created"):
        at.target_session.pool.create()
    (key,) = ours(at.emulator, before)
    assert [failure.requirement for failure in at.kms.judge.failures] == ["refused.changes-nothing"]
    assert key.id in at.kms.judge.failures[0].received
    assert [record.key for record in at.target_session.ledger.unfinished()] == [key.id]
    assert at.target_session.pool.created == 1
    assert at.target_session.end() == ()
    assert at.emulator.store.describe(key.id).state is State.PENDING_DELETION
    assert at.target_session.ledger.unfinished() == ()


@BOTH
def test_keys_made_by_refused_creates_count_against_the_limit(scene, dialect: str) -> None:
    at = scene(dialect, most=6, limits={"max_keys": 3}, filters=[refusing_what_is_done(dialect)])
    before = at.emulator.store.keys
    for _ in range(5):
        with pytest.raises(Inconclusive):
            at.target_session.pool.create_new()
    assert len(ours(at.emulator, before)) == 3


@pytest.mark.parametrize("dialect", ["huawei", "aws"])
def test_generated_creates_that_are_refused_and_done_are_judged_at_the_end(dialect: str) -> None:
    refusing = refusing_what_is_done(dialect)
    made = []

    def refusing_further_ones(inbound: Inbound, outbound: Outbound) -> Outbound:
        """The key that checks use is made; of all others the reply says that they are not."""
        if inbound.operation == "create" and outbound.refusal is None:
            made.append(inbound)
        return refusing(inbound, outbound) if len(made) > 1 else outbound

    arguments = ("-k", "test_entry.py or create or test_afterwards.py")
    served = serving(dialect, filters=[refusing_further_ones])
    outcome = run_suite(served, tier="standard", arguments=arguments, timeout_seconds=300)
    assert outcome.failed == {"refused.changes-nothing"}
    (accuser,) = (check.check for check in outcome.checks if check.failures)
    assert accuser in ("afterwards::test_refused_creates_have_made_no_key", "fuzzing::test_further_operation[create]")


@BOTH
@pytest.mark.parametrize("refused", [0, 3])
def test_one_list_is_the_cost_and_only_where_a_create_was_refused(scene, dialect: str, refused: int) -> None:
    at = scene(dialect, decisions=Full if refused else Decisions)
    pool = at.target_session.pool
    for _ in range(refused):
        _, key = pool.attempt(lambda marker: at.kms.ask("create", **at.kms.dialect.naming(marker)))
        assert key is None
    before = Counter(inbound.operation for inbound in at.received)["list"]
    assert pool.judge_refused_creates(last=True) == ()
    assert pool.release() == ()
    assert Counter(inbound.operation for inbound in at.received)["list"] - before == bool(refused)
    assert {record.event for record in at.target_session.ledger.records().values()} <= {"gone"}
    assert at.kms.judge.failures == []


@BOTH
def test_what_a_killed_run_saw_refused_is_found_by_the_next_one(scene, dialect: str) -> None:
    at = scene(dialect, filters=[refusing_what_is_done(dialect)])
    before = at.emulator.store.keys
    at.target_session.pool.attempt(lambda marker: at.kms.ask("create", **at.kms.dialect.naming(marker)))
    (key,) = ours(at.emulator, before)
    at.target_session.close()  # killed
    later = scene_of(at)
    assert later.end() == ()
    assert at.emulator.store.describe(key.id).state is State.PENDING_DELETION
    assert later.ledger.unfinished() == ()


@BOTH
def test_the_marker_of_the_second_create_is_not_taken_for_that_of_the_eleventh(scene, dialect: str) -> None:
    at = scene(dialect, most=20, limits={"max_keys": 20})
    pool = at.target_session.pool
    markers: list[str] = []

    def send(marker: str):
        markers.append(marker)
        return at.kms.ask("create", **at.kms.dialect.naming(marker))

    keys = [pool.attempt(send)[1] for _ in range(11)]
    assert pool.find_by_marker(markers[1]) == ()
    pool.held.clear()
    assert pool.find_by_marker(markers[1]) == (keys[1],)
