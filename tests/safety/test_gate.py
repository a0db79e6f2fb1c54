"""The gate: whoever asks, and however a request is written, nothing leaves that could change what is not ours."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path

import pytest

import kms_conformance
from kms_conformance.client.gate import NotOurs
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import ENABLED
from kms_conformance.core import specs
from kms_conformance.dialects.base import Raw
from kms_conformance.wire.messages import Request

BOTH = pytest.mark.parametrize("dialect", specs.dialects())


@BOTH
def test_no_operation_that_changes_something_may_name_a_foreign_key(scene, dialect: str) -> None:
    at = scene(dialect)
    api = at.target_session.client.api
    for operation in sorted(api.operations.keys() - api.read_only - {"create"}):
        with at.nothing_is_sent(), pytest.raises(NotOurs):
            at.kms.ask(operation, key_id=at.foreign)
    assert at.kms.ask("describe", key_id=at.foreign).accepted


@BOTH
def test_a_foreign_key_that_was_never_listed_is_found_out_by_asking(scene, dialect: str) -> None:
    at = scene(dialect)
    new = replace(at.emulator.store.keys[-1], id=at.kms.dialect.unknown_key())
    at.emulator.store.put(new)
    before = len(at.received)
    with pytest.raises(Inconclusive, match="did not confirm that no key has this id"):
        at.kms.ask("schedule", key_id=new.id, window=7)
    assert [inbound.operation for inbound in at.received[before:]] == ["describe"]
    assert at.emulator.store.keys[-1] == new


@BOTH
def test_an_id_that_nobody_has_is_looked_up_once_and_may_be_named(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.dialect.unknown_key()
    before = len(at.received)
    for _ in range(2):
        assert not at.kms.ask("schedule", key_id=key, window=7).accepted
    asked = [inbound.operation for inbound in at.received[before:]]
    assert asked == ["describe", "schedule", "schedule"]


@BOTH
def test_the_session_itself_refuses_so_that_nobody_goes_round_the_client(scene, dialect: str) -> None:
    at = scene(dialect)
    client = at.target_session.client
    for key in (at.foreign, client.dialect.unknown_key()):
        signed = client.signer.sign(client.dialect.request("cancel", {"key_id": key}))
        with at.nothing_is_sent(), pytest.raises(NotOurs):
            client.session.send(signed)


@BOTH
def test_a_key_is_created_only_where_the_ledger_announces_it(scene, dialect: str) -> None:
    at = scene(dialect)
    naming = at.kms.dialect.naming(f"{MARKER_PREFIX}made-up-0")
    with at.nothing_is_sent(), pytest.raises(NotOurs, match="does not announce"):
        at.kms.ask("create", **naming)
    with at.nothing_is_sent(), pytest.raises(NotOurs, match="does not announce"):
        at.kms.ask("create")


@BOTH
def test_an_announcement_serves_one_key(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.target_session.pool.create()
    with at.nothing_is_sent(), pytest.raises(NotOurs, match="does not announce"):
        at.kms.ask("create", **at.kms.dialect.naming(at.target_session.pool.marker(key)))


@BOTH
def test_keys_of_a_run_are_its_own_to_change(scene, dialect: str) -> None:
    at = scene(dialect)
    key = at.kms.key(ENABLED)
    assert at.kms.ask("schedule", key_id=key, window=at.kms.window.minimum).accepted
    assert at.kms.ask("cancel", key_id=key).accepted
    assert at.target_session.end() == ()
    # What was let go is another run's to take.
    assert at.target_session.ledger.holds(key)


@BOTH
def test_values_of_any_type_are_looked_at(scene, dialect: str) -> None:
    at = scene(dialect)
    number = replace(at.emulator.store.keys[-1], id="7")
    at.emulator.store.put(number)
    at.target_session.pool.list_keys()
    for value in (7, ["7"], {"a": {"b": "7"}}):
        with at.nothing_is_sent(), pytest.raises((NotOurs, Inconclusive)):
            at.target_session.client.session.send(
                at.target_session.client.signer.sign(
                    at.kms.dialect.request("schedule", {"key_id": Raw(value), "window": 7})
                )
            )


def writings(dialect: str, key: str, base: str) -> list[Request]:
    """Requests that a lenient server could take for one that schedules a foreign key."""
    escaped = "".join(f"\\u{ord(character):04x}" for character in key)
    percent = "".join(f"%{ord(character):02X}" for character in key)
    if dialect == "huawei":
        url = f"{base}/v1.0/p/kms/schedule-key-deletion"
        read = f"{base}/v1.0/p/kms/describe-key"
        header = (("Content-Type", "application/json"),)
        ours = json.dumps({"key_id": "x", "pending_days": "7"})[:-1]
        bodies = [
            f'{{"key_id": "{key}", "pending_days": "7"}}',
            f'{{"key_id": "{escaped}", "pending_days": "7"}}',
            f'{{"key_id": "{key.upper()}", "pending_days": "7"}}',
            f'{ours}, "key_id": "{key}"}}',
            f'{{"request": {{"KEY_ID": ["{key}"]}}}}',
            f'{{"key_id": "{key}", "pending_days": "7"',
            f"key_id={key}&pending_days=7",
            f"<key_id>{key}</key_id>",
        ]
        requests = [Request("POST", url, header, body.encode()) for body in bodies]
        requests += [Request("POST", f"{url}?key_id={percent}", header, b"{}")]
        requests += [Request(method, read, header, bodies[0].encode()) for method in ("PUT", "DELETE", "PATCH")]
        requests += [Request("POST", f"{read}/../schedule-key-deletion", header, bodies[0].encode())]
        requests += [Request("POST", f"{base}/V1.0/p/kms/Schedule-Key-Deletion", header, bodies[0].encode())]
        return requests
    queries = [
        f"Action=ScheduleKeyDeletion&KeyId={key}",
        f"Action=ScheduleKeyDeletion&KeyId={percent}",
        f"Action=ScheduleKeyDeletion&keyid={key.upper()}",
        f"Action=ScheduleKeyDeletion&KeyId=x&KeyId={key}",
        f"Action=DescribeKey&Action=ScheduleKeyDeletion&KeyId={key}",
        f"Action=SetDeletionProtection&ProtectedResourceArn=acs:kms:r:1:key/{key}",
        f"KeyId={key}",
        f"Action=schedulekeydeletion&Other={key}",
    ]
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    return [
        *(Request("POST", f"{base}/?{query}") for query in queries),
        *(Request("POST", f"{base}/", form, query.encode()) for query in queries),
        Request("POST", f"{base}/?KeyId={key}", (("x-acs-action", "ScheduleKeyDeletion"),)),
        Request("POST", f"{base}/?Action=DescribeKey&KeyId={key}", (("x-acs-action", "ScheduleKeyDeletion"),)),
    ]


@pytest.mark.parametrize("listed", [True, False], ids=["listed", "never listed"])
@pytest.mark.parametrize("dialect", ["huawei", "alibaba"])
def test_no_way_of_writing_it_gets_through(scene, dialect: str, listed: bool) -> None:
    at = scene(dialect)
    key = at.foreign
    if not listed:
        key = at.kms.dialect.unknown_key()
        at.emulator.store.put(replace(at.emulator.store.keys[-1], id=key))
    for request in writings(dialect, key, at.emulator.base_url):
        if not listed and "Other=" in request.url + request.body.decode():
            continue  # an id that nobody has shown us, in a field that names no key, is a text like any other
        with at.nothing_is_sent(), pytest.raises(NotOurs):
            at.target_session.client.session.send(request)


def test_the_client_is_the_only_one_to_open_a_session_with_a_target() -> None:
    """And the session is the only one to have a transport, so that there is no way around the gate."""
    made: dict[str, set[str]] = {"Session": set(), "Transport": set()}
    root = Path(kms_conformance.__file__).parent
    for path in root.rglob("*.py"):
        module = str(path.relative_to(root))
        # These serve, are deliberate faults, or are copied into scripts that users start.
        if module.startswith(("emulator", "apps/selftest", "apps/clock/control", "apps/replay/script/")):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            called = node.func if isinstance(node, ast.Call) else None
            named = called.value if isinstance(called, ast.Attribute) else called
            if isinstance(named, ast.Name) and named.id in made:
                made[named.id].add(module)
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                heads = {name.partition(".")[0] for name in names} | set(names)
                # Under the vendors' own clients lies a tap, which has a gate of its own (tests/sdk/test_tap.py).
                # `libraries` asks urllib3 for its version alone. `restart` opens connections and sends nothing.
                allowed = module.startswith(
                    ("wire", "suite/fuzz", "apps/sdk/tap", "core/errors", "core/libraries", "apps/until_fixed/restart")
                ) or heads & {"urllib.parse"}
                network = heads & {"requests", "urllib3", "httpx", "socket", "http", "urllib.request"}
                assert allowed or not network, f"{module} imports {network}"
    assert made == {"Session": {"client/target_client.py"}, "Transport": {"wire/network.py"}}


def test_an_alias_of_ours_may_be_named_in_full_and_nobody_elses(scene) -> None:
    client = scene("aws").target_session.client
    account = "arn:aws:kms:us-east-1:111122223333:alias/"
    client.gate.check(client.dialect.request("schedule", {"key_id": f"{account}{MARKER_PREFIX}1", "window": 7}))
    with pytest.raises(NotOurs):
        client.gate.check(client.dialect.request("schedule", {"key_id": f"{account}payroll", "window": 7}))
