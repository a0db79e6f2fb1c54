"""How keys are written in this dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.alibaba.credentials import ACCOUNT_ID, REGION
from kms_conformance.emulator.clock import iso

if TYPE_CHECKING:
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.rules import Rules

_ARN = f"acs:kms:{REGION}:{ACCOUNT_ID}:key/"


def arn(key: Key) -> str:
    """The key's full name."""
    return _ARN + key.id


def id_of_arn(name: str) -> str | None:
    """The id in a key's full name, None for what is no such name."""
    return name.removeprefix(_ARN) if name.startswith(_ARN) else None


def metadata(key: Key, rules: Rules) -> dict[str, Any]:
    """What CreateKey and DescribeKey tell; `DeleteDate` is there only while the key waits for its deletion."""
    told = {
        "KeyId": key.id,
        "Arn": arn(key),
        "KeyState": rules.wire_states[key.state],
        "Creator": ACCOUNT_ID,
        "CreationDate": iso(key.created),
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeySpec": key.spec,
        "Origin": "EXTERNAL" if key.external else "Aliyun_KMS",
        "ProtectionLevel": "SOFTWARE",
        "AutomaticRotation": "Disabled",
        "PrimaryKeyVersion": key.version_id,
        "LastRotationDate": iso(key.created),
        "MaterialExpireTime": "",
        "DeletionProtection": "Enabled" if key.protected else "Disabled",
        "DeletionProtectionDescription": key.protection_description,
    }
    return told if key.deletion is None else {**told, "DeleteDate": iso(key.deletion)}
