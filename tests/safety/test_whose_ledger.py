"""The ledger belongs to the account: credentials may change every night, and another account's keys are left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from kms_conformance.cli.sweep import sweep_target
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_files import earlier_place_of, place_of
from kms_conformance.client.oracle import ENABLED
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, State
from kms_conformance.emulator.alibaba import credentials as alibaba
from kms_conformance.emulator.alibaba import replies
from kms_conformance.emulator.aws import credentials as aws
from kms_conformance.emulator.aws import parameters
from kms_conformance.keys.planted import PlantedKey, planted_keys
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.doctor import diagnose
from kms_conformance.target import Target, parse_target

SIGNED = pytest.mark.parametrize("dialect", ["alibaba", "aws"])
STORES = {"alibaba": alibaba, "aws": aws}


def target_of(emulator: Emulator, night: int = 0, **further: object) -> Target:
    """The target, with temporary credentials that only this night has."""
    document = emulator.target() | further
    found = parse_target(yaml.safe_dump(document), "t.yaml")
    if found.dialect not in STORES:
        return found
    store = STORES[found.dialect]
    key, token = f"STS.NIGHT{night}", f"TOKEN-OF-NIGHT-{night}"
    store.ACCESS_KEYS[key] = store.AccessKey(f"SECRET-OF-NIGHT-{night}", token)
    auth = replace(found.auth, access_key_id=key, access_key_secret=f"SECRET-OF-NIGHT-{night}", security_token=token)
    return replace(found, auth=auth)


@pytest.fixture(autouse=True)
def access_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for store in STORES.values():
        monkeypatch.setattr(store, "ACCESS_KEYS", dict(store.ACCESS_KEYS))


@pytest.fixture(params=["alibaba", "aws"])
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(request.param) as served:
        yield served


def target_session_of(target: Target, folder: Path, keys: int = 2) -> TargetSession:
    target_session = TargetSession(target, Ledger.of(target, folder), keys)
    target_session.open()
    return target_session


def test_keys_are_taken_back_night_after_night_though_each_has_other_credentials(emulator, tmp_path: Path) -> None:
    before = {key.id for key in emulator.store.keys}
    for night in range(4):
        target_session = target_session_of(target_of(emulator, night, limits={"max_keys": 2}), tmp_path)
        for _ in range(2):
            target_session.pool.create()
        assert target_session.pool.created == (0 if night else 2)
        assert target_session.pool.room == 0
        assert target_session.end() == ()
    assert len({key.id for key in emulator.store.keys} - before) == 2
    assert len(list(tmp_path.glob("*.jsonl"))) == 1


def test_what_a_killed_night_left_is_let_go_by_the_next_one_with_its_own_credentials(emulator, tmp_path: Path) -> None:
    killed = target_session_of(target_of(emulator, 1), tmp_path)
    key = killed.pool.create()
    killed.close()
    later = target_session_of(target_of(emulator, 2), tmp_path)
    assert later.end() == ()
    assert emulator.store.describe(key).state is State.PENDING_DELETION
    assert Ledger.of(target_of(emulator, 3), tmp_path).unfinished() == ()


def test_a_planted_key_is_found_with_other_credentials(emulator, tmp_path: Path) -> None:
    target_session = target_session_of(target_of(emulator, 1), tmp_path)
    key = target_session.pool.create()
    now = target_session.time.now()
    planted = PlantedKey.scheduled(target_session.pool.marker(key), key, now, 7, now + timedelta(days=7))
    target_session.ledger.write("planted", planted.marker, key, **planted.facts(now))
    target_session.pool.set_aside(key)
    target_session.end()
    later = target_session_of(target_of(emulator, 2), tmp_path)
    assert [found.key for found in planted_keys(later.ledger)] == [key]
    later.end()


def test_keys_that_are_gone_are_closed_with_other_credentials_of_the_same_account(emulator, tmp_path: Path) -> None:
    killed = target_session_of(target_of(emulator, 1), tmp_path)
    key = killed.pool.create()
    killed.close()
    del emulator.store._keys[key]  # noqa: SLF001 - no request can do that
    later = target_session_of(target_of(emulator, 2), tmp_path)
    assert later.end() == ()
    assert later.ledger.unfinished() == ()


def other_account(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same endpoint shows another account."""
    if emulator.target()["dialect"] == "aws":
        monkeypatch.setattr(parameters, "_HERE", parameters._HERE.replace(aws.ACCOUNT_ID, "999999999999"))  # noqa: SLF001 - as said
    else:
        monkeypatch.setattr(replies, "_ARN", replies._ARN.replace(alibaba.ACCOUNT_ID, "9999999999999999"))  # noqa: SLF001


def test_keys_of_another_account_in_the_same_ledger_are_left_alone_and_told_of(
    emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    killed = target_session_of(target_of(emulator, 1), tmp_path)
    key = killed.pool.create()
    killed.close()
    theirs = emulator.store._keys.pop(key)  # noqa: SLF001 - the other account has no such key
    monkeypatch.setenv("KMS_CONFORMANCE_STATE", str(tmp_path))
    with monkeypatch.context() as elsewhere:
        other_account(emulator, elsewhere)
        target = target_of(emulator, 2)
        findings = {finding.topic: finding for finding in diagnose(target, Ledger.of(target))}
        assert findings["left elsewhere"].level == "warn"
        target_session = target_session_of(target, tmp_path)
        assert target_session.pool.room == 2
        assert target_session.end() == ()
        assert Ledger.of(target).unfinished() == ()
        assert sweep_target(target, dry_run=False) == 0
        assert f"the key {key} belongs to another account" in capsys.readouterr().out
    emulator.store.put(theirs)
    back = target_of(emulator, 3)
    assert sweep_target(back, dry_run=False) == 0
    assert emulator.store.describe(key).state is State.PENDING_DELETION


def test_where_no_account_is_told_and_credentials_differ_nothing_counts_as_gone(emulator, tmp_path: Path) -> None:
    killed = target_session_of(target_of(emulator, 1), tmp_path)
    key = killed.pool.create()
    killed.close()
    kept = dict(emulator.store._keys)  # noqa: SLF001 - an account without any key
    emulator.store._keys.clear()  # noqa: SLF001 - as above
    empty = target_session_of(target_of(emulator, 2), tmp_path)
    empty.end()
    (record,) = empty.ledger.unfinished()
    assert (record.key, "the account may be another one" in record.facts["reason"]) == (key, True)
    emulator.store._keys.update(kept)  # noqa: SLF001 - as above
    assert target_session_of(target_of(emulator, 3), tmp_path).end() == ()
    assert emulator.store.describe(key).state is State.PENDING_DELETION


# Ledgers of earlier releases


def as_an_earlier_release(ledger: Ledger, path: Path) -> None:
    """Move what stands in a ledger to the file that an earlier release had, as it wrote it."""
    lines = [line for line in ledger.path.read_text().splitlines() if json.loads(line)["event"] != "account"]
    path.write_text("".join(f"{line}\n" for line in lines))
    ledger.path.unlink()


@pytest.mark.parametrize("same", [True, False], ids=["same credentials", "other credentials"])
def test_a_ledger_that_is_named_after_an_access_key_is_not_forgotten(emulator, tmp_path: Path, same: bool) -> None:
    first = target_of(emulator, 1, limits={"max_keys": 2})
    killed = target_session_of(first, tmp_path)
    left = killed.pool.create()
    pending = killed.pool.create()
    killed.pool.bring(pending, "pending_deletion")
    killed.pool.finish(pending, "scheduled")
    killed.close()
    as_an_earlier_release(killed.ledger, earlier_place_of(first, tmp_path))
    later = target_session_of(first if same else target_of(emulator, 2, limits={"max_keys": 2}), tmp_path)
    assert {record.key for record in later.ledger.here if record.may_exist} == {left, pending}
    assert later.pool.room == 0
    assert {later.pool.create(), later.pool.create()} == {left, pending}
    assert later.end() == ()
    assert emulator.store.describe(left).state is State.PENDING_DELETION
    assert later.ledger.unfinished() == ()


def test_what_a_ledger_of_another_endpoint_says_is_not_taken_over(emulator, tmp_path: Path) -> None:
    target = target_of(emulator, 1)
    elsewhere = replace(target, base_url="http://127.0.0.1:9")
    other = Ledger.of(elsewhere, tmp_path)
    other.write("created", "kms-conformance-0badf00d-0", next(key.id for key in emulator.store.keys))
    other.close()
    target_session = target_session_of(target, tmp_path)
    assert target_session.ledger.records() == {}
    assert target_session.end() == ()


# Where it lies


@pytest.mark.parametrize("dialect", specs.dialects())
def test_its_name_holds_nothing_of_the_credentials(dialect: str, tmp_path: Path) -> None:
    with Emulator(dialect) as emulator:
        one, two = target_of(emulator, 1), target_of(emulator, 2)
    if dialect != "huawei":
        assert one.auth != two.auth
    assert place_of(one, tmp_path) == place_of(two, tmp_path)
    assert place_of(one, tmp_path) != place_of(replace(one, base_url="http://127.0.0.1:9"), tmp_path)
    assert place_of(one, tmp_path) != place_of(replace(one, name="other"), tmp_path)


def test_a_target_file_names_it_or_says_where_it_lies(tmp_path: Path) -> None:
    with Emulator("aws") as emulator:
        text = emulator.target_yaml()
    named = parse_target(f"{text}ledger: production\n", tmp_path / "t.yaml")
    assert place_of(named, tmp_path / "state") == tmp_path / "state" / "production.jsonl"
    placed = parse_target(f"{text}ledger: kept/ours.jsonl\n", tmp_path / "t.yaml")
    assert place_of(placed, tmp_path / "state") == tmp_path / "kept" / "ours.jsonl"
    ledger = Ledger.of(placed)
    ledger.write("intent", "m1")
    assert (tmp_path / "kept" / "ours.jsonl").is_file()


def test_two_targets_of_one_account_may_share_a_ledger(tmp_path: Path) -> None:
    with Emulator("aws") as emulator:
        first = target_session_of(target_of(emulator, 1, name="a", ledger="ours"), tmp_path)
        key = first.pool.create()
        assert first.end() == ()
        second = target_session_of(target_of(emulator, 2, name="b", ledger="ours"), tmp_path)
        assert second.pool.create() == key
        assert second.pool.read(key).state == ENABLED
        assert second.end() == ()
