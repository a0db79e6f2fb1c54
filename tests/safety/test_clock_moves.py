"""Keys of others that a moved clock would end are named and asked for before a run, and told as such after it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from suite_commands import ENTRY, command

from kms_conformance.apps.selftest.deviation import only, serving
from kms_conformance.apps.selftest.runner import run_suite
from kms_conformance.apps.selftest.variants.others import denying, is_foreign
from kms_conformance.catalogue.profile import Profile
from kms_conformance.cli._common import clock_confirmed
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.time_control import reach_of_clients, reach_of_run
from kms_conformance.core import specs
from kms_conformance.core.tier import TIERS
from kms_conformance.emulator import Emulator, Inbound, Key, Outbound, State
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.clock_moves import clock_moves
from kms_conformance.preflight.consent import require, run_reach
from kms_conformance.preflight.doctor import diagnose
from kms_conformance.target import Target, TargetError, load_target

EACH = pytest.mark.parametrize("dialect", specs.dialects())


def target_file(folder: Path, emulator: Emulator, *, disposable: bool = False, **changes: object) -> Path:
    """A target file with a clock that can be moved."""
    content = {name: value for name, value in emulator.target().items() if disposable or name != "disposable"}
    path = folder / "t.yaml"
    path.write_text(yaml.safe_dump(content | changes))
    return path


def pending(emulator: Emulator, days: float | None = None) -> Key:
    """The pending key of somebody else, with its deletion date in so many days."""
    key = next(key for key in emulator.store.keys if key.state is State.PENDING_DELETION)
    if days is not None:
        key = replace(key, deletion=emulator.clock.now() + timedelta(days=days))
        emulator.store.put(key)
    return key


@pytest.mark.parametrize("plain", [False, True], ids=["run", "pytest"])
def test_keys_that_would_end_are_named_and_nothing_is_moved_without_a_word(tmp_path: Path, plain: bool) -> None:
    with Emulator("huawei") as emulator:
        target_file(tmp_path, emulator)
        key, keys, now = pending(emulator), emulator.store.keys, emulator.clock.now()
        head = [] if plain else ["run"]
        done = command(tmp_path, *head, "--target", "t.yaml", *(ENTRY[:4] if plain else ENTRY), plain=plain)
        assert emulator.store.keys == keys
        assert emulator.clock.now() - now < timedelta(minutes=5)
    assert done.returncode == 2
    assert key.deletion is not None
    assert f"{key.id} (until {key.deletion:%Y-%m-%d %H:%M} UTC)" in done.stderr
    assert "disposable: true" in done.stderr
    assert "--yes" in done.stderr
    assert not (tmp_path / "out" / "results.json").exists()


@pytest.mark.parametrize("word", ["--yes", "disposable", "no clock", "late date", "no pending key"])
def test_a_run_begins_with_a_word_or_where_no_key_ends(tmp_path: Path, word: str) -> None:
    with Emulator("huawei", foreign_keys=2 if word == "no pending key" else 3) as emulator:
        path = target_file(tmp_path, emulator, disposable=word == "disposable")
        if word == "no clock":
            path.write_text(path.read_text().replace("time_control", "#"))
        if word == "late date":
            pending(emulator, 1500)
        done = command(tmp_path, "run", "--target", "t.yaml", *(["--yes"] if word == "--yes" else []), *ENTRY)
    assert done.returncode == 3, done.stderr
    assert (tmp_path / "out" / "results.json").is_file()


def test_a_target_that_says_it_is_disposable_is_asked_nothing_more(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = load_target(target_file(tmp_path, emulator, disposable=True))
        assert clock_moves(target, timedelta(days=100)) is None
        assert emulator.requests_served == 0


@EACH
def test_only_pending_keys_within_the_reach_are_named(tmp_path: Path, dialect: str) -> None:
    with Emulator(dialect) as emulator:
        target = load_target(target_file(tmp_path, emulator))
        key = pending(emulator, 20)
        inside, outside = (clock_moves(target, timedelta(days=days)) for days in (21, 19))
        anytime = clock_moves(target, None)
    assert inside is not None
    assert [each.key for each in inside.ending] == [key.id]
    assert outside is not None
    assert outside.harmless
    assert anytime is not None
    assert [each.key for each in anytime.ending] == [key.id]


def test_the_reach_is_counted_from_the_time_of_the_target(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = load_target(target_file(tmp_path, emulator))
        emulator.clock.advance(10 * 86400)
        pending(emulator, 20)
        found = clock_moves(target, timedelta(days=21))
    assert found is not None
    assert len(found.ending) == 1


def test_keys_that_may_not_be_described_may_end_as_well(tmp_path: Path) -> None:
    with Emulator("aws", decisions=denying(is_foreign)) as emulator:
        path = target_file(tmp_path, emulator)
        found = clock_moves(load_target(path), timedelta(days=1))
        done = command(tmp_path, "run", "--target", "t.yaml", *ENTRY)
    assert found is not None
    assert (found.ending, found.unread) == ((), 4)
    assert done.returncode == 2
    assert "4 keys that could not be read" in done.stderr


def test_keys_of_earlier_runs_are_not_those_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path / "state"))
    with Emulator("alibaba", foreign_keys=0) as emulator:
        target = load_target(target_file(tmp_path, emulator))
        earlier = TargetSession(target, Ledger.of(target), keys=1)
        earlier.open()
        earlier.pool.create()
        assert earlier.end() == ()
        found = clock_moves(target, timedelta(days=100))
    assert found is not None
    assert found.harmless


def test_on_a_terminal_the_user_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda text, abort: asked.append(text))
    with Emulator("huawei") as emulator:
        target = load_target(target_file(tmp_path, emulator))
        key = pending(emulator)
        assert clock_confirmed([target], run_reach("smoke"))
        assert not clock_confirmed([target], lambda _: timedelta(days=1))
    (text,) = asked
    assert key.id in text
    assert "by at most 1,174 days" in text


def doctor(target: Target, folder: Path) -> dict[str, str]:
    return {each.topic: f"{each.level} {each.text} {each.next}" for each in diagnose(target, Ledger.of(target, folder))}


def test_doctor_names_the_keys_that_would_end(tmp_path: Path) -> None:
    with Emulator("huawei", foreign_keys=6) as emulator:
        found = doctor(load_target(target_file(tmp_path, emulator)), tmp_path)
        keys = [key for key in emulator.store.keys if key.state is State.PENDING_DELETION]
        thrown_away = doctor(load_target(target_file(tmp_path, emulator, disposable=True)), tmp_path)
    said = "warn a run moves the lifetimes of all keys, and no other time, by at most 1,174 days at smoke"
    assert found["waiting period"].startswith(said)
    assert all(key.id in found["waiting period"] for key in keys)
    assert thrown_away["waiting period"].startswith("ok")
    assert not any(key.id in thrown_away["waiting period"] for key in keys)


def test_doctor_says_how_many_keys_may_not_be_described(tmp_path: Path) -> None:
    with Emulator("alibaba", decisions=denying(is_foreign)) as emulator:
        found = doctor(load_target(target_file(tmp_path, emulator, disposable=True)), tmp_path)
    assert found["other keys"].startswith("ok 3 of 3 keys may not be described")


@EACH
def test_no_run_moves_the_clock_further_than_announced(dialect: str) -> None:
    outcome = run_suite(serving(dialect), arguments=("-k", "entry or lifecycle or waiting_period"))
    most = reach_of_run(Profile.load(dialect), "smoke") / timedelta(days=1)
    assert 0 < outcome.verdict["isolation"]["clock_days"] <= most


def test_the_announced_time_is_kept_by_force(tmp_path: Path) -> None:
    with Emulator("huawei") as emulator:
        target = load_target(target_file(tmp_path, emulator))
        session = TargetSession(target, Ledger.of(target, tmp_path), keys=0, clock_reach=timedelta(days=3))
        session.time.advance(2 * 86400)
        now = emulator.clock.now()
        with pytest.raises(Inconclusive, match="at most 3 days"):
            session.time.advance(2 * 86400)
        assert emulator.clock.now() - now < timedelta(minutes=5)
        session.close()


def test_more_clients_and_higher_tiers_reach_further() -> None:
    profile = Profile.load("aws")
    reaches = [reach_of_run(profile, tier) for tier in TIERS]
    assert reaches == sorted(set(reaches))
    assert reach_of_clients(profile, 2) == 2 * reach_of_clients(profile, 1)


@EACH
def test_after_a_run_a_key_that_ended_by_the_clock_is_told_as_that(dialect: str) -> None:
    @contextlib.contextmanager
    def served() -> Iterator[str]:
        with Emulator(dialect) as emulator:
            pending(emulator, 2)
            yield emulator.target_yaml()

    outcome = run_suite(served, arguments=only(("isolation", "waiting_period", "afterwards")))
    found = outcome.verdict["isolation"]
    assert [each["cause"] for each in found["ended"]] == ["clock"]
    assert (found["changed"], found["vanished"]) == ([], [])
    assert found["digest_before"] == found["digest_after"]
    assert found["clock_days"] >= 8
    judged = {entry["id"]: entry["verdict"] for entry in outcome.verdict["requirements"]}
    assert judged["isolation.other-keys"] == judged["expiry.nothing-else"] == "passed"


@EACH
def test_keys_that_may_not_be_described_leave_the_expiry_checks_alone(dialect: str) -> None:
    outcome = run_suite(
        serving(dialect, decisions=(denying(is_foreign),), foreign_keys=6),
        arguments=only(("isolation", "waiting_period", "afterwards")),
    )
    judged = {entry["id"]: entry["verdict"] for entry in outcome.verdict["requirements"]}
    assert judged["isolation.other-keys"] == "passed"
    assert {verdict for name, verdict in judged.items() if name.startswith("expiry.")} == {"passed"}
    found = outcome.verdict["isolation"]
    assert found["denied"] >= 6
    assert found["described"] == 0


class Failing:
    """The first lists are refused."""

    def __init__(self, lists: int) -> None:
        self.left = lists

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation != "list" or not self.left:
            return outbound
        self.left -= 1
        return replace(outbound, status=404, body=b'{"error":{"error_code":"KMS.9999","error_msg":"Try later."}}')


def test_without_a_look_the_clock_stands_still(tmp_path: Path) -> None:
    """Lists fail until the run itself lists the keys: nobody has said then that keys of others may end."""
    # Nobody is asked on a terminal; the look before the run is repeated once.
    failing = Failing(lists=2)
    with Emulator("huawei", filters=(failing,)) as emulator:
        target_file(tmp_path, emulator)
        now = emulator.clock.now()
        done = command(tmp_path, "run", "--target", "t.yaml", *ENTRY[:-1], "entry or waiting_period")
        assert emulator.clock.now() - now < timedelta(minutes=5)
    assert failing.left == 0
    assert done.returncode == 3, done.stderr
    told = next((tmp_path / "out").rglob("verdict.json")).read_text()
    assert "could not be looked up whether keys of others end by that" in told


def test_a_look_that_fails_once_is_repeated(tmp_path: Path) -> None:
    with Emulator("huawei", filters=(Failing(lists=1),)) as emulator:
        found = clock_moves(load_target(target_file(tmp_path, emulator)), timedelta(days=100))
    assert found is not None
    assert found.unseen == ""
    assert len(found.ending) == 1


def test_a_command_without_a_report_needs_the_look(tmp_path: Path) -> None:
    with Emulator("huawei", filters=(Failing(lists=2),)) as emulator:
        target = load_target(target_file(tmp_path, emulator))
        with pytest.raises(TargetError, match="could not be looked up"):
            require([target], given=False, reach_of=lambda _: None)
