from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator_clients import Alibaba, Huawei

DAY = 86400


def test_huawei_to_the_second(huawei: Huawei) -> None:
    key_id, other = huawei.create("mine"), huawei.create("other")
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="8")
    gone = int(huawei.describe(key_id)["scheduled_deletion_date"]) // 1000
    now = huawei.emulator.clock.now().timestamp()
    # Five seconds before: far enough for this test to get through, near enough to tell a day from a second.
    huawei.advance(gone - now - 5)
    assert huawei.state(key_id) == "4"
    assert huawei.call("create-key", key_alias="mine").refusal == (400, "KMS.1104")
    huawei.advance(5)
    for operation in ("describe-key", "cancel-key-deletion", "enable-key", "encrypt-data"):
        said = huawei.call(operation, key_id=key_id, plain_text="x")
        assert said.refusal == (404, "KMS.0207")
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7").refusal == (404, "KMS.0207")
    assert key_id not in huawei.call("list-keys").body["keys"]
    assert huawei.state(other) == "2"
    assert huawei.state(huawei.create("mine")) == "2"


def test_huawei_rescue_at_the_last_moment(huawei: Huawei) -> None:
    key_id = huawei.create()
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    huawei.advance(7 * DAY - 5)
    assert huawei.call("cancel-key-deletion", key_id=key_id).body["key_state"] == "3"
    huawei.advance(10)
    assert huawei.state(key_id) == "3"


def test_the_window_starts_anew(huawei: Huawei) -> None:
    key_id = huawei.create()
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    huawei.advance(3 * DAY)
    first = huawei.describe(key_id)["scheduled_deletion_date"]
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days="30").refusal == (400, "KMS.1402")
    assert huawei.describe(key_id)["scheduled_deletion_date"] == first
    huawei.call("cancel-key-deletion", key_id=key_id)
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    second = huawei.describe(key_id)["scheduled_deletion_date"]
    assert int(second) - int(first) == pytest.approx(3 * DAY * 1000, abs=1000)


def test_alibaba_to_the_second(alibaba: Alibaba) -> None:
    key_id = alibaba.create()
    alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=30)
    alibaba.advance(30 * DAY - 5)
    assert alibaba.state(key_id) == "PendingDeletion"
    alibaba.advance(5)
    said = alibaba.call("CancelKeyDeletion", KeyId=key_id)
    assert said.refusal == (404, "Forbidden.KeyNotFound")


def test_the_clock_tells_and_moves(huawei: Huawei) -> None:
    first = huawei.advance(0)
    assert (first.status, list(first.body)) == (200, ["now"])
    assert huawei.advance(90.5).body["now"] > first.body["now"]
    assert huawei.advance(0).body["now"] == f"{huawei.emulator.clock.now():%Y-%m-%dT%H:%M:%SZ}"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"advance_seconds": -1}',
        b'{"advance_seconds": "7"}',
        b'{"advance_seconds": null}',
        b'{"advance_seconds": true}',
        b'{"advance_seconds": NaN}',
        b'{"advance_seconds": 1e300}',
        b'{"advance_seconds": 1e999}',
        b'{"advance_seconds": 300000000000}',
        b'{"advance_seconds": 1' + b"0" * 400 + b"}",
        b"\xff",
    ],
)
def test_the_clock_explains_what_it_refuses(huawei: Huawei, body: bytes) -> None:
    before = huawei.emulator.clock.now()
    said = huawei.send("POST", "/_control/clock", body)
    assert said.status == 400
    assert said.body["error"]
    assert (huawei.emulator.clock.now() - before).total_seconds() < 5


def test_the_clock_wants_post(alibaba: Alibaba) -> None:
    said = alibaba.send("GET", "/_control/clock")
    assert (said.status, said.headers["allow"]) == (405, "POST")
    assert json.dumps(said.body)
