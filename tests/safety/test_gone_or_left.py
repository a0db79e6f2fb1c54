"""A key that is gone is gone, for good; one that is left behind is told of with the reason."""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

import pytest
from test_ended import scene_of

from kms_conformance.apps.selftest.behaviour_mutations import refusing
from kms_conformance.cli.sweep import sweep_target
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.oracle import ENABLED
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, State

BOTH = pytest.mark.parametrize("dialect", specs.dialects())
STUBBORN = refusing("schedule", "pending_use", State.ENABLED, State.DISABLED)


def forget(emulator: Emulator, *keys: str) -> None:
    """What an emulator does that is started anew."""
    for key in keys:
        del emulator.store._keys[key]  # noqa: SLF001 - no request can do that


@BOTH
def test_what_a_failed_run_left_and_the_endpoint_forgot_counts_as_gone_at_the_next_run(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    at.target_session.close()  # killed
    forget(at.emulator, key)
    later = scene_of(at)
    assert later.end() == ()
    assert later.ledger.unfinished() == ()
    assert later.ledger.records()[later.ledger.marker_of(key)].event == "gone"


@BOTH
def test_sweep_closes_what_the_endpoint_forgot(scene, dialect: str, monkeypatch, tmp_path) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    at.target_session.close()
    forget(at.emulator, key)
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path))
    assert sweep_target(at.target_session.target, dry_run=False) == 0
    assert Ledger.of(at.target_session.target).unfinished() == ()


@BOTH
def test_a_key_that_vanished_within_the_run_counts_as_gone(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    forget(at.emulator, key)
    assert at.target_session.end() == ()
    assert at.target_session.ledger.unfinished() == ()


@BOTH
def test_an_id_that_names_a_key_made_at_another_time_is_closed_and_the_key_left_alone(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    at.target_session.close()
    mine = at.emulator.store.describe(key)
    theirs = replace(mine, description="Not yours.", created=mine.created.replace(year=2020))
    at.emulator.store.put(theirs)
    later = scene_of(at)
    assert later.end() == ()
    assert later.ledger.unfinished() == ()
    assert at.emulator.store.describe(key) == theirs


@BOTH
def test_a_key_that_reads_as_unknown_and_is_listed_is_not_gone(scene, dialect: str) -> None:
    class Denying(Decisions):
        """Describes no key of ours, and lists them all."""

        def refusal_for(self, operation, key):
            return "unknown_key" if operation == "describe" and denied else super().refusal_for(operation, key)

    denied: list[str] = []
    at = scene(dialect, decisions=Denying)
    key = at.kms.key(ENABLED)
    denied.append(key)
    (left,) = at.target_session.end()
    assert (left.key, left.reason) == (key, "it reads as gone, but is still listed")
    assert [record.key for record in at.target_session.ledger.unfinished()] == [key]


@BOTH
def test_the_reason_why_a_key_was_not_let_go_reaches_the_user_again_and_again(
    scene, dialect: str, monkeypatch, tmp_path, capsys
) -> None:
    at = scene(dialect, decisions=STUBBORN)
    key = at.kms.key(ENABLED)
    (left,) = at.target_session.end()
    said = str(at.kms.profile.refusal("pending_use").answers[0])
    assert (left.key, said in left.reason) == (key, True)
    (record,) = at.target_session.ledger.unfinished()
    assert said in record.facts["reason"]
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path))
    for _ in range(2):
        assert sweep_target(at.target_session.target, dry_run=False) == 3
        shown = capsys.readouterr().err
        assert key in shown
        assert said in shown


@BOTH
def test_a_list_that_is_refused_at_the_end_is_the_reason_for_what_stays_unknown(scene, dialect: str) -> None:
    class Closing(Decisions):
        def listed(self, keys):
            if closed:
                raise RuntimeError
            return super().listed(keys)

        def quota_left(self, keys):
            return False

    closed: list[bool] = []
    at = scene(dialect, decisions=Closing)
    at.target_session.ledger.write("intent", f"kms-conformance-{at.target_session.ledger.run}-0")
    closed.append(True)
    at.target_session.end()
    (record,) = at.target_session.ledger.unfinished()
    assert "could not be listed" in record.facts["reason"]


def test_an_admission_that_broke_off_is_made_again(scene, monkeypatch) -> None:
    at = scene("huawei")
    create = at.target_session.pool.create
    broken = [RuntimeError("a fault of ours")]

    def breaking():
        if broken:
            raise broken.pop()
        return create()

    monkeypatch.setattr(at.target_session.pool, "create", breaking)
    with pytest.raises(RuntimeError):
        at.target_session.require_state()
    before = len(at.received)
    at.target_session.require_state()
    assert {"disable", "enable"} <= {inbound.operation for inbound in at.received[before:]}


@BOTH
def test_keys_are_scheduled_without_the_clock_of_the_endpoint(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)

    def broken(seconds: float) -> NoReturn:
        raise Inconclusive(f"The clock was not moved by {seconds} s.")

    at.target_session.time.advance = broken
    at.target_session.time._known = False  # noqa: SLF001 - as in a new process
    assert at.target_session.end() == ()
    assert next(each for each in at.emulator.store.keys if each.id == key).state is State.PENDING_DELETION
