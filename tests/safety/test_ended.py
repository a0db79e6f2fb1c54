"""However a run ends, its keys are let go; where that fails, they are named with the command that finishes the job."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.apps.selftest.behaviour_mutations import refusing
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.oracle import ENABLED, PENDING
from kms_conformance.core import specs
from kms_conformance.emulator import Decisions, Emulator, Inbound, Key, Outbound, State
from kms_conformance.keys.target_session import TargetSession

BOTH = pytest.mark.parametrize("dialect", specs.dialects())


def command(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.Popen(
        [sys.executable, "-m", "kms_conformance", *arguments],
        cwd=cwd,
        env=environment | {"KMS_CONFORMANCE_STATE": str(cwd / "state"), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Whoever runs these tests in the background ignores Ctrl-C, and what they start would do so as well.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - nothing else is done there
    )


class Waiting:
    """A filter that says when the run has sent so many requests."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.seen = 0

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        self.seen += 1
        # Slow from there on, so that the signal finds the run at work.
        return replace(outbound, delay_seconds=0.02) if self.seen > self.number else outbound

    def until_there(self, process: subprocess.Popen[str]) -> None:
        while self.seen < self.number:
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.01)


def ours(emulator: Emulator, before: tuple[Key, ...]) -> list[Key]:
    return [key for key in emulator.store.keys if key.id not in {other.id for other in before}]


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_told_to_end_a_run_lets_its_keys_go(tmp_path: Path, signum: signal.Signals) -> None:
    waiting = Waiting(60)
    with Emulator("alibaba", filters=[waiting]) as emulator:
        before = emulator.store.keys
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        process = command("run", "--target", "t.yaml", "--tier", "smoke", cwd=tmp_path)
        waiting.until_there(process)
        process.send_signal(signum)
        shown = process.communicate(timeout=120)[0]
        left = ours(emulator, before)
    assert left
    assert {key.state for key in left} == {State.PENDING_DELETION}
    assert process.returncode == 128 + signum, shown
    assert "Traceback" not in shown
    assert (tmp_path / "reports" / "latest" / "index.html").is_file()


def test_workers_are_told_as_well(tmp_path: Path) -> None:
    waiting = Waiting(60)
    with Emulator("huawei", filters=[waiting]) as emulator:
        before = emulator.store.keys
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        process = command("run", "--target", "t.yaml", "--tier", "smoke", "--", "-n", "2", cwd=tmp_path)
        waiting.until_there(process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        left = ours(emulator, before)
    assert {key.state for key in left} == {State.PENDING_DELETION}
    assert process.returncode != 0


@BOTH
def test_keys_that_cannot_be_scheduled_are_named_with_what_to_do(tmp_path: Path, dialect: str) -> None:
    stubborn = refusing("schedule", "pending_use", State.ENABLED, State.DISABLED)
    with Emulator(dialect, decisions=stubborn) as emulator:
        before = emulator.store.keys
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        process = command("run", "--target", "t.yaml", "--tier", "smoke", "--", "-k", "test_states.py", cwd=tmp_path)
        shown = process.communicate(timeout=120)[0]
        left = ours(emulator, before)
    assert left
    assert process.returncode != 0
    for key in left:
        line = next(line for line in shown.splitlines() if key.id in line and "not scheduled" in line)
        assert f"kms-conformance sweep --target {tmp_path / 't.yaml'}" in line
        assert str(Profile.load(dialect).refusal("pending_use").answers[0]) in line, "the reason is told"


@BOTH
def test_a_key_with_a_long_window_is_let_go_by_the_shortest(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    at.kms.ask("schedule", key_id=key, window=at.kms.window.maximum)
    assert at.target_session.end() == ()
    left = at.emulator.store.describe(key)
    assert (left.state, left.window_days) == (State.PENDING_DELETION, at.kms.window.minimum)


def test_a_key_that_is_left_protected_is_let_go(scene) -> None:
    at = scene("alibaba")
    key = at.kms.key(ENABLED)
    arn = at.kms.read(key).fields["Arn"]
    assert at.kms.ask("set_deletion_protection", arn=arn, protected=True).accepted
    assert at.target_session.end() == ()
    left = at.emulator.store.describe(key)
    assert (left.state, left.protected) == (State.PENDING_DELETION, False)


@BOTH
def test_a_create_whose_reply_is_lost_is_found_within_the_run(scene, dialect: str) -> None:
    lost = []

    def losing(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation == "create" and not lost:
            lost.append(inbound)
            return replace(outbound, cut_after=3)
        return outbound

    at = scene(dialect, filters=[losing])
    before = at.emulator.store.keys
    with pytest.raises(Inconclusive):
        at.target_session.pool.create()
    (key,) = ours(at.emulator, before)
    assert at.target_session.pool.held == {key.id}
    assert [record.key for record in at.target_session.ledger.unfinished()] == [key.id]
    assert at.target_session.end() == ()
    assert at.emulator.store.describe(key.id).state is State.PENDING_DELETION


@BOTH
def test_a_key_is_scheduled_though_ctrl_c_came_right_after_its_line_in_the_ledger(
    scene, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = scene(dialect)
    before = at.emulator.store.keys
    ledger, write = at.target_session.ledger, at.target_session.ledger.write

    def interrupted(event: str, *arguments: Any, **facts: Any) -> None:
        write(event, *arguments, **facts)
        if event == "created":
            raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        at.target_session.pool.create()
    monkeypatch.undo()
    (key,) = ours(at.emulator, before)
    assert at.target_session.end() == ()
    assert at.emulator.store.describe(key.id).state is State.PENDING_DELETION


def test_a_key_of_a_killed_run_is_scheduled_though_the_list_fails_at_the_end(scene, tmp_path: Path) -> None:
    failing: list[bool] = []

    def unlisted(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, status=500) if failing and inbound.operation == "list" else outbound

    at = scene("huawei", filters=[unlisted])
    key = at.target_session.pool.create()
    at.target_session.close()
    later = TargetSession(at.target_session.target, Ledger.of(at.target_session.target, tmp_path), 2)
    later.open()
    # A create of which nothing is known: only the list could tell.
    later.ledger.write("intent", f"kms-conformance-{later.ledger.run}-9", kind="plain")
    failing.append(True)
    later.end()
    assert at.emulator.store.describe(key).state is State.PENDING_DELETION


def test_rotation_that_rests_while_a_key_is_pending_is_switched_off(scene, tmp_path: Path) -> None:
    at = scene("aws")
    key = at.kms.key(ENABLED)
    for operation, further in (("enable_rotation", {}), ("schedule", {"window": at.kms.window.minimum})):
        assert at.kms.ask(operation, key_id=key, **further).accepted
    at.target_session.close()
    later = TargetSession(at.target_session.target, Ledger.of(at.target_session.target, tmp_path), 2)
    later.open()
    assert later.end() == ()
    left = at.emulator.store.describe(key)
    assert (left.state, left.rotated) == (State.PENDING_DELETION, False)


@BOTH
@pytest.mark.parametrize("damage", ["fails", "unknown state"])
def test_a_key_that_cannot_be_read_is_scheduled_and_named(scene, dialect: str, damage: str) -> None:
    damaged: list[bool] = []

    def unreadable(inbound: Inbound, outbound: Outbound) -> Outbound:
        if not damaged or inbound.operation != "describe":
            return outbound
        if damage == "fails":
            return replace(outbound, status=500)
        body = outbound.body
        for state in Profile.load(dialect).facts["states"].values():
            body = body.replace(f'"{state}"'.encode(), b'"Odd"')
        return replace(outbound, body=body)

    at = scene(dialect, filters=[unreadable])
    key = at.target_session.pool.create()
    damaged.append(True)
    (left,) = at.target_session.end()
    assert at.emulator.store.describe(key).state is State.PENDING_DELETION
    assert left.key == key
    assert "To its scheduling, the target answered 200" in left.reason


@BOTH
def test_a_create_that_never_arrived_is_closed_at_the_end(scene, dialect: str) -> None:
    def lost(inbound: Inbound, outbound: Outbound) -> Outbound:
        return replace(outbound, cut_after=0, headers=()) if inbound.operation == "create" else outbound

    class Never(Decisions):
        def quota_left(self, keys) -> bool:
            return False

    at = scene(dialect, filters=[lost], decisions=Never)
    with pytest.raises(Inconclusive):
        at.target_session.pool.create()
    assert [record.event for record in at.target_session.ledger.unfinished()] == ["intent"]
    assert at.target_session.end() == ()
    assert at.target_session.ledger.unfinished() == ()


@BOTH
def test_a_key_that_lost_our_description_is_still_known_by_its_date_of_creation(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    assert at.kms.ask("update_description", key_id=key, description="something else").accepted
    at.target_session.close()  # killed
    swept = scene_of(at)
    assert swept.pool.recover().undone == (key,)
    assert swept.pool.release() == ()
    assert at.emulator.store.describe(key).state is State.PENDING_DELETION


@BOTH
def test_an_id_that_became_somebody_elses_is_left_alone(scene, dialect: str) -> None:
    """An emulator was started anew and counts its keys from one again: the ledger knows the id, the key is another."""
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    at.target_session.close()
    mine = at.emulator.store.describe(key)
    theirs = replace(mine, description="Not yours.", created=mine.created.replace(year=2020))
    at.emulator.store.put(theirs)
    swept = scene_of(at)
    assert swept.pool.recover().undone == ()
    assert swept.pool.release() == ()
    swept.close()
    again = scene_of(at)
    assert again.pool.create() != key
    assert at.emulator.store.describe(key) == theirs


@BOTH
def test_a_key_like_ours_that_is_in_no_ledger_is_named_and_left_alone(scene, dialect: str) -> None:
    at = scene(dialect)
    key = replace(at.emulator.store.keys[-1], id=at.kms.dialect.unknown_key(), state=State.ENABLED, deletion=None)
    at.emulator.store.put(replace(key, description="kms-conformance-0badf00d-0"))
    found = at.target_session.pool.recover()
    assert (found.undone, found.unrecorded) == ((), (key.id,))
    assert at.target_session.pool.release() == ()
    assert at.emulator.store.describe(key.id).state is State.ENABLED


@BOTH
def test_keys_of_a_run_that_is_at_work_are_left_to_it(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    other = scene_of(at)
    assert other.pool.recover().undone == ()
    assert other.pool.create() != key
    assert at.target_session.end() == ()
    assert at.kms.dialect.unknown_key() not in other.pool.held
    assert other.pool.release() == ()
    assert at.emulator.store.describe(key).state is State.PENDING_DELETION


@BOTH
def test_keys_of_earlier_runs_are_taken_back_first(scene, dialect: str) -> None:
    at = scene(dialect)
    pending = at.kms.key(PENDING)
    assert at.target_session.end() == ()
    later = scene_of(at)
    assert later.pool.create() == pending
    assert later.pool.read(pending).state == ENABLED
    assert later.pool.created == 0
    assert [record.key for record in later.ledger.unfinished()] == [pending]


def scene_of(at):
    """Another run at the same emulator, with the same ledger file, that has begun."""
    target_session = TargetSession(at.target_session.target, Ledger(at.target_session.ledger.path), 2)
    target_session.open()
    return target_session
