"""Builds replies of the AWS dialect: JSON 1.1, empty bodies for empty results, typed errors, metadata of keys."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws.credentials import ACCOUNT_ID, SYMMETRIC
from kms_conformance.emulator.aws.parameters import key_arn
from kms_conformance.emulator.keys import State
from kms_conformance.emulator.messages import Headers, Outbound, encode_json, reply

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.refusals import Refused
    from kms_conformance.emulator.rules import Rules


def seconds(moment: datetime) -> float:
    """Seconds since 1970, the format of times in JSON 1.1."""
    return moment.timestamp()


def metadata(key: Key, rules: Rules) -> dict[str, Any]:
    """The `KeyMetadata` of CreateKey and DescribeKey; `DeletionDate` is present only while the key is pending."""
    fields = {
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
        fields["EncryptionAlgorithms"] = [SYMMETRIC]
    return fields if key.deletion is None else {**fields, "DeletionDate": seconds(key.deletion)}


MEDIA_TYPE = "application/x-amz-json-1.1"


def result(value: dict[str, Any]) -> Outbound:
    """A reply with status 200."""
    return reply(200, _headers(), value, encode)


def refusal(refused: Refused, decisions: Decisions) -> Outbound:
    """The reply to a refused request: an object with `__type` and `message`."""
    answer = decisions.answer(refused.name)
    return reply(answer.status, _headers(), {"__type": answer.code, "message": refused.message}, encode, refused.name)


def encode(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """Encode `value` as JSON; an empty value gives an empty body."""
    return encode_json(value) if value else b""


def _headers() -> Headers:
    return (("Content-Type", MEDIA_TYPE), ("x-amzn-RequestId", str(uuid.uuid4())))
