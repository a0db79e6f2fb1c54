from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING

import pytest

from kms_conformance.emulator.huawei import credentials

if TYPE_CHECKING:
    from emulator_clients import Huawei

UNKNOWN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"


def test_a_life_from_creation_to_rescue(huawei: Huawei) -> None:
    key_id = huawei.create("mine")
    assert huawei.describe(key_id) | {"creation_date": "", "expiration_time": ""} == {
        "key_id": key_id,
        "domain_id": credentials.DOMAIN_ID,
        "key_alias": "mine",
        "realm": credentials.REGION,
        "key_spec": "AES_256",
        "key_usage": "ENCRYPT_DECRYPT",
        "key_description": "",
        "creation_date": "",
        "scheduled_deletion_date": "",
        "key_state": "2",
        "default_key_flag": "0",
        "key_type": "1",
        "expiration_time": "",
        "origin": "kms",
    }
    assert huawei.call("disable-key", key_id=key_id).body == {"key_info": {"key_id": key_id, "key_state": "3"}}
    assert huawei.call("enable-key", key_id=key_id).body == {"key_info": {"key_id": key_id, "key_state": "2"}}
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7").body == {
        "key_id": key_id,
        "key_state": "4",
    }
    assert huawei.state(key_id) == "4"
    assert huawei.call("cancel-key-deletion", key_id=key_id).body == {"key_id": key_id, "key_state": "3"}
    assert huawei.describe(key_id)["scheduled_deletion_date"] == ""


def test_the_deletion_date_is_the_window_after_the_request(huawei: Huawei) -> None:
    key_id = huawei.create()
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="1096")
    told = huawei.describe(key_id)
    assert re.fullmatch(r"[0-9]{10}000", told["scheduled_deletion_date"])
    days = (int(told["scheduled_deletion_date"]) - int(told["creation_date"])) / 86_400_000
    assert days == pytest.approx(1096, abs=1 / 86400)


def test_an_external_key_waits_for_its_import_again(huawei: Huawei) -> None:
    key_id = huawei.create(origin="external")
    assert huawei.state(key_id) == "5"
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7").body["key_state"] == "4"
    assert huawei.call("cancel-key-deletion", key_id=key_id).body["key_state"] == "5"


@pytest.mark.parametrize("days", ["7", "8", "1095", "1096", 7, 1096])
def test_windows_in_range_are_accepted(huawei: Huawei, days: object) -> None:
    assert huawei.call("schedule-key-deletion", key_id=huawei.create(), pending_days=days).status == 200


@pytest.mark.parametrize(
    "days",
    [
        "6",
        "1097",
        "0",
        "-1",
        "-7",
        "7.0",
        "7.5",
        "07",
        "+7",
        " 7",
        "7 ",
        "",
        "seven",
        "\u0667",
        "1" * 5000,
        "0x7",
        "1e1",
    ],
)
def test_other_windows_are_refused(huawei: Huawei, days: str) -> None:
    key_id = huawei.create()
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days=days).refusal == (400, "KMS.1401")
    assert huawei.state(key_id) == "2"


@pytest.mark.parametrize("days", [6, 1097, -1, 7.0, 7.5, None, True, [], ["7"], {}, {"7": 7}, 10**400])
def test_ill_typed_windows_are_refused(huawei: Huawei, days: object) -> None:
    key_id = huawei.create()
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days=days).refusal == (400, "KMS.1401")
    assert huawei.state(key_id) == "2"


def test_a_bad_window_is_told_before_an_unknown_key(huawei: Huawei) -> None:
    assert huawei.call("schedule-key-deletion", key_id=UNKNOWN, pending_days="6").code == "KMS.1401"
    assert huawei.call("schedule-key-deletion", key_id=UNKNOWN).refusal == (400, "KMS.0204")


ALL_ON_A_KEY = (
    "describe-key",
    "enable-key",
    "disable-key",
    "schedule-key-deletion",
    "cancel-key-deletion",
    "encrypt-data",
    "create-datakey",
    "update-key-alias",
    "update-key-description",
)
ENOUGH = {"pending_days": "7", "plain_text": "x", "key_alias": "other", "key_description": "other"}


@pytest.mark.parametrize("operation", ALL_ON_A_KEY)
def test_keys_that_are_unknown_malformed_or_missing(huawei: Huawei, operation: str) -> None:
    assert huawei.call(operation, key_id=UNKNOWN, **ENOUGH).refusal == (404, "KMS.0207")
    for malformed in ("", "nope", UNKNOWN.upper(), UNKNOWN + "0", 7, None, [UNKNOWN], {}, True, 1e300, "\0", "\ud800"):
        assert huawei.call(operation, key_id=malformed, **ENOUGH).refusal in {(400, "KMS.0205"), (400, "KMS.0202")}
    assert huawei.call(operation, **ENOUGH).refusal == (400, "KMS.0204")


REFUSED = {
    "enabled": {"enable-key": "KMS.1201", "cancel-key-deletion": "KMS.1501"},
    "disabled": {
        "disable-key": "KMS.1301",
        "cancel-key-deletion": "KMS.1501",
        "encrypt-data": "KMS.0209",
        "create-datakey": "KMS.0209",
    },
    "pending": {
        "enable-key": "KMS.0210",
        "disable-key": "KMS.0210",
        "schedule-key-deletion": "KMS.1402",
        "encrypt-data": "KMS.0210",
        "create-datakey": "KMS.0210",
        "update-key-alias": "KMS.0210",
        "update-key-description": "KMS.0210",
    },
    "import": {
        "enable-key": "KMS.1201",
        "disable-key": "KMS.1301",
        "cancel-key-deletion": "KMS.1501",
        "encrypt-data": "KMS.0209",
        "create-datakey": "KMS.0209",
    },
    "default": {
        "enable-key": "KMS.1201",
        "disable-key": "KMS.0211",
        "schedule-key-deletion": "KMS.0211",
        "cancel-key-deletion": "KMS.1501",
        "update-key-alias": "KMS.0211",
        "update-key-description": "KMS.0211",
    },
}


def in_state(huawei: Huawei, state: str) -> str:
    if state == "default":
        return next(key.id for key in huawei.emulator.store.keys if key.default)
    key_id = huawei.create(origin="external" if state == "import" else "kms")
    if state == "disabled":
        huawei.call("disable-key", key_id=key_id)
    if state == "pending":
        huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    return key_id


@pytest.mark.parametrize("state", REFUSED)
def test_what_each_state_allows(huawei: Huawei, state: str) -> None:
    for operation in ALL_ON_A_KEY:
        # A fresh key each: what is accepted changes it.
        key_id = in_state(huawei, state)
        before = huawei.describe(key_id)
        said = huawei.call(operation, key_id=key_id, **{**ENOUGH, "key_alias": uuid.uuid4().hex})
        if operation in REFUSED[state]:
            assert said.refusal == (400, REFUSED[state][operation]), operation
            assert huawei.describe(key_id) == before
        else:
            assert said.status == 200, operation


def test_encryption_round_trip(huawei: Huawei) -> None:
    key_id = huawei.create()
    for plain in ("x", "ä" * 2048, "x" * 4096, "\t{}"):
        cipher = huawei.call("encrypt-data", key_id=key_id, plain_text=plain, encryption_context={"a": "b"}).body
        assert re.fullmatch(r"[0-9a-zA-Z+/=]{188,5648}", cipher["cipher_text"])
        text = cipher["cipher_text"]
        said = huawei.call("decrypt-data", cipher_text=text, encryption_context={"a": "b"})
        assert said.body == {"key_id": key_id, "plain_text": plain}
        assert huawei.call("decrypt-data", cipher_text=text).refusal == (400, "KMS.0308")
        changed = ("B" if text[-10] == "A" else "A").join((text[:-10], text[-9:]))
        assert huawei.call("decrypt-data", cipher_text=changed, encryption_context={"a": "b"}).status == 400


def test_ciphertexts_follow_the_life_of_their_key(huawei: Huawei) -> None:
    key_id = huawei.create()
    text = huawei.call("encrypt-data", key_id=key_id, plain_text="x").body["cipher_text"]
    huawei.call("disable-key", key_id=key_id)
    assert huawei.call("decrypt-data", cipher_text=text).refusal == (400, "KMS.0209")
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    assert huawei.call("decrypt-data", cipher_text=text).refusal == (400, "KMS.0210")
    huawei.call("cancel-key-deletion", key_id=key_id)
    huawei.call("enable-key", key_id=key_id)
    assert huawei.call("decrypt-data", cipher_text=text).body["plain_text"] == "x"
    huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7")
    huawei.advance(7 * 86400)
    assert huawei.call("decrypt-data", cipher_text=text).refusal == (404, "KMS.0207")


def test_data_keys(huawei: Huawei) -> None:
    key_id = huawei.create()
    for asked, size in (
        ({"datakey_length": "512"}, 64),
        ({"key_spec": "AES_128"}, 16),
        ({}, 32),
        ({"datakey_length": 8}, 1),
    ):
        said = huawei.call("create-datakey", key_id=key_id, **asked).body
        assert len(bytes.fromhex(said["plain_text"])) == size
        assert bytes.fromhex(said["cipher_text"])
    for bad in ("9", "0", "8200", "", "x", None, 7.5, True):
        assert huawei.call("create-datakey", key_id=key_id, datakey_length=bad).code == "KMS.0308"


def test_lists_are_paged_and_filtered(huawei: Huawei) -> None:
    everything = huawei.call("list-keys").body
    assert everything["total"] == 4
    assert [key["key_state"] for key in everything["key_details"]] == ["2", "2", "3", "4"]
    assert everything["key_details"][0]["key_alias"] == "kms/default"
    first = huawei.call("list-keys", limit="3", marker="0").body
    assert (first["truncated"], first["next_marker"], len(first["keys"])) == ("true", "3", 3)
    second = huawei.call("list-keys", limit=3, marker=first["next_marker"]).body
    assert (second["truncated"], second["next_marker"]) == ("false", "")
    assert first["keys"] + second["keys"] == everything["keys"]
    assert huawei.call("list-keys", key_state="4").body["total"] == 1
    for bad in (
        {"limit": "0"},
        {"limit": "x"},
        {"marker": "-1"},
        {"key_state": "9"},
        {"key_state": 2},
        {"limit": None},
    ):
        assert huawei.call("list-keys", **bad).refusal == (400, "KMS.0308")


def test_quota_counts_what_waits_for_deletion(huawei: Huawei) -> None:
    quota = huawei.emulator.rules.key_quota
    ids = [huawei.create() for _ in range(quota - 3)]
    assert huawei.call("create-key", key_alias="more").refusal == (400, "KMS.1105")
    huawei.call("schedule-key-deletion", key_id=ids[0], pending_days="7")
    assert huawei.call("create-key", key_alias="more").refusal == (400, "KMS.1105")
    assert huawei.get("user-instances").body == {"instance_num": quota}
    assert huawei.get("user-quotas").body["quotas"]["resources"][0] == {"type": "CMK", "used": quota, "quota": quota}
    huawei.advance(7 * 86400)
    assert huawei.get("user-instances").body == {"instance_num": quota - 1}
    assert huawei.call("create-key", key_alias="more").status == 200


def test_aliases_and_descriptions(huawei: Huawei) -> None:
    key_id, other = huawei.create("one"), huawei.create("two")
    assert huawei.call("create-key", key_alias="one").refusal == (400, "KMS.1104")
    assert huawei.call("update-key-alias", key_id=other, key_alias="one").refusal == (400, "KMS.1104")
    said = huawei.call("update-key-alias", key_id=key_id, key_alias="three")
    assert said.body == {"key_info": {"key_id": key_id, "key_alias": "three"}}
    assert huawei.call("update-key-alias", key_id=key_id, key_alias="three").status == 200
    assert huawei.call("update-key-alias", key_id=other, key_alias="one").status == 200
    said = huawei.call("update-key-description", key_id=key_id, key_description="ä" * 255)
    assert said.body == {"key_info": {"key_id": key_id, "key_description": "ä" * 255}}
    for bad in ("", "a b", "x/default", "a" * 256, None, 7, ["a"], "a\n"):
        assert huawei.call("create-key", key_alias=bad).refusal == (400, "KMS.1101")
    for bad in ("ä" * 256, None, 7, "\0"):
        assert huawei.call("update-key-description", key_id=key_id, key_description=bad).code == "KMS.0308"
    for field in ("key_spec", "key_usage", "origin"):
        for bad in ("", "x", None, 7, []):
            assert huawei.call("create-key", key_alias="z", **{field: bad}).code == "KMS.0308"


def test_sequence_has_36_characters(huawei: Huawei) -> None:
    for bad in ("", "x", "x" * 35, "x" * 37, None, 7, uuid.uuid4().hex):
        assert huawei.call("list-keys", sequence=bad).refusal == (400, "KMS.0206")
    assert huawei.call("list-keys", sequence=str(uuid.uuid4())).status == 200


def test_the_body_must_be_one_json_object(huawei: Huawei) -> None:
    assert huawei.post("describe-key", b"").refusal == huawei.post("list-keys", b"").refusal == (400, "KMS.0204")
    bodies = [b"{", b"[]", b'""', b"null", b"{}{}", b"\xff", b'{"key_id": NaN}', b'{"a": 1, "a": 1}', b'{"a": 1e999}']
    bodies += [
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": ' + b"1" * 5000 + b"}",
    ]
    for body in bodies:
        assert huawei.post("describe-key", body).refusal == (400, "KMS.0202"), body[:20]


def test_versions_need_no_token(huawei: Huawei) -> None:
    (version,) = huawei.send("GET", "/").body["versions"]
    assert version["id"] == "v1.0"
    assert huawei.send("GET", "/v1.0").body == huawei.send("GET", "/v1.0/").body == {"version": version}
    assert huawei.send("GET", "/v9").refusal == (404, "APIGW.0101")
    assert huawei.send("POST", "/").refusal == (405, "KMS.0215")


def test_paths_and_methods(huawei: Huawei) -> None:
    token = {"X-Auth-Token": credentials.TOKEN}
    said = huawei.call("no-such-thing")
    assert said.refusal == (404, "APIGW.0101")
    assert said.body["request_id"] == said.headers["x-request-id"]
    for target in ("/nowhere", "/v1.0//kms/list-keys", "/v1.0/x", "/v2.0/x/kms/list-keys", huawei.target("list-keys/")):
        assert huawei.send("POST", target, b"{}", token).status in {404, 403}
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "TRACE", "HEAD", "get"):
        said = huawei.send(method, huawei.target("list-keys"), None, token)
        assert (said.status, said.headers["allow"]) == (405, "POST")
    assert huawei.send("POST", huawei.target("user-quotas"), b"{}", token).headers["allow"] == "GET"


def test_request_ids_are_new_each_time(huawei: Huawei) -> None:
    ids = [huawei.call("list-keys").headers["x-request-id"] for _ in range(5)]
    ids += [huawei.call("nothing").headers["x-request-id"], huawei.send("GET", "/").headers["x-request-id"]]
    assert len(set(ids)) == 7
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)


def test_unknown_fields_are_ignored(huawei: Huawei) -> None:
    assert huawei.call("create-key", key_alias="x", realm="y", anything={"a": [None]}).status == 200
