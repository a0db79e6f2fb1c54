"""Stub replies of a service that keeps no state: every operation on any key is answered with success."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kms_conformance.emulator.huawei.credentials import DOMAIN_ID

_NEW_KEY = "5f0466b0-e727-4d9c-b35d-f84bb474a37f"
_CREATED = "2026-01-01T00:00:00Z"
_CREATED_MILLIS = "1767225600000"


def stub_huawei(target: str, body: bytes, _: str) -> dict[str, Any]:
    """The stub reply of the Huawei dialect; the path of `target` names the operation."""
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        sent = {}
    given = sent.get("key_id") if isinstance(sent, dict) else None
    key = given if isinstance(given, str) else _NEW_KEY
    state = {"key_id": key, "key_state": "2"}
    version = {"id": "v1.0", "links": [], "status": "CURRENT", "updated": _CREATED, "version": ""}
    details = {
        "key_id": key,
        "domain_id": DOMAIN_ID,
        "key_alias": "alias",
        "realm": "eu-example",
        "key_description": "",
        "creation_date": _CREATED_MILLIS,
        "scheduled_deletion_date": "",
        "key_state": "2",
        "default_key_flag": "0",
        "key_type": "1",
    }
    answers: dict[str, dict[str, Any]] = {
        "create-key": {"key_info": {"key_id": key, "domain_id": DOMAIN_ID}},
        "describe-key": {"key_info": details},
        "list-keys": {"keys": [], "key_details": [], "next_marker": "", "truncated": "false", "total": 0},
        "enable-key": {"key_info": state},
        "disable-key": {"key_info": {**state, "key_state": "3"}},
        "schedule-key-deletion": {**state, "key_state": "4"},
        "cancel-key-deletion": {**state, "key_state": "3"},
        "encrypt-data": {"key_id": key, "cipher_text": "QUJD"},
        "decrypt-data": {"key_id": key, "plain_text": "text"},
        "create-datakey": {"key_id": key, "plain_text": "ab", "cipher_text": "ab"},
        "update-key-alias": {"key_info": {"key_id": key, "key_alias": "alias"}},
        "update-key-description": {"key_info": {"key_id": key, "key_description": ""}},
        "user-instances": {"instance_num": 0},
        "user-quotas": {"quotas": {"resources": []}},
        "": {"versions": [version]},
        "v1.0": {"version": version},
    }
    return answers.get(target.rpartition("/")[2], state)


def stub_alibaba(target: str, body: bytes, action: str) -> dict[str, Any]:
    """The stub reply of the Alibaba dialect; `action` is the action header, empty if the action is a parameter."""
    sent = dict(parse_qsl(urlsplit(target).query) + parse_qsl(body.decode("latin-1")))
    key = sent.get("KeyId", _NEW_KEY)
    metadata = {
        "KeyId": key,
        "Arn": f"acs:kms:cn-hangzhou:1000000000000000:key/{key}",
        "KeyState": "Enabled",
        "CreationDate": _CREATED,
        "KeyUsage": "ENCRYPT/DECRYPT",
        "Origin": "Aliyun_KMS",
    }
    used = {"KeyId": key, "CiphertextBlob": "QUJD", "Plaintext": base64.b64encode(b"text").decode()}
    answers: dict[str, dict[str, Any]] = {
        "CreateKey": {"KeyMetadata": metadata},
        "DescribeKey": {"KeyMetadata": metadata},
        "ListKeys": {"Keys": {"Key": []}, "PageNumber": 1, "PageSize": 100, "TotalCount": 0},
        "Encrypt": used,
        "Decrypt": used,
        "GenerateDataKey": used,
        "ListResourceTags": {"Tags": {"Tag": []}},
        "DescribeRegions": {"Regions": {"Region": [{"RegionId": "cn-hangzhou"}]}},
        "DescribeAccountKmsStatus": {"AccountStatus": "Enabled"},
    }
    return {**answers.get(action or sent.get("Action", ""), {}), "RequestId": str(uuid.uuid4())}


def stub_aws(_: str, body: bytes, target: str) -> dict[str, Any]:
    """The stub reply of the AWS dialect; `target` is the `X-Amz-Target` header."""
    try:
        sent = json.loads(body or b"{}")
    except ValueError:
        sent = {}
    given = sent.get("KeyId") if isinstance(sent, dict) else None
    key = given if isinstance(given, str) else _NEW_KEY
    arn = f"arn:aws:kms:us-east-1:111122223333:key/{key}"
    metadata = {
        "AWSAccountId": "111122223333",
        "KeyId": key,
        "Arn": arn,
        "CreationDate": int(_CREATED_MILLIS) / 1000,
        "Enabled": True,
        "Description": "",
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "Origin": "AWS_KMS",
    }
    used = {"KeyId": arn, "CiphertextBlob": "QUJD", "Plaintext": base64.b64encode(b"text").decode()}
    answers: dict[str, dict[str, Any]] = {
        "CreateKey": {"KeyMetadata": metadata},
        "DescribeKey": {"KeyMetadata": metadata},
        "ListKeys": {"Keys": [], "Truncated": False},
        "ScheduleKeyDeletion": {"KeyId": arn, "KeyState": "PendingDeletion", "DeletionDate": 1800000000.0},
        "CancelKeyDeletion": {"KeyId": arn},
        "Encrypt": used,
        "Decrypt": used,
        "GenerateDataKey": used,
    }
    return answers.get(target.rpartition(".")[2], {})
