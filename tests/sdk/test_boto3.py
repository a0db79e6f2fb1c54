"""boto3: the AWS SDK, which signs with version 4 and parses replies by its own service model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from client_checks import DAY, UNKNOWN, WEEK, bounds, documented, refused, states

from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound
from kms_conformance.emulator.aws import credentials

pytest.importorskip("boto3", reason="boto3, of the extra `clients`, is not installed")

import boto3

STATES = states("aws")
MINIMUM, MAXIMUM = bounds("aws")
PLAIN = b"hello"
Call = Callable[[Any, str], object]


def client(emulator: Emulator, kind: str | None = None, **changed: str) -> Any:
    auth = emulator.target(kind)["auth"] | changed
    # One attempt: silent retries would hide failures.
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=10)
    return boto3.client(
        "kms",
        endpoint_url=emulator.base_url,
        region_name=auth["region"],
        aws_access_key_id=auth["access_key_id"],
        aws_secret_access_key=auth["access_key_secret"],
        aws_session_token=auth.get("security_token"),
        config=config,
    )


def answer(error: ClientError) -> tuple[int, str]:
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


@pytest.fixture
def kms(aws: Emulator) -> Any:
    return client(aws)


@pytest.fixture
def key(kms: Any) -> str:
    return kms.create_key()["KeyMetadata"]["KeyId"]


def state(kms: Any, key: str) -> str:
    return kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


# The life of a key


@pytest.mark.parametrize("kind", ["permanent", "sts"])
def test_a_key_is_scheduled_spared_and_used_again(aws: Emulator, kind: str) -> None:
    kms = client(aws, kind)
    told = kms.create_key(Description="ours")["KeyMetadata"]
    key = told["KeyId"]
    assert (told["KeyState"], told["Enabled"]) == (STATES.enabled, True)
    assert abs(datetime.now(UTC) - told["CreationDate"]).total_seconds() < 5
    blob = kms.encrypt(KeyId=key, Plaintext=PLAIN)["CiphertextBlob"]

    earliest = aws.clock.now()
    said = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (said["KeyId"], said["KeyState"], said["PendingWindowInDays"]) == (told["Arn"], STATES.pending, 7)
    assert earliest <= said["DeletionDate"] - WEEK <= aws.clock.now()
    pending = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (pending["Enabled"], pending["DeletionDate"]) == (False, said["DeletionDate"])
    for use in (
        lambda: kms.encrypt(KeyId=key, Plaintext=PLAIN),
        lambda: kms.decrypt(CiphertextBlob=blob),
        lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
    ):
        with refused(aws, kms.exceptions.KMSInvalidStateException) as caught:
            use()
        assert answer(caught.value) in documented("aws", "pending_use")

    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == told["Arn"]
    spared = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert spared["KeyState"] == STATES.after_cancel
    assert "DeletionDate" not in spared
    kms.enable_key(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAIN
    assert len(kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]) == 32


def test_it_signs_by_version_4(aws: Emulator, kms: Any, key: str, seen: list[Inbound]) -> None:
    (inbound,) = seen
    assert (inbound.header("authorization") or "").startswith(
        f"AWS4-HMAC-SHA256 Credential={credentials.ACCESS_KEY_ID}/"
    )
    assert (inbound.operation, inbound.header("x-amz-target")) == ("create", "TrentService.CreateKey")


def test_a_disabled_key_is_not_used(aws: Emulator, kms: Any, key: str) -> None:
    kms.disable_key(KeyId=key)
    assert state(kms, key) == STATES.disabled
    with refused(aws, kms.exceptions.DisabledException):
        kms.encrypt(KeyId=key, Plaintext=PLAIN)


def test_without_a_window_it_is_the_default(aws: Emulator, kms: Any, key: str) -> None:
    earliest = aws.clock.now()
    said = kms.schedule_key_deletion(KeyId=key)
    assert said["PendingWindowInDays"] == specs.facts("aws")["window"]["default"] == 30
    assert earliest <= said["DeletionDate"] - 30 * DAY <= aws.clock.now()


def test_paginators_see_each_key_once(aws: Emulator, kms: Any, key: str) -> None:
    pages = kms.get_paginator("list_keys").paginate(PaginationConfig={"PageSize": 2})
    listed = [entry["KeyId"] for page in pages for entry in page["Keys"]]
    assert listed == [known.id for known in aws.store.keys]


def test_aliases_tags_grants_policies_and_rotation(kms: Any, key: str) -> None:
    kms.create_alias(AliasName="alias/ours", TargetKeyId=key)
    assert kms.describe_key(KeyId="alias/ours")["KeyMetadata"]["KeyId"] == key
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.update_alias(AliasName="alias/ours", TargetKeyId=other)
    (alias,) = kms.list_aliases(KeyId=other)["Aliases"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/ours", other)
    kms.delete_alias(AliasName="alias/ours")
    assert kms.list_aliases(KeyId=other)["Aliases"] == []

    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "1"}]
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []

    grant = kms.create_grant(KeyId=key, GranteePrincipal="arn:aws:iam::111122223333:root", Operations=["Decrypt"])
    (listed,) = kms.list_grants(KeyId=key)["Grants"]
    assert listed["GrantId"] == grant["GrantId"]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    assert kms.list_grants(KeyId=key)["Grants"] == []

    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy.replace(":", ": "))
    assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == policy.replace(":", ": ")
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]

    kms.enable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True
    kms.disable_key_rotation(KeyId=key)
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is False


def test_a_text_is_encrypted_anew(kms: Any, key: str) -> None:
    other = kms.create_key()["KeyMetadata"]["Arn"]
    blob = kms.encrypt(KeyId=key, Plaintext=PLAIN, EncryptionContext={"a": "b"})["CiphertextBlob"]
    again = kms.re_encrypt(CiphertextBlob=blob, SourceEncryptionContext={"a": "b"}, DestinationKeyId=other)
    assert again["KeyId"] == other
    assert kms.decrypt(CiphertextBlob=again["CiphertextBlob"])["Plaintext"] == PLAIN
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_128")


# Time


def test_a_key_is_there_until_its_time_has_come_and_then_gone(aws: Emulator, kms: Any, key: str) -> None:
    blob = kms.encrypt(KeyId=key, Plaintext=PLAIN)["CiphertextBlob"]
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    aws.clock.advance(WEEK.total_seconds() - 60)
    assert state(kms, key) == STATES.pending
    aws.clock.advance(60 + specs.facts("aws")["deletion"]["gone_within_seconds"])
    for call in (kms.describe_key, kms.cancel_key_deletion, kms.schedule_key_deletion, kms.enable_key):
        with refused(aws, kms.exceptions.NotFoundException):
            call(KeyId=key)
    with refused(aws, kms.exceptions.NotFoundException) as caught:
        kms.decrypt(CiphertextBlob=blob)
    assert answer(caught.value) in documented("aws", "lost_key")


# What is refused


@pytest.mark.parametrize("profile", specs.profile_names("aws"))
def test_the_window_ends_where_the_profile_says(profile: str) -> None:
    minimum, maximum = bounds("aws", profile)
    with Emulator("aws", profile=profile) as emulator:
        kms = client(emulator)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        # The client does not send values outside the bounds of its model.
        for window in (minimum - 1, maximum + 1, 365):
            with refused(emulator, ClientError) as caught:
                kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=window)
            assert answer(caught.value) in documented("aws", "window_out_of_range")
        for window in (minimum, maximum):
            kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=window)
            assert state(kms, key) == STATES.pending
            kms.cancel_key_deletion(KeyId=key)


REFUSED: dict[str, tuple[Call, str]] = {
    "describe no key": (lambda kms, key: kms.describe_key(KeyId=UNKNOWN), "NotFoundException"),
    "schedule no key": (lambda kms, key: kms.schedule_key_deletion(KeyId=UNKNOWN), "NotFoundException"),
    "cancel no key": (lambda kms, key: kms.cancel_key_deletion(KeyId=UNKNOWN), "NotFoundException"),
    "describe no name": (lambda kms, key: kms.describe_key(KeyId="alias/nobodys"), "NotFoundException"),
    "schedule by name": (lambda kms, key: kms.schedule_key_deletion(KeyId="alias/payroll-0"), "NotFoundException"),
    "cancel by name": (lambda kms, key: kms.cancel_key_deletion(KeyId="alias/payroll-2"), "NotFoundException"),
    "cancel, not scheduled": (lambda kms, key: kms.cancel_key_deletion(KeyId=key), "KMSInvalidStateException"),
    "a name that is taken": (
        lambda kms, key: kms.create_alias(AliasName="alias/payroll-0", TargetKeyId=key),
        "AlreadyExistsException",
    ),
    "an altered text": (
        lambda kms, key: kms.decrypt(
            CiphertextBlob=kms.encrypt(KeyId=key, Plaintext=PLAIN)["CiphertextBlob"][:-1] + b"\0"
        ),
        "InvalidCiphertextException",
    ),
}


@pytest.mark.parametrize(("call", "name"), REFUSED.values(), ids=REFUSED)
def test_refused(aws: Emulator, kms: Any, key: str, call: Call, name: str) -> None:
    with refused(aws, getattr(kms.exceptions, name)) as caught:
        call(kms, key)
    assert answer(caught.value) == (400, name)


@pytest.mark.parametrize(
    "call",
    [
        lambda kms, key: kms.schedule_key_deletion(KeyId=key),
        lambda kms, key: kms.enable_key(KeyId=key),
        lambda kms, key: kms.disable_key(KeyId=key),
        lambda kms, key: kms.create_alias(AliasName="alias/ours", TargetKeyId=key),
        lambda kms, key: kms.update_key_description(KeyId=key, Description="x"),
        lambda kms, key: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
        lambda kms, key: kms.enable_key_rotation(KeyId=key),
    ],
    ids=["schedule", "enable", "disable", "alias", "description", "tag", "rotation"],
)
def test_refused_while_the_key_waits(aws: Emulator, kms: Any, key: str, call: Call) -> None:
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=30)
    with refused(aws, kms.exceptions.KMSInvalidStateException):
        call(kms, key)


# Who is let in


@pytest.mark.parametrize(
    ("kind", "changed", "refusal"),
    [
        ("permanent", {"access_key_secret": "WRONG"}, "wrong_signature"),
        ("permanent", {"access_key_id": "AKIANOBODYS"}, "unknown_access_key"),
        ("permanent", {"region": "eu-west-1"}, "other_region"),
        ("sts", {"security_token": "NOBODYS"}, "unknown_access_key"),
    ],
)
def test_nobody_else_is_let_in(aws: Emulator, key: str, kind: str, changed: dict[str, str], refusal: str) -> None:
    stranger = client(aws, kind, **changed)
    for call in (stranger.schedule_key_deletion, stranger.cancel_key_deletion, stranger.describe_key):
        with refused(aws, ClientError) as caught:
            call(KeyId=key)
        assert answer(caught.value) in documented("aws", refusal)
