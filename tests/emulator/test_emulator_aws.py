from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kms_conformance.emulator import Emulator, State
from kms_conformance.emulator.aws import credentials

if TYPE_CHECKING:
    from emulator_clients import Aws

UNKNOWN = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
PLAIN = base64.b64encode(b"hello").decode()
INVALID_STATE = (400, "KMSInvalidStateException")
NOT_FOUND = (400, "NotFoundException")
VALIDATION = (400, "ValidationException")
ARN = f"arn:aws:kms:{credentials.REGION}:{credentials.ACCOUNT_ID}:key/"


def test_a_life_from_creation_to_rescue(aws: Aws) -> None:
    key_id = aws.create(Description="für später")
    told = aws.describe(key_id)
    assert (told["KeyState"], told["Enabled"], told["Description"]) == ("Enabled", True, "für später")
    assert "DeletionDate" not in told
    before = datetime.now(UTC).replace(microsecond=0)
    said = aws.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    assert said.status == 200
    date = datetime.fromtimestamp(said.body.pop("DeletionDate"), UTC)
    assert said.body == {"KeyId": ARN + key_id, "KeyState": "PendingDeletion", "PendingWindowInDays": 7}
    assert timedelta() <= date - before - timedelta(days=7) <= timedelta(seconds=1)
    told = aws.describe(key_id)
    assert (told["KeyState"], told["Enabled"]) == ("PendingDeletion", False)
    assert datetime.fromtimestamp(told["DeletionDate"], UTC) == date
    said = aws.call("CancelKeyDeletion", KeyId=key_id)
    assert (said.status, said.body) == (200, {"KeyId": ARN + key_id})
    told = aws.describe(key_id)
    assert (told["KeyState"], told["Enabled"]) == ("Disabled", False)
    assert "DeletionDate" not in told
    said = aws.call("EnableKey", KeyId=key_id)
    assert (said.status, said.body) == (200, b"")
    assert aws.state(key_id) == "Enabled"


def test_every_reply_has_its_media_type_and_an_id_of_its_own(aws: Aws) -> None:
    said = [aws.call("ListKeys"), aws.call("DescribeKey", KeyId=UNKNOWN), aws.call("EnableKey", KeyId=aws.create())]
    assert {reply.headers["content-type"] for reply in said} == {"application/x-amz-json-1.1"}
    assert len({reply.headers["x-amzn-requestid"] for reply in said}) == 3


def test_without_a_window_it_is_thirty_days(aws: Aws) -> None:
    for fields in ({}, {"PendingWindowInDays": None}):
        said = aws.call("ScheduleKeyDeletion", KeyId=aws.create(), **fields)
        assert said.body["PendingWindowInDays"] == 30


@pytest.mark.parametrize("window", [6, 31, 0, -7, 10**30, 7.5, 7.0, "7", "seven", "", True, [7], {}])
def test_other_windows_are_refused(aws: Aws, window: object) -> None:
    key_id = aws.create()
    said = aws.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=window)
    assert said.refusal == VALIDATION
    assert aws.state(key_id) == "Enabled"


@pytest.mark.parametrize("window", [7, 8, 29, 30])
def test_windows_within_the_bounds_are_taken(aws: Aws, window: int) -> None:
    said = aws.call("ScheduleKeyDeletion", KeyId=aws.create(), PendingWindowInDays=window)
    assert (said.status, said.body["PendingWindowInDays"]) == (200, window)


# How keys are named


def test_an_arn_names_the_key_everywhere(aws: Aws) -> None:
    key_id = aws.create()
    arn = aws.describe(key_id)["Arn"]
    assert arn == ARN + key_id
    assert aws.describe(arn)["KeyId"] == key_id
    for operation in ("DisableKey", "EnableKey", "ScheduleKeyDeletion", "CancelKeyDeletion"):
        assert aws.call(operation, KeyId=arn).status == 200
    assert aws.state(key_id) == "Disabled"


@pytest.mark.parametrize("prefix", ["", f"arn:aws:kms:{credentials.REGION}:{credentials.ACCOUNT_ID}:"])
@pytest.mark.parametrize("operation", ["ScheduleKeyDeletion", "CancelKeyDeletion", "EnableKey", "DisableKey"])
def test_an_alias_names_no_key_that_is_managed(aws: Aws, operation: str, prefix: str) -> None:
    key_id = aws.create()
    aws.call("CreateAlias", AliasName="alias/ours", TargetKeyId=key_id)
    before = aws.emulator.store.keys
    assert aws.call(operation, KeyId=f"{prefix}alias/ours").refusal == NOT_FOUND
    assert aws.emulator.store.keys == before


def test_an_alias_names_the_key_that_is_used(aws: Aws) -> None:
    key_id = aws.create()
    aws.call("CreateAlias", AliasName="alias/ours", TargetKeyId=key_id)
    assert aws.describe("alias/ours")["KeyId"] == key_id
    blob = aws.call("Encrypt", KeyId="alias/ours", Plaintext=PLAIN).body["CiphertextBlob"]
    said = aws.call("Decrypt", CiphertextBlob=blob)
    assert (said.body["Plaintext"], said.body["KeyId"]) == (PLAIN, ARN + key_id)


@pytest.mark.parametrize(
    "name",
    [
        UNKNOWN,
        "no-such-key",
        "*",
        "alias/nobodys",
        f"arn:aws:kms:eu-west-1:{credentials.ACCOUNT_ID}:key/%s",
        f"arn:aws:kms:{credentials.REGION}:999999999999:key/%s",
        f"arn:aws:kms:{credentials.REGION}:{credentials.ACCOUNT_ID}:key/",
        "key/%s",
    ],
)
def test_what_names_no_key_is_not_found(aws: Aws, name: str) -> None:
    key_id = aws.create()
    before = aws.emulator.store.keys
    for operation in ("ScheduleKeyDeletion", "CancelKeyDeletion", "DescribeKey"):
        assert aws.call(operation, KeyId=name.replace("%s", key_id)).refusal == NOT_FOUND
    assert aws.emulator.store.keys == before


@pytest.mark.parametrize("value", [None, "", 7, ["a"], {"a": "b"}, True])
def test_a_key_id_that_is_none_is_no_valid_request(aws: Aws, value: object) -> None:
    said = aws.call("CancelKeyDeletion", KeyId=value)
    assert said.refusal in {VALIDATION, (400, "SerializationException")}


def test_the_service_s_own_key_cannot_be_managed(aws: Aws) -> None:
    own = aws.describe("alias/aws/s3")
    assert own["KeyManager"] == "AWS"
    for operation in ("ScheduleKeyDeletion", "DisableKey", "EnableKeyRotation"):
        assert aws.call(operation, KeyId=own["KeyId"]).refusal == (400, "AccessDeniedException")
    assert aws.state(own["KeyId"]) == "Enabled"


# The table of key states, for a key that waits for its deletion

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
PENDING_REFUSES: dict[str, dict[str, Any]] = {
    "Encrypt": {"Plaintext": PLAIN},
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"KeySpec": "AES_256"},
    "EnableKey": {},
    "DisableKey": {},
    "ScheduleKeyDeletion": {},
    "UpdateKeyDescription": {"Description": "x"},
    "TagResource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "UntagResource": {"TagKeys": ["a"]},
    "CreateGrant": {"GranteePrincipal": "arn:aws:iam::111122223333:root", "Operations": ["Decrypt"]},
    "EnableKeyRotation": {},
    "DisableKeyRotation": {},
}
PENDING_ALLOWS: dict[str, dict[str, Any]] = {
    "DescribeKey": {},
    "GetKeyPolicy": {},
    "PutKeyPolicy": {"Policy": POLICY},
    "ListKeyPolicies": {},
    "GetKeyRotationStatus": {},
    "ListResourceTags": {},
    "ListAliases": {},
    "ListGrants": {},
}


@pytest.mark.parametrize("operation", PENDING_REFUSES)
def test_a_pending_key_refuses(aws: Aws, operation: str) -> None:
    key_id = aws.create()
    aws.call("ScheduleKeyDeletion", KeyId=key_id)
    before = aws.emulator.store.keys
    assert aws.call(operation, KeyId=key_id, **PENDING_REFUSES[operation]).refusal == INVALID_STATE
    assert aws.emulator.store.keys == before


@pytest.mark.parametrize("operation", PENDING_ALLOWS)
def test_a_pending_key_allows(aws: Aws, operation: str) -> None:
    key_id = aws.create()
    aws.call("ScheduleKeyDeletion", KeyId=key_id)
    assert aws.call(operation, KeyId=key_id, **PENDING_ALLOWS[operation]).status == 200
    assert aws.state(key_id) == "PendingDeletion"


def test_both_ends_of_a_re_encryption_must_be_usable(aws: Aws) -> None:
    source, target, pending = aws.create(), aws.create(), aws.create()
    blob = aws.call("Encrypt", KeyId=source, Plaintext=PLAIN).body["CiphertextBlob"]
    again = aws.call("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target)
    assert (again.body["SourceKeyId"], again.body["KeyId"]) == (ARN + source, ARN + target)
    assert aws.call("Decrypt", CiphertextBlob=again.body["CiphertextBlob"]).body["Plaintext"] == PLAIN
    aws.call("ScheduleKeyDeletion", KeyId=pending)
    assert aws.call("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=pending).refusal == INVALID_STATE
    aws.call("ScheduleKeyDeletion", KeyId=source)
    assert aws.call("ReEncrypt", CiphertextBlob=blob, DestinationKeyId=target).refusal == INVALID_STATE


def test_an_alias_goes_to_no_pending_key_and_stays_where_it_was(aws: Aws) -> None:
    key_id, pending = aws.create(), aws.create()
    aws.call("CreateAlias", AliasName="alias/ours", TargetKeyId=key_id)
    aws.call("ScheduleKeyDeletion", KeyId=pending)
    assert aws.call("UpdateAlias", AliasName="alias/ours", TargetKeyId=pending).refusal == INVALID_STATE
    assert aws.describe("alias/ours")["KeyId"] == key_id
    other = aws.create()
    assert aws.call("UpdateAlias", AliasName="alias/ours", TargetKeyId=other).status == 200
    assert aws.describe("alias/ours")["KeyId"] == other
    assert aws.call("ListAliases", KeyId=key_id).body["Aliases"] == []


def test_a_disabled_key_is_not_used(aws: Aws) -> None:
    key_id = aws.create()
    aws.call("DisableKey", KeyId=key_id)
    for operation in ("Encrypt", "GenerateDataKey", "CreateGrant", "EnableKeyRotation"):
        assert aws.call(operation, KeyId=key_id, **PENDING_REFUSES[operation]).refusal == (400, "DisabledException")


def test_an_external_key_waits_for_its_import_again(aws: Aws) -> None:
    key_id = aws.create(Origin="EXTERNAL")
    assert aws.state(key_id) == "PendingImport"
    aws.call("ScheduleKeyDeletion", KeyId=key_id)
    aws.call("CancelKeyDeletion", KeyId=key_id)
    assert aws.state(key_id) == "PendingImport"


# What belongs to a key


def test_tags_grants_policy_and_rotation_read_back(aws: Aws) -> None:
    key_id = aws.create(Tags=[{"TagKey": "a", "TagValue": "1"}])
    aws.call("TagResource", KeyId=key_id, Tags=[{"TagKey": "b", "TagValue": "2"}])
    aws.call("UntagResource", KeyId=key_id, TagKeys=["a", "never"])
    assert aws.call("ListResourceTags", KeyId=key_id).body["Tags"] == [{"TagKey": "b", "TagValue": "2"}]

    grant = aws.call("CreateGrant", KeyId=key_id, **PENDING_REFUSES["CreateGrant"]).body["GrantId"]
    listed = aws.call("ListGrants", KeyId=key_id).body["Grants"]
    assert [(entry["GrantId"], entry["Operations"]) for entry in listed] == [(grant, ["Decrypt"])]
    assert aws.call("RevokeGrant", KeyId=key_id, GrantId=grant).status == 200
    assert aws.call("RevokeGrant", KeyId=key_id, GrantId=grant).refusal == NOT_FOUND

    assert json.loads(aws.call("GetKeyPolicy", KeyId=key_id).body["Policy"])["Version"] == "2012-10-17"
    assert aws.call("PutKeyPolicy", KeyId=key_id, Policy="no policy").refusal[1] == "MalformedPolicyDocumentException"
    aws.call("PutKeyPolicy", KeyId=key_id, Policy=POLICY)
    assert aws.call("GetKeyPolicy", KeyId=key_id).body["Policy"] == POLICY

    for operation, on in (("EnableKeyRotation", True), ("DisableKeyRotation", False)):
        aws.call(operation, KeyId=key_id)
        assert aws.call("GetKeyRotationStatus", KeyId=key_id).body["KeyRotationEnabled"] is on


@pytest.mark.parametrize(("alias", "code"), [("alias/payroll-0", "AlreadyExistsException")])
def test_a_name_that_is_taken(aws: Aws, alias: str, code: str) -> None:
    assert aws.call("CreateAlias", AliasName=alias, TargetKeyId=aws.create()).refusal == (400, code)


@pytest.mark.parametrize("alias", ["ours", "alias/", "alias/aws/ours", "alias/a b", "alias/" + "x" * 300, 7, None])
def test_names_that_no_alias_has(aws: Aws, alias: object) -> None:
    said = aws.call("CreateAlias", AliasName=alias, TargetKeyId=aws.create())
    assert said.refusal in {VALIDATION, (400, "InvalidAliasNameException")}


def test_the_list_holds_each_key_once_over_its_pages(aws: Aws) -> None:
    aws.create()
    ids, fields = [], {"Limit": 2}
    while True:
        body = aws.call("ListKeys", **fields).body
        ids += [entry["KeyId"] for entry in body["Keys"]]
        assert body["Truncated"] is ("NextMarker" in body)
        if not body["Truncated"]:
            break
        fields["Marker"] = body["NextMarker"]
    assert ids == [key.id for key in aws.emulator.store.keys]
    assert aws.call("ListKeys", Marker="x").refusal == (400, "InvalidMarkerException")


def test_what_was_sealed_with_a_context_opens_with_it_alone(aws: Aws) -> None:
    key_id = aws.create()
    context = {"a": "1", "b": "2"}
    blob = aws.call("Encrypt", KeyId=key_id, Plaintext=PLAIN, EncryptionContext=context).body["CiphertextBlob"]
    opened = aws.call("Decrypt", CiphertextBlob=blob, EncryptionContext=dict(reversed(context.items())))
    assert opened.body["Plaintext"] == PLAIN
    for wrong in ({}, {"a": "1"}):
        said = aws.call("Decrypt", CiphertextBlob=blob, EncryptionContext=wrong)
        assert said.refusal == (400, "InvalidCiphertextException")
    assert aws.call("Decrypt", CiphertextBlob=PLAIN).refusal == (400, "InvalidCiphertextException")


# Requests that are none


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"null", b"\xff", b'{"a":' * 2000, b'{"KeyId": 1e999}', b'{"a":1,"a":2}']
)
def test_bodies_that_are_no_object(aws: Aws, body: bytes) -> None:
    assert aws.post("TrentService.CancelKeyDeletion", body).refusal == (400, "SerializationException")


def test_an_empty_body_lacks_the_key(aws: Aws) -> None:
    assert aws.post("TrentService.CancelKeyDeletion", b"").refusal == VALIDATION


@pytest.mark.parametrize("target", [None, "TrentService.NoSuch", "ListKeys", "Other.ListKeys", "TrentService."])
def test_operations_that_there_are_not(aws: Aws, target: str | None) -> None:
    assert aws.post(target, b"{}").refusal == (400, "UnknownOperationException")


def test_another_path_and_another_method(aws: Aws) -> None:
    assert aws.post("TrentService.ListKeys", b"{}", path="/kms").refusal == (400, "UnknownOperationException")
    assert aws.send("GET", "/").refusal == (400, "MissingAuthenticationTokenException")


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(aws: Aws) -> None:
    key_id = aws.create()
    blob = aws.call("Encrypt", KeyId=key_id, Plaintext=PLAIN).body["CiphertextBlob"]
    aws.call("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
    aws.advance(7 * 86400 - 60)
    assert aws.state(key_id) == "PendingDeletion"
    aws.advance(61)
    for operation in ("DescribeKey", "CancelKeyDeletion", "ScheduleKeyDeletion", "EnableKey"):
        assert aws.call(operation, KeyId=key_id).refusal == NOT_FOUND
    assert aws.call("Decrypt", CiphertextBlob=blob).refusal == NOT_FOUND
    assert key_id not in {entry["KeyId"] for entry in aws.call("ListKeys").body["Keys"]}


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/Los_Angeles", "XXX-14"])
def test_dates_are_utc_wherever_the_server_runs(zone: str) -> None:
    """In a process of its own: the zone of this one cannot be changed for good."""
    script = (
        "import time; from datetime import timedelta; from kms_conformance.emulator import Emulator\n"
        "from kms_conformance.emulator.aws import replies; from kms_conformance.emulator.keys import KeyDraft\n"
        "e = Emulator('aws'); k = e.store.create(KeyDraft(spec='SYMMETRIC_DEFAULT', usage='ENCRYPT_DECRYPT'))\n"
        "now = time.time(); told = replies.metadata(e.store.schedule(k.id, 7), e.rules)\n"
        "assert abs(told['CreationDate'] - now) < 5, told\n"
        "assert abs(told['DeletionDate'] - now - 7 * 86400) < 5, told\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env={**os.environ, "TZ": zone})


def test_what_is_there_from_the_start() -> None:
    with Emulator("aws", foreign_keys=3) as emulator:
        keys = emulator.store.keys
    assert [key.default for key in keys] == [True, False, False, False]
    assert {key.state for key in keys[1:]} == {State.ENABLED, State.DISABLED, State.PENDING_DELETION}


@pytest.mark.parametrize("kind", [None, "permanent", "sts"])
def test_the_target_file_says_how_to_get_in(kind: str | None) -> None:
    with Emulator("aws") as emulator:
        auth = emulator.target(kind)["auth"]
        assert auth["region"] == credentials.REGION
        assert ("security_token" in auth) is (kind == "sts")
        with pytest.raises(ValueError, match="permanent, sts"):
            emulator.target("token")
