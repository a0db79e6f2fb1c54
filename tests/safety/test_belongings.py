"""What a run gives to its keys: it is on record before, and given back, whatever ends the run or the target refuses."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
import yaml
from conftest import Scene
from left_over import left_over

from kms_conformance.cli.sweep import sweep_target
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.core import specs
from kms_conformance.emulator import Inbound, Outbound, State
from kms_conformance.keys.give_back import GiveBack
from kms_conformance.target import Target, parse_target

ALIAS = {"huawei": "kms-conformance-0123", "alibaba": "alias/kms-conformance-0123", "aws": "alias/kms-conformance-0123"}
TAGGING = ("alibaba", "aws")


def lines(at: Scene) -> list[dict[str, str]]:
    return [json.loads(line) for line in at.target_session.ledger.path.read_text().splitlines()]


def give(at: Scene, key: str) -> None:
    """Give a key something of every kind that the dialect has, and leave it there."""
    client, dialect = at.target_session.client, at.target_session.client.dialect
    asked = {
        "set_alias": {"alias": ALIAS[dialect.profile.dialect]},
        "tag": {"tags": {"kms-conformance": "1", "another": "2"}},
        "create_grant": {"grantee": "arn:aws:iam::111122223333:root", "grant_operations": ["DescribeKey"]},
        "put_policy": {"policy": json.dumps({"Version": "2012-10-17", "Id": "kms-conformance", "Statement": []})},
        "enable_rotation": {},
        "update_description": {"description": f"{at.target_session.pool.marker(key)} changed"},
    }
    for operation, arguments in asked.items():
        if operation in client.api:
            assert client.ask(operation, key_id=key, **arguments).accepted, operation


def killed(at: Scene) -> None:
    """The end of a run that says nothing more: its lease ends, and nothing is given back."""
    at.target_session.close()


def target_of(at: Scene) -> Target:
    folder = at.target_session.ledger.path
    return replace(parse_target(yaml.safe_dump(at.emulator.target()), "t"), ledger=folder)


def ours(at: Scene) -> list:
    return [key for key in at.emulator.store.keys if key.id in at.target_session.pool.held]


@pytest.mark.parametrize("dialect", specs.dialects())
def test_each_kind_is_on_record_before_its_first_request_and_once(scene: Callable[..., Scene], dialect: str) -> None:
    seen: list[int] = []

    def count(inbound: Inbound, outbound: Outbound) -> Outbound:
        if inbound.operation == "set_alias":
            seen.append(sum(line["event"] == "made" for line in lines(at)))
        return outbound

    at = scene(dialect, filters=[count])
    key = at.kms.key()
    at.kms.ask("set_alias", key_id=key, alias=ALIAS[dialect])
    assert seen == [1]
    before = len(lines(at))
    at.kms.ask("set_alias", key_id=key, alias=ALIAS[dialect])
    assert len(lines(at)) == before


@pytest.mark.parametrize("dialect", specs.dialects())
def test_end_of_a_run_gives_everything_back(scene: Callable[..., Scene], dialect: str) -> None:
    at = scene(dialect)
    give(at, at.kms.key())
    assert left_over(dialect, ours(at)) != {}
    assert at.target_session.end() == ()
    assert left_over(dialect, ours(at)) == {}
    assert all(key.state is State.PENDING_DELETION for key in ours(at))
    told = at.target_session.belongings
    assert told["made"] == told["returned"] != {}
    assert (told["earlier"], told["left"]) == ({}, [])


@pytest.mark.parametrize("dialect", specs.dialects())
def test_what_the_checks_took_off_themselves_costs_no_request(scene: Callable[..., Scene], dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key()
    marker = at.target_session.pool.marker(key)
    at.kms.ask("update_description", key_id=key, description="other")
    at.kms.ask("update_description", key_id=key, description=marker)
    if "delete_alias" in at.target_session.client.api:
        at.kms.ask("set_alias", key_id=key, alias=ALIAS[dialect])
        at.kms.ask("delete_alias", alias=ALIAS[dialect])
    before = len(at.received)
    at.target_session.pool.release()
    assert [each.operation for each in at.received[before:]] == ["describe", "describe", "schedule", "describe"]
    told = at.target_session.belongings
    assert told["made"] == told["returned"] != {}


@pytest.mark.parametrize("state", ["enabled", "pending_deletion"])
@pytest.mark.parametrize("dialect", specs.dialects())
def test_sweep_gives_back_what_a_killed_run_left(scene: Callable[..., Scene], dialect: str, state: str) -> None:
    at = scene(dialect)
    key = at.kms.key()
    give(at, key)
    at.target_session.pool.bring(key, state)
    killed(at)
    assert left_over(dialect, ours(at)) != {}
    assert sweep_target(target_of(at), dry_run=True) == 0
    assert left_over(dialect, ours(at)) != {}
    assert sweep_target(target_of(at), dry_run=False) == 0
    assert left_over(dialect, ours(at)) == {}
    assert all(key.state is State.PENDING_DELETION for key in ours(at))
    assert Ledger.of(target_of(at)).burdened() == ()


@pytest.mark.parametrize("dialect", TAGGING)
def test_tags_of_others_stay(scene: Callable[..., Scene], dialect: str) -> None:
    """An organisation may tag each new key, and permissions may depend on that tag."""
    at = scene(dialect)
    key = at.kms.key()
    at.emulator.store.tag(key, {"owner": "somebody"})
    give(at, key)
    killed(at)
    assert sweep_target(target_of(at), dry_run=False) == 0
    assert [dict(each.tags) for each in ours(at)] == [{"owner": "somebody"}]


@pytest.mark.parametrize("dialect", TAGGING)
def test_what_is_not_given_back_is_told_and_the_key_is_scheduled_all_the_same(
    scene: Callable[..., Scene], dialect: str, capsys: pytest.CaptureFixture[str]
) -> None:
    refusing = [True]

    def refuse(inbound: Inbound, outbound: Outbound) -> Outbound:
        refused = refusing[0] and inbound.operation == "untag"
        return replace(outbound, status=403).with_value({"Code": "No", "__type": "No"}) if refused else outbound

    # The emulator's store is asked before the filter, so that the tags are put back.
    at = scene(dialect, filters=[refuse])
    key = at.kms.key()
    give(at, key)
    untag, at.emulator.store.changed = at.emulator.store.changed, _without_untag(at)  # type: ignore[method-assign]
    assert at.target_session.end() == ()
    (left,) = at.target_session.belongings["left"]  # type: ignore[misc, attr-defined]
    assert (left["key"], left["kind"]) == (key, "tag")
    assert "untag was answered 403 No" in left["reason"]
    assert left_over(dialect, ours(at)) == {"tag": 2}
    assert all(each.state is State.PENDING_DELETION for each in ours(at))
    assert sweep_target(target_of(at), dry_run=False) == 3
    assert f"the tag of the key {key} could not be given back" in capsys.readouterr().err
    refusing[0] = False
    at.emulator.store.changed = untag  # type: ignore[method-assign]
    assert sweep_target(target_of(at), dry_run=False) == 0
    assert left_over(dialect, ours(at)) == {}


def _without_untag(at: Scene) -> Callable[..., object]:
    changed = at.emulator.store.changed

    def unless_untag(operation: str, key_id: str, change: Callable[..., object]) -> object:
        return changed(operation, key_id, (lambda key, _: key) if operation == "untag" else change)

    return unless_untag


def test_what_earlier_releases_left_is_given_back_by_sweep(scene: Callable[..., Scene]) -> None:
    at = scene("aws")
    key = at.kms.key()
    for number in range(49):
        at.emulator.store.set_alias(key, f"alias/kms-conformance-{number:012x}", replacing=False)
    at.emulator.store.set_alias(key, "alias/of-somebody", replacing=False)
    at.emulator.store.tag(key, {"kms-conformance": "1"})
    path = at.target_session.ledger.path
    text = path.read_text().replace(', "belongings": "recorded"', "")
    path.write_text(text)
    killed(at)
    assert sweep_target(target_of(at), dry_run=False) == 0
    (there,) = ours(at)
    assert (there.aliases, there.tags) == (("alias/of-somebody",), ())
    received = len(at.received)
    assert sweep_target(target_of(at), dry_run=False) == 0
    assert "list_aliases" not in {each.operation for each in at.received[received:]}


@pytest.mark.parametrize("dialect", specs.dialects())
def test_lost_reply_counts_as_made(scene: Callable[..., Scene], dialect: str) -> None:
    losing = [False]

    def lose(inbound: Inbound, outbound: Outbound) -> Outbound:
        lost = losing[0] and inbound.operation in ("set_alias", "create_grant")
        return replace(outbound, silence="closed") if lost else outbound

    at = scene(dialect, filters=[lose])
    key = at.kms.key()
    losing[0] = True
    with contextlib.suppress(Inconclusive):
        at.kms.ask("set_alias", key_id=key, alias=ALIAS[dialect])
    if dialect == "aws":
        with contextlib.suppress(Inconclusive):
            grantee = "arn:aws:iam::111122223333:root"
            at.kms.ask("create_grant", key_id=key, grantee=grantee, grant_operations=["DescribeKey"])
    losing[0] = False
    assert left_over(dialect, ours(at)) != {}
    assert at.target_session.end() == ()
    assert left_over(dialect, ours(at)) == {}
    told = at.target_session.belongings
    assert told["made"] == told["returned"] != {}


@pytest.mark.parametrize("dialect", specs.dialects())
def test_key_is_scheduled_though_its_belongings_cannot_be_read_or_recorded(
    scene: Callable[..., Scene], dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = scene(dialect)
    give(at, at.kms.key())

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("announce", "close_belongings", "keep_belongings"):
        monkeypatch.setattr(Ledger, name, full)
    monkeypatch.setattr(GiveBack, "_give_back", lambda *_: 1 / 0)
    assert at.target_session.pool.release() == ()
    assert all(key.state is State.PENDING_DELETION for key in ours(at))
    assert {each["reason"] for each in at.target_session.belongings["left"]} == {  # type: ignore[attr-defined]
        "ZeroDivisionError: division by zero"
    }
