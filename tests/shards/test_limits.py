"""Shards share an account: each keeps to its part of the keys, leaves those of others alone, and knows them for kin."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from fleet import commands

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.emulator import Emulator, Inbound, Outbound
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.preflight.account import keys_in_use
from kms_conformance.target import parse_target

Open = Callable[[Path, str], TargetSession]


@pytest.fixture
def shard() -> Iterator[Open]:
    """Opens the target session of a shard by its mark, with a share of two keys of four, at one emulator."""
    with Emulator("huawei") as emulator, ExitStack() as stack:
        target = parse_target(yaml.safe_dump(emulator.target() | {"limits": {"max_keys": 4}}), "t")

        def begin(state: Path, mark: str) -> TargetSession:
            target_session = TargetSession(target, Ledger.of(target, state, mark), 6, share=2 if mark else None)
            stack.callback(target_session.close)
            target_session.open()
            return target_session

        yield begin


def test_each_shard_has_its_share_and_no_more(tmp_path: Path, shard: Open) -> None:
    first, second = shard(tmp_path, "1of2"), shard(tmp_path, "2of2")
    for target_session in (first, second):
        for _ in range(2):
            target_session.pool.create()
        with pytest.raises(Inconclusive, match="one more key"):
            target_session.pool.create()


def test_shard_takes_back_what_its_own_runs_have_left(tmp_path: Path, shard: Open) -> None:
    first, second = shard(tmp_path, "1of2"), shard(tmp_path, "2of2")
    mine, theirs = first.pool.create(), second.pool.create()
    for target_session in (first, second):
        target_session.end()
    again = shard(tmp_path, "1of2")
    assert again.pool.create() == mine
    assert again.pool.create() not in (mine, theirs)
    # A whole run takes back whatever is free.
    assert shard(tmp_path, "").pool.create() == theirs


def test_keys_of_other_shards_are_neither_strangers_nor_in_the_way(tmp_path: Path, shard: Open) -> None:
    first = shard(tmp_path / "here", "1of2")
    key = first.pool.create()
    for mark, expected in (("2of2", []), ("1of2", [key]), ("2of3", [key]), ("", [key])):
        elsewhere = shard(tmp_path / f"elsewhere {mark}", mark)
        found = keys_in_use(elsewhere.pool, elsewhere.ledger, elsewhere.pool.list_keys())
        assert [stranger for stranger, _ in found] == expected
        assert key not in elsewhere.others


def test_key_of_another_shard_is_known_by_the_ledger_when_its_description_is_gone(tmp_path: Path, shard: Open) -> None:
    first = shard(tmp_path, "1of2")
    key = first.pool.create()
    first.client.ask("update_description", key_id=key, description="something else")
    assert key not in shard(tmp_path, "2of2").others


def test_keys_that_cannot_be_divided_end_a_run_before_anything_is_sent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    received: list[Inbound] = []

    def note(inbound: Inbound, outbound: Outbound) -> Outbound:
        received.append(inbound)
        return outbound

    with Emulator("huawei", filters=[note]) as emulator:
        (tmp_path / "t.yaml").write_text(yaml.safe_dump(emulator.target() | {"limits": {"max_keys": 5}}))
        asked = ("run", "--target", str(tmp_path / "t.yaml"), "--reports", str(tmp_path / "out"), "--seed", "1")
        assert commands([(*asked, "--tier", "smoke", "--shard", "1/3")], tmp_path, quiet=False) == [2]
    said = "".join(capfd.readouterr())
    assert said.count("Set limits.max_keys to 6 or more, or use 2 shards at most.") == 1
    assert "Interrupted" not in said
    assert received == []
