"""How keys are written in this dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws.credentials import ACCOUNT_ID
from kms_conformance.emulator.aws.names import key_arn
from kms_conformance.emulator.keys import State

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.rules import Rules

SYMMETRIC = "SYMMETRIC_DEFAULT"


def seconds(moment: datetime) -> float:
    """Seconds since 1970, as JSON 1.1 writes a time."""
    return moment.timestamp()


def metadata(key: Key, rules: Rules) -> dict[str, Any]:
    """What CreateKey and DescribeKey tell; `DeletionDate` is there only while the key waits for its deletion."""
    told = {
        "AWSAccountId": ACCOUNT_ID,
        "KeyId": key.id,
        "Arn": key_arn(key),
        "CreationDate": seconds(key.created),
        "Enabled": key.state is State.ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": rules.wire_states[key.state],
        "Origin": "EXTERNAL" if key.external else "AWS_KMS",
        "KeyManager": "AWS" if key.default else "CUSTOMER",
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        "MultiRegion": False,
    }
    if key.spec == SYMMETRIC:
        told["EncryptionAlgorithms"] = [SYMMETRIC]
    return told if key.deletion is None else {**told, "DeletionDate": seconds(key.deletion)}
