"""Runs on a server whose whole time moves: signatures follow, faults are found, and a clock that stands is no fault."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from kms_conformance.apps.clock.control import ControlServer, MovedClock
from kms_conformance.apps.selftest.deviation import ALL, only
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.cli.via import run_via
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator, Filter, Inbound, Outbound
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.clock_look import refuse_still_clock
from kms_conformance.preflight.consent import require, run_reach
from kms_conformance.preflight.doctor import diagnose
from kms_conformance.run.shards.clock_lock import ClockLock
from kms_conformance.target import Target, TargetError, parse_target

EXPIRY = frozenset({"expiry.not-early", "expiry.gone", "expiry.no-cancel", "cancel.before-end", "expiry.nothing-else"})
# Ways to sign in whose signatures have a date.
DATED = {"huawei": "aksk", "alibaba": None, "aws": None}


def served(dialect: str, way: str | None = None, **options: Any) -> Callable[[], Any]:
    """Serve an emulator whose clock moves everything, an hour ahead from the start."""

    @contextlib.contextmanager
    def prepared() -> Iterator[str]:
        with Emulator(dialect, moves_everything=True, **options) as emulator:
            emulator.clock.advance(3600)
            yield emulator.target_yaml(way)
            assert not emulator.failures

    return prepared


def target_of(emulator: Emulator, way: str | None = None, **changes: Any) -> Target:
    return parse_target(json.dumps(emulator.target(way) | changes), "t.yaml")


@pytest.mark.sampled(1)
@pytest.mark.parametrize("dialect", ALL)
def test_signatures_are_made_by_the_moved_time(dialect: str) -> None:
    families = only(("authentication", "waiting_period"))
    outcome = run_suite(served(dialect, DATED[dialect]), arguments=families, in_real_time=False)
    assert outcome.failed == frozenset()
    assert outcome.ids("passed") >= EXPIRY | {"auth.stale"}
    assert outcome.verdict["isolation"]["clock_days"] > 7


@pytest.mark.parametrize("name", ["never-gone", "gone-a-day-early"])
def test_a_fault_after_the_waiting_period_is_found(name: str) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name and "aws" in fault.dialects)
    made = type("Faulty", fault.decisions, {})
    outcome = run_suite(served("aws", decisions=made), arguments=only(("waiting_period",)), in_real_time=False)
    assert outcome.failed & fault.requirements


def test_signatures_use_the_real_time_where_lifetimes_alone_move(tmp_path: Path) -> None:
    with Emulator("aws") as emulator:
        emulator.clock.advance(86400)
        target = target_of(emulator)
        session = TargetSession(target, Ledger.of(target, tmp_path), keys=0)
        session.connect()
        assert abs(session.client.session.endpoint_now() - emulator.clock.real()) < timedelta(seconds=5)
        assert session.time.now() - emulator.clock.real() > timedelta(hours=23)
        assert emulator.requests_served == 2
        session.close()


@contextlib.contextmanager
def beside(tmp_path: Path, dialect: str = "aws", filters: tuple[Filter, ...] = ()) -> Iterator[dict[str, Any]]:
    """The content of a target file with a clock that moves nothing of the emulator behind it."""
    control = ControlServer(0, MovedClock(tmp_path / "offset"))
    thread = threading.Thread(target=control.serve_forever, kwargs={"poll_interval": 0.005})
    thread.start()
    try:
        with Emulator(dialect, filters=filters, profile="local-emulator") as emulator:
            yield emulator.target() | {"time_control": {"url": control.url, "moves": "everything"}}
    finally:
        control.shutdown()
        control.server_close()
        thread.join()


def test_a_clock_that_does_not_move_the_server_is_a_mistake_of_the_user(tmp_path: Path) -> None:
    with beside(tmp_path) as content, pytest.raises(TargetError, match="10 minutes passed") as caught:
        refuse_still_clock(parse_target(json.dumps(content), "t.yaml"))
    assert caught.value.exit_code == 2
    assert "does not move" in caught.value.what
    assert "static programs (most written in Go), containers and other hosts" in caught.value.hint


def test_a_shard_looks_when_it_holds_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", f"{tmp_path}/state")
    with beside(tmp_path) as content:
        target = parse_target(json.dumps(content), "t.yaml")
        require([target], given=True, mark="1of2", reach_of=run_reach("smoke"))
        for _ in range(2):  # the first leaves no lock behind
            with pytest.raises(TargetError, match="10 minutes passed"):
                ClockLock([target])


def undated(_: Inbound, outbound: Outbound) -> Outbound:
    return outbound.with_header("Date", "now")


def test_without_a_date_header_the_date_of_a_new_key_tells_it(tmp_path: Path) -> None:
    @contextlib.contextmanager
    def prepared() -> Iterator[str]:
        with beside(tmp_path, filters=(undated,)) as content:
            yield json.dumps(content)

    outcome = run_suite(prepared, arguments=only(("waiting_period",)), in_real_time=False)
    assert (outcome.exit_code, outcome.failed) == (3, frozenset())
    reasons = {entry["id"]: entry["reason"] for entry in outcome.verdict["requirements"]}
    assert "does not move: a new key is dated" in reasons["create.date"]
    assert "does not move: a new key is dated" in reasons["expiry.gone"]


def test_a_clock_that_moves_is_moved_by_ten_minutes_and_no_more() -> None:
    with Emulator("huawei", moves_everything=True) as emulator:
        before = emulator.clock.now()
        refuse_still_clock(target_of(emulator, "aksk"))
        assert timedelta(minutes=10) <= emulator.clock.now() - before < timedelta(minutes=11)
    with Emulator("huawei") as emulator:
        refuse_still_clock(target_of(emulator))
        assert emulator.requests_served == 0


def test_the_doctor_shows_which_time_moves(tmp_path: Path) -> None:
    told = {}
    for everything in (False, True):
        with Emulator("alibaba", moves_everything=everything) as emulator:
            emulator.clock.advance(9 * 86400)
            target = target_of(emulator)
            found = {each.topic: each for each in diagnose(target, Ledger.of(target, tmp_path))}
            told[everything] = found["waiting period"].text
            assert found["clock"].level == "ok"
            assert "differ by 0 s" in found["clock"].text
            assert emulator.clock.now() - emulator.clock.real() < timedelta(days=10)
    assert told[False].startswith("a run moves the lifetimes of all keys, and no other time, by at most")
    assert told[True].startswith("a run moves all of the server's time, and signs by it, by at most")


def test_the_date_header_follows_everything() -> None:
    import requests  # noqa: PLC0415 - this test alone

    with Emulator("aws", moves_everything=True) as emulator:
        emulator.clock.advance(86400)
        date = parsedate_to_datetime(requests.get(emulator.base_url, timeout=5).headers["Date"])
        assert abs(date - emulator.clock.now()) < timedelta(seconds=5)


def test_clients_of_vendors_are_refused(tmp_path: Path) -> None:
    with Emulator("aws", moves_everything=True) as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        with pytest.raises(TargetError, match="sign by the time of this machine"):
            run_via((f"{tmp_path}/t.yaml",), tmp_path / "reports", None, consent=True)
        assert emulator.requests_served == 0
