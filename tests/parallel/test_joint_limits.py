"""What several processes of one run use of the limits of their target, they use together."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.joint_limits import JointLimits
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.patience import Patience
from kms_conformance.client.signature_lock import SignatureLock
from kms_conformance.core.runtime import Clock
from kms_conformance.dialects import adapter
from kms_conformance.emulator import Emulator, State
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import parse_target
from kms_conformance.wire.pace import Pace


class StillClock(Clock):
    """A clock at one moment, which notes the pauses."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return 100.0

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


@pytest.fixture
def both(tmp_path: Path) -> tuple[JointLimits, JointLimits]:
    return JointLimits(tmp_path / "joint.json", 1, 2), JointLimits(tmp_path / "joint.json", 2, 2)


def test_no_two_requests_have_one_turn(both: tuple[JointLimits, JointLimits]) -> None:
    with ThreadPoolExecutor(2) as pool:
        turns = sorted(pool.map(lambda limits: limits.turn(100.0, 0.25), both * 10))
    assert turns == [100.0 + number * 0.25 for number in range(20)]


def test_requests_a_second_are_those_of_both(both: tuple[JointLimits, JointLimits]) -> None:
    clock = StillClock()
    paces = [Pace(4, clock), Pace(4, clock)]
    for pace, limits in zip(paces, both, strict=True):
        pace.reserve = limits.turn
    for pace in itertools.islice(itertools.cycle(paces), 6):
        pace.wait()
    assert clock.slept == [0.25, 0.5, 0.75, 1.0, 1.25]


def test_without_a_limit_nothing_is_shared(both: tuple[JointLimits, JointLimits], tmp_path: Path) -> None:
    pace = Pace(None, StillClock())
    pace.reserve = both[0].turn
    pace.wait()
    assert list(tmp_path.iterdir()) == []


def test_minutes_of_waiting_are_those_of_both(both: tuple[JointLimits, JointLimits]) -> None:
    clock = StillClock()
    first, second = (Patience(2.0, 3, 3.0, clock, joint=limits.waited) for limits in both)
    looks: Iterator[bool] = itertools.repeat(False)
    first.note_request(["key"])
    second.note_request(["key"])
    with pytest.raises(Inconclusive, match="has waited 0 min"):
        first.until("key", lambda: next(looks), bool)
    with pytest.raises(Inconclusive, match="has waited 0 min"):
        second.until("key", lambda: next(looks), bool)
    assert 2.5 < sum(clock.slept) <= 3.0
    # Keys are scheduled for deletion in any case.
    second.renew()
    second.wait_for_late_effects()
    with pytest.raises(Inconclusive):
        second.until("key", lambda: next(looks), bool)
    assert sum(clock.slept) > 5.0


def test_refused_signatures_of_both_do_not_lock_the_access_key() -> None:
    dialect = adapter(Profile.load("alibaba", "documents"), "http://127.0.0.1:1", "")
    lock = SignatureLock(dialect, StillClock().monotonic)
    lock.processes = 2
    sent = 0
    while sent < 10:
        try:
            lock.check()
        except Inconclusive:
            break
        lock.note(None, on_purpose=True)
        sent += 1
    assert sent == 2
    lock.processes = 1
    lock.check()


def test_one_process_numbers_its_exchanges_apart_and_holds_the_clock(
    both: tuple[JointLimits, JointLimits], tmp_path: Path
) -> None:
    with Emulator("huawei") as emulator:
        target = parse_target(emulator.target_yaml(), "t")
        session = TargetSession(target, Ledger.of(target, tmp_path, "2of2"), 6, share=2, joint=both[1])
        session.connect()
        assert session.client.exchange_log.records()[0].number == 1_000_001
        assert not session.attests
        session.share_target(shared=True)
        session.time.advance(0)
        with pytest.raises(Inconclusive, match="several processes"):
            session.time.advance(60)
        session.share_target(shared=False)
        session.time.advance(60)
        session.close()


def test_the_last_process_has_the_keys_of_all(both: tuple[JointLimits, JointLimits], tmp_path: Path) -> None:
    """A check that ends keys needs as many as in a run of one process."""
    with Emulator("huawei") as emulator:
        target = parse_target(yaml.safe_dump(emulator.target() | {"limits": {"max_keys": 4}}), "t")
        first, other = (
            TargetSession(target, Ledger.of(target, tmp_path, f"{limits.process}of2"), 6, share=2, joint=limits)
            for limits in both
        )
        for session in (first, other):
            session.open()
            for _ in range(2):
                session.pool.create()
        theirs = set(other.pool.keys)
        other.end()
        with pytest.raises(Inconclusive, match="one more key"):
            first.pool.create()
        first.use_alone()
        assert theirs < set(first.pool.keys)
        assert len(first.pool.keys) == 4
        with pytest.raises(Inconclusive, match="one more key"):
            first.pool.create()
        first.end()
        assert {key.state for key in emulator.store.keys if key.id in first.pool.held} == {State.PENDING_DELETION}


def test_the_file_is_removed(both: tuple[JointLimits, JointLimits], tmp_path: Path) -> None:
    both[0].turn(1.0, 1.0)
    both[1].remove()
    both[1].remove()
    assert list(tmp_path.iterdir()) == []
