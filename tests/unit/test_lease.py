"""Leases and locks: who lives, on which machine, and what happens where locks keep nobody out."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kms_conformance.client import lease
from kms_conformance.client.lease import Lease, LocksDoNotHold, hold
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import parse_target

HOUR = 3600


def of_another_machine(path: Path, *, touched: float) -> Path:
    """A lease whose lock does not reach here, touched so many seconds ago."""
    ledger = path / "l.jsonl"
    found = path / "l.elsewhere.run"
    found.write_text(json.dumps({"machine": "another", "pid": 1}))
    os.utime(found, (time.time() - touched, time.time() - touched))
    return ledger


def test_a_run_on_another_machine_lives_as_long_as_it_touches_its_lease(tmp_path: Path) -> None:
    ledger = of_another_machine(tmp_path, touched=HOUR / 2)
    assert Lease.alive(ledger, "elsewhere")
    ledger = of_another_machine(tmp_path, touched=HOUR + 60)
    assert not Lease.alive(ledger, "elsewhere")
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.parametrize("content", ["", "{}", "[]", "no json", '{"machine": "%s"}'])
def test_a_run_of_this_machine_that_holds_no_lock_is_dead_whatever_its_lease_says(tmp_path: Path, content: str) -> None:
    (tmp_path / "l.1.run").write_text(content.replace("%s", lease.machine()))
    assert not Lease.alive(tmp_path / "l.jsonl", "1")


def test_a_run_at_work_touches_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Lease(tmp_path / "l.jsonl", "1")
    ours.begin()
    path = tmp_path / "l.1.run"
    os.utime(path, (1, 1))
    ours.beat()
    assert path.stat().st_mtime == 1, "not with every request"
    monkeypatch.setattr(lease, "_BEAT_SECONDS", 0.0)
    ours.beat()
    assert path.stat().st_mtime > 1
    assert json.loads(path.read_text())["machine"] == lease.machine()
    ours.end()
    assert not path.exists()


def test_requests_keep_the_lease_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "_BEAT_SECONDS", 0.0)
    with Emulator("huawei") as emulator:
        target = parse_target(emulator.target_yaml(), "t")
        target_session = TargetSession(target, Ledger.of(target, tmp_path), keys=1)
        target_session.open()
        target_session.pool.create()
        (path,) = tmp_path.glob("*.run")
        os.utime(path, (1, 1))
        target_session.client.ask("list")
        assert path.stat().st_mtime > 1
        assert target_session.end() == ()


def test_a_lock_that_keeps_nobody_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "lock_descriptor", lambda *_, **__: True)
    with pytest.raises(LocksDoNotHold, match="can be locked again") as caught:
        Ledger(tmp_path / "l.jsonl").write("intent", "m1")
    assert "KMS_CONFORMANCE_STATE" in str(caught.value)
    assert caught.value.exit_code == 2
    assert not (tmp_path / "l.jsonl").exists()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(lease, "lock_descriptor", unsupported)
    with pytest.raises(LocksDoNotHold, match="No locks available"):
        Ledger(tmp_path / "l.jsonl").write("intent", "m1")


def test_somebody_elses_lock_is_waited_for_or_told_of(tmp_path: Path) -> None:
    held = hold(tmp_path / "a.lock")
    assert hold(tmp_path / "a.lock", blocking=False) is None
    os.close(held)
    again = hold(tmp_path / "a.lock", blocking=False)
    assert again is not None
    os.close(again)


NO_LOCKS = """
import sys
from kms_conformance.client import lease
from kms_conformance.keys.target_session import TargetSession
lease.lock_descriptor = lambda *_, **__: True
from kms_conformance.cli import main
sys.exit(main())
"""


def test_a_run_where_locks_do_not_hold_ends_with_2_before_its_first_request(tmp_path: Path) -> None:
    asked: list[Inbound] = []

    def note(inbound: Inbound, outbound: Outbound) -> Outbound:
        asked.append(inbound)
        return outbound

    with Emulator("huawei", filters=[note]) as emulator:
        (tmp_path / "t.yaml").write_text(emulator.target_yaml())
        done = subprocess.run(
            [sys.executable, "-c", NO_LOCKS, "run", "--target", "t.yaml", "--tier", "smoke"],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
            | {"KMS_CONFORMANCE_STATE": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 2, done.stdout + done.stderr
    assert "File locks have no effect" in done.stdout + done.stderr
    assert asked == []
    assert "Traceback" not in done.stdout + done.stderr
