"""A create that gets an internal error: its key is found by the marker, or else the create is sent again."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from test_ended import ours

from kms_conformance.apps.selftest.variants.failing import FAILING
from kms_conformance.client.judge import Undecided
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Inbound, Outbound, State

BOTH = pytest.mark.parametrize("dialect", specs.dialects())
ONCE = next(variant for variant in FAILING if variant.name == "internal-error-once-on-create").decisions


class Failing(Decisions):
    """Each create is an internal error and makes no key."""

    def quota_left(self, keys) -> bool:
        return False

    def answer(self, refusal: str):
        return super().answer("internal_error" if refusal == "quota_exhausted" else refusal)


def failing_though_done(inbound: Inbound, outbound: Outbound) -> Outbound:
    done = inbound.operation == "create" and outbound.refusal is None
    return replace(outbound, status=500, body=b"") if done else outbound


@BOTH
def test_a_create_that_made_no_key_is_sent_again(scene, dialect: str) -> None:
    at = scene(dialect, decisions=type("Once", ONCE, {}))
    before = at.emulator.store.keys
    assert at.target_session.pool.create() in {key.id for key in ours(at.emulator, before)}
    assert Counter(inbound.operation for inbound in at.received)["create"] == 2
    assert at.target_session.pool.created == 1
    assert at.kms.judge.failures == []
    assert at.target_session.end() == ()
    assert at.target_session.ledger.unfinished() == ()


@BOTH
def test_a_key_that_a_failed_create_made_is_used_and_let_go(scene, dialect: str) -> None:
    at = scene(dialect, filters=[failing_though_done])
    before = at.emulator.store.keys
    key = at.target_session.pool.create()
    assert [made.id for made in ours(at.emulator, before)] == [key]
    assert Counter(inbound.operation for inbound in at.received)["create"] == 1
    assert at.kms.judge.failures == []
    assert at.target_session.end() == ()
    assert at.emulator.store.describe(key).state is State.PENDING_DELETION
    assert at.target_session.ledger.unfinished() == ()


@BOTH
def test_a_create_that_fails_each_time_is_accused_after_three_attempts(scene, dialect: str) -> None:
    at = scene(dialect, decisions=Failing)
    with pytest.raises(Undecided):
        at.target_session.pool.create()
    assert Counter(inbound.operation for inbound in at.received)["create"] == 3
    (failure,) = at.kms.judge.failures
    assert failure.requirement == "reply.no-server-error"
    assert len(failure.exchanges) == 3
    assert at.target_session.end() == ()
    assert at.target_session.ledger.unfinished() == ()
