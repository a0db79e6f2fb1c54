from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from defusedxml import ElementTree

if TYPE_CHECKING:
    from emulator_clients import Alibaba

UNKNOWN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
PLAIN = base64.b64encode(b"hello").decode()


def test_a_life_from_creation_to_rescue(alibaba: Alibaba) -> None:
    key_id = alibaba.create(Description="a b+c&d=é")
    told = alibaba.describe(key_id)
    assert (told["KeyState"], told["Description"], told["Origin"]) == ("Enabled", "a b+c&d=é", "Aliyun_KMS")
    assert "DeleteDate" not in told
    before = datetime.now(UTC).replace(microsecond=0)
    said = alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    assert (said.status, list(said.body)) == (200, ["RequestId"])
    told = alibaba.describe(key_id)
    date = datetime.strptime(told["DeleteDate"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert told["KeyState"] == "PendingDeletion"
    assert timedelta() <= date - before - timedelta(days=7) <= timedelta(seconds=1)
    assert list(alibaba.call("CancelKeyDeletion", KeyId=key_id).body) == ["RequestId"]
    told = alibaba.describe(key_id)
    assert told["KeyState"] == "Enabled"
    assert "DeleteDate" not in told


def test_a_disabled_key_is_enabled_by_its_rescue(alibaba: Alibaba) -> None:
    key_id = alibaba.create()
    alibaba.call("DisableKey", KeyId=key_id)
    alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=30)
    alibaba.call("CancelKeyDeletion", KeyId=key_id)
    assert alibaba.state(key_id) == "Enabled"


def test_an_external_key_waits_for_its_import_again(alibaba: Alibaba) -> None:
    key_id = alibaba.create(Origin="EXTERNAL")
    assert alibaba.state(key_id) == "PendingImport"
    alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    alibaba.call("CancelKeyDeletion", KeyId=key_id)
    assert alibaba.state(key_id) == "PendingImport"


@pytest.mark.parametrize("days", ["6", "31", "0", "-1", "7.5", "07", "seven", " 7", "\u0667", "9" * 5000])
def test_other_windows_are_refused(alibaba: Alibaba, days: str) -> None:
    key_id = alibaba.create()
    said = alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=days)
    assert said.refusal == (400, "InvalidParameter")
    assert alibaba.state(key_id) == "Enabled"


def test_a_window_must_be_given(alibaba: Alibaba) -> None:
    said = alibaba.call("ScheduleKeyDeletion", KeyId=alibaba.create(), PendingWindowInDays="")
    assert said.refusal == (400, "MissingParameter")
    assert alibaba.call("ScheduleKeyDeletion", KeyId=alibaba.create()).refusal == (400, "MissingParameter")
    assert alibaba.call("ScheduleKeyDeletion", KeyId=UNKNOWN).refusal == (400, "MissingParameter")


STATE_MODIFIED = "Rejected.StateModifiedFailed"
ACTIONS = {
    "DescribeKey": {},
    "EnableKey": {},
    "DisableKey": {},
    "ScheduleKeyDeletion": {"PendingWindowInDays": 7},
    "CancelKeyDeletion": {},
    "Encrypt": {"Plaintext": PLAIN},
    "GenerateDataKey": {},
    "UpdateKeyDescription": {"Description": "x"},
    "CreateAlias": {"AliasName": "alias/x"},
    "TagResource": {"Tags": '[{"TagKey": "a", "TagValue": "b"}]'},
    "ListResourceTags": {},
    "SetDeletionProtection": {"EnableDeletionProtection": "true"},
}
REFUSED = {
    "enabled": {"CancelKeyDeletion": STATE_MODIFIED},
    "disabled": {
        "CancelKeyDeletion": STATE_MODIFIED,
        "Encrypt": "Rejected.Disabled",
        "GenerateDataKey": "Rejected.Disabled",
    },
    "pending": {
        "EnableKey": STATE_MODIFIED,
        "DisableKey": STATE_MODIFIED,
        "ScheduleKeyDeletion": STATE_MODIFIED,
        "Encrypt": "Rejected.PendingDeletion",
        "GenerateDataKey": "Rejected.PendingDeletion",
        "UpdateKeyDescription": "Rejected.PendingDeletion",
        "CreateAlias": STATE_MODIFIED,
        "SetDeletionProtection": STATE_MODIFIED,
    },
    "import": {
        "EnableKey": STATE_MODIFIED,
        "DisableKey": STATE_MODIFIED,
        "CancelKeyDeletion": STATE_MODIFIED,
        "Encrypt": "Rejected.PendingImport",
        "GenerateDataKey": "Rejected.PendingImport",
    },
}


def in_state(alibaba: Alibaba, state: str) -> str:
    key_id = alibaba.create(**({"Origin": "EXTERNAL"} if state == "import" else {}))
    if state == "disabled":
        alibaba.call("DisableKey", KeyId=key_id)
    if state == "pending":
        alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    return key_id


@pytest.mark.parametrize("state", REFUSED)
def test_what_each_state_allows(alibaba: Alibaba, state: str) -> None:
    for action, parameters in ACTIONS.items():
        key_id = in_state(alibaba, state)
        before = alibaba.describe(key_id)
        said = alibaba.call(action, KeyId=key_id, **parameters)
        if action in REFUSED[state]:
            assert said.refusal == (409, REFUSED[state][action]), action
            assert alibaba.describe(key_id) == before
        else:
            assert said.status == 200, action


@pytest.mark.parametrize("action", ACTIONS)
def test_keys_that_are_unknown_or_missing(alibaba: Alibaba, action: str) -> None:
    for unknown in (
        UNKNOWN,
        "nope",
        "key-hzz630494463ejqjx0000",
        "é" * 50,
        "a" * 5000,
        "alias%2F",
        "acs:kms:x:y:key/z",
    ):
        assert alibaba.call(action, KeyId=unknown, **ACTIONS[action]).refusal == (404, "Forbidden.KeyNotFound")
    assert alibaba.call(action, **ACTIONS[action]).refusal == (400, "MissingParameter")
    assert alibaba.call(action, KeyId="", **ACTIONS[action]).refusal == (400, "MissingParameter")


def test_protection_keeps_a_key_from_being_scheduled(alibaba: Alibaba) -> None:
    key_id = alibaba.create()
    arn = alibaba.describe(key_id)["Arn"]
    alibaba.call("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection="true")
    assert alibaba.describe(key_id)["DeletionProtection"] == "Enabled"
    said = alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    assert said.refusal == (409, STATE_MODIFIED)
    alibaba.call("SetDeletionProtection", ProtectedResourceArn=arn, EnableDeletionProtection="false")
    assert alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7).status == 200
    for bad in ({}, {"EnableDeletionProtection": "maybe", "ProtectedResourceArn": arn}):
        assert alibaba.call("SetDeletionProtection", **bad).status == 400


def test_aliases(alibaba: Alibaba) -> None:
    key_id = alibaba.create()
    assert alibaba.call("CreateAlias", KeyId=key_id, AliasName="alias/a").status == 200
    assert alibaba.call("CreateAlias", KeyId=key_id, AliasName="alias/b").status == 200
    assert alibaba.call("CreateAlias", KeyId=key_id, AliasName="alias/a").refusal == (400, "AliasAlreadyExists")
    for name in ("alias/b", key_id, alibaba.describe(key_id)["Arn"]):
        assert alibaba.describe(name)["KeyId"] == key_id
        assert alibaba.call("Encrypt", KeyId=name, Plaintext=PLAIN).body["KeyId"] == key_id
    alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    assert alibaba.call("DeleteAlias", AliasName="alias/b").status == 200
    assert alibaba.call("DescribeKey", KeyId="alias/b").refusal == (404, "Forbidden.AliasNotFound")
    assert alibaba.call("DeleteAlias", AliasName="alias/b").refusal == (404, "Forbidden.AliasNotFound")
    for bad in ("", "a", "alias/", "alias/acs/x", "alias/ä", "alias/" + "a" * 250):
        assert alibaba.call("CreateAlias", KeyId=key_id, AliasName=bad).status == 400
    alibaba.advance(7 * 86400)
    assert alibaba.call("CreateAlias", KeyId=alibaba.create(), AliasName="alias/a").status == 200


def test_tags(alibaba: Alibaba) -> None:
    key_id = alibaba.create(Tags='[{"TagKey": "a", "TagValue": "1"}]')
    assert (
        alibaba.call("TagResource", KeyId=key_id, Tags='[{"TagKey": "b"}, {"TagKey": "a", "TagValue": "2"}]').status
        == 200
    )
    tags = alibaba.call("ListResourceTags", KeyId=key_id).body["Tags"]["Tag"]
    assert {tag["TagKey"]: tag["TagValue"] for tag in tags} == {"a": "2", "b": ""}
    bad = [
        "",
        "[]",
        "{}",
        "x",
        "[1]",
        '[{"TagKey": 1}]',
        '[{"TagKey": ""}]',
        '[{"TagKey": "acs:x"}]',
        "NaN",
        "[" * 9000,
    ]
    bad += [json.dumps([{"TagKey": "a"}] * 2), json.dumps([{"TagKey": str(n)} for n in range(21)])]
    for tags in bad:
        assert alibaba.call("TagResource", KeyId=key_id, Tags=tags).status == 400
    assert alibaba.call("TagResource", KeyId=key_id, SecretName="s", Tags='[{"TagKey": "b"}]').status == 400


def test_encryption_round_trip(alibaba: Alibaba) -> None:
    key_id = alibaba.create()
    context = '{"a": "b c", "é": "+"}'
    sealed = alibaba.call("Encrypt", KeyId=key_id, Plaintext=PLAIN, EncryptionContext=context).body
    blob = sealed["CiphertextBlob"]
    said = alibaba.call("Decrypt", CiphertextBlob=blob, EncryptionContext='{"é": "+", "a": "b c"}').body
    assert (said["Plaintext"], said["KeyId"], said["KeyVersionId"]) == (PLAIN, key_id, sealed["KeyVersionId"])
    assert alibaba.call("Decrypt", CiphertextBlob=blob).refusal == (400, "InvalidParameter")
    for asked, size in (({}, 32), ({"KeySpec": "AES_128"}, 16), ({"NumberOfBytes": 1024}, 1024)):
        made = alibaba.call("GenerateDataKey", KeyId=key_id, **asked).body
        assert len(base64.b64decode(made["Plaintext"])) == size
        assert alibaba.call("Decrypt", CiphertextBlob=made["CiphertextBlob"]).body["Plaintext"] == made["Plaintext"]
    alibaba.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    said = alibaba.call("Decrypt", CiphertextBlob=blob, EncryptionContext=context)
    assert said.refusal == (409, "Rejected.PendingDeletion")
    for bad in ({"Plaintext": "?"}, {"Plaintext": PLAIN, "EncryptionContext": "[]"}, {"Plaintext": "é"}):
        assert alibaba.call("Encrypt", KeyId=key_id, **bad).status == 400
    for number in ("0", "1025", "-1", "x", ""):
        assert alibaba.call("GenerateDataKey", KeyId=key_id, NumberOfBytes=number).status == 400


def test_lists_are_paged_and_filtered(alibaba: Alibaba) -> None:
    ids = [alibaba.create() for _ in range(3)]
    everything = alibaba.call("ListKeys").body
    assert (everything["TotalCount"], everything["PageNumber"], everything["PageSize"]) == (6, 1, 10)
    assert [key["KeyId"] for key in everything["Keys"]["Key"]][3:] == ids
    page = alibaba.call("ListKeys", PageNumber=2, PageSize=4).body
    assert page["Keys"]["Key"] == everything["Keys"]["Key"][4:]

    def found(*filters: dict[str, object]) -> int:
        return alibaba.call("ListKeys", Filters=json.dumps(filters)).body["TotalCount"]

    assert found({"Key": "KeyState", "Values": ["PendingDeletion"]}) == 1
    assert found({"Key": "KeyState", "Values": ["PendingDeletion", "Disabled"]}) == 2
    assert found({"Key": "KeyState", "Values": ["Enabled"]}, {"Key": "KeyUsage", "Values": ["SIGN/VERIFY"]}) == 0
    for bad in (
        "{}",
        "x",
        '[{"Key": "x", "Values": []}]',
        '[{"Key": "KeyState"}]',
        '[{"Key": "KeyState", "Values": [1]}]',
    ):
        assert alibaba.call("ListKeys", Filters=bad).refusal == (400, "InvalidParameter")
    for bad in ({"PageNumber": 0}, {"PageSize": 101}, {"PageSize": "x"}, {"PageNumber": -1}):
        assert alibaba.call("ListKeys", **bad).refusal == (400, "InvalidParameter")


def test_quota(alibaba: Alibaba) -> None:
    for _ in range(alibaba.emulator.rules.key_quota - 3):
        alibaba.create()
    assert alibaba.call("CreateKey").refusal == (400, "Rejected.LimitExceeded")


def test_the_account(alibaba: Alibaba) -> None:
    assert alibaba.call("DescribeAccountKmsStatus").body["AccountStatus"] == "Enabled"
    assert alibaba.call("DescribeRegions").body["Regions"] == {"Region": [{"RegionId": "cn-hangzhou"}]}


def test_get_post_and_form_in_both_signatures(alibaba: Alibaba) -> None:
    for sign in (alibaba.v1, alibaba.v3):
        assert sign("CreateKey", {"Description": "a b+c"}, method="GET").body["KeyMetadata"]["Description"] == "a b+c"
        assert sign("CreateKey", {"Description": "a b+c"}, form=True).body["KeyMetadata"]["Description"] == "a b+c"


@pytest.mark.parametrize("written", ["XML", "xml", "Xml"])
def test_xml(alibaba: Alibaba, written: str) -> None:
    said = alibaba.call("CreateKey", Description="<&>\x01é\r\n", Format=written)
    assert said.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(said.body)
    assert (root.tag, root.findtext("KeyMetadata/KeyState")) == ("KMS", "Enabled")
    assert root.findtext("KeyMetadata/Description") == "<&>\ufffdé\r\n"
    assert root.findtext("RequestId")
    root = ElementTree.fromstring(alibaba.call("ListKeys", Format=written).body)
    assert len(root.findall("Keys/Key/KeyId")) == 4
    said = alibaba.call("DescribeKey", KeyId=UNKNOWN, Format=written)
    root = ElementTree.fromstring(said.body)
    assert said.status == 404
    assert [child.tag for child in root] == ["HttpStatus", "Code", "Message", "RequestId"]
    assert (root.tag, root.findtext("Code"), root.findtext("HttpStatus")) == ("KMS", "Forbidden.KeyNotFound", "404")


def test_json_errors_and_request_ids(alibaba: Alibaba) -> None:
    said = alibaba.call("DescribeKey", KeyId=UNKNOWN)
    assert set(said.body) == {"HttpStatus", "Code", "Message", "RequestId"}
    assert said.body["HttpStatus"] == 404
    ids = [said.body["RequestId"], *(alibaba.call("ListKeys").body["RequestId"] for _ in range(5))]
    assert len(set(ids)) == 6
    assert all(re.fullmatch("[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", request_id) for request_id in ids)


def test_actions_versions_methods_and_paths(alibaba: Alibaba) -> None:
    assert alibaba.call("NoSuchAction").refusal == (404, "InvalidAction.NotFound")
    assert alibaba.call("").refusal == (400, "MissingParameter")
    assert alibaba.v1("", {}).refusal == (400, "MissingParameter")
    assert alibaba.v1("ListKeys", {}, without=("Action",)).refusal == (400, "MissingParameter")
    assert alibaba.v1("ListKeys", {}, Version="2000-01-01").refusal == (400, "InvalidParameter")
    assert alibaba.v1("ListKeys", {}, without=("Version",)).refusal == (400, "InvalidParameter")
    assert alibaba.v3("ListKeys", {}, extra={"x-acs-version": "x"}).refusal == (400, "InvalidParameter")
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "QUERY", "TRACE"):
        assert alibaba.v3("ListKeys", {}, method=method).refusal == (403, "UnsupportedHTTPMethod")
    assert alibaba.v3("ListKeys", {}, method="HEAD").status == 403


def test_parameters_that_cannot_be_meant(alibaba: Alibaba) -> None:
    assert alibaba.call("CreateKey", Description="a\0b").refusal == (400, "InvalidParameter")
    assert alibaba.call("CreateKey", Description="a" * 8193).refusal == (400, "InvalidParameter")
    assert alibaba.call("CreateKey", Description="語" * 8192).status == 200
    for field in ("KeySpec", "KeyUsage", "Origin", "ProtectionLevel"):
        assert alibaba.call("CreateKey", **{field: "x"}).refusal == (400, "InvalidParameter")
    assert alibaba.call("CreateKey", Unknown="ignored").status == 200
