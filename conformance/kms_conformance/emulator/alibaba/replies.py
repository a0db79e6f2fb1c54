"""Builds replies of the Alibaba dialect: JSON or XML, the request id in body and header, metadata of keys."""

from __future__ import annotations

import re
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from kms_conformance.emulator.alibaba.credentials import ACCOUNT_ID, REGION
from kms_conformance.emulator.clock import iso
from kms_conformance.emulator.messages import Outbound, encode_json, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.refusals import Refused
    from kms_conformance.emulator.rules import Rules

# XML 1.0 cannot contain these characters, not even escaped. Descriptions of keys can contain them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def encode_xml(root: str, value: dict[str, Any]) -> bytes:
    """`value` as an XML document in UTF-8 with this root element."""
    return ("<?xml version='1.0' encoding='UTF-8'?>" + "".join(_element(root, value))).encode("utf-8")


def _element(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - a JSON value
    if isinstance(value, list):
        for item in value:
            yield from _element(name, item)
        return
    yield f"<{name}>"
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _element(inner, item)
    else:
        yield escape(_UNWRITABLE.sub("\ufffd", _text(value)), {"\r": "&#13;"})
    yield f"</{name}>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


_ARN = f"acs:kms:{REGION}:{ACCOUNT_ID}:key/"


def arn(key: Key) -> str:
    """The ARN of a key."""
    return _ARN + key.id


def id_of_arn(name: str) -> str | None:
    """The key id in a key ARN, None for any other text."""
    return name.removeprefix(_ARN) if name.startswith(_ARN) else None


def alias_in(name: str) -> str | None:
    """The alias that a text is, or that the ARN of an alias has; None for any other text."""
    local = name.removeprefix(_ARN.removesuffix("key/"))
    return local if local.startswith("alias/") else None


def metadata(key: Key, rules: Rules) -> dict[str, Any]:
    """The `KeyMetadata` of CreateKey and DescribeKey; `DeleteDate` is present only while the key is pending."""
    fields = {
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
    return fields if key.deletion is None else {**fields, "DeleteDate": iso(key.deletion)}


def is_xml(parameters: dict[str, str]) -> bool:
    """Whether `Format` is XML; for any other value the reply is JSON, the documented default."""
    return parameters.get("Format", "").upper() == "XML"


def result(value: dict[str, Any], rules: Rules, action: str, *, as_xml: bool) -> Outbound:
    """A reply with status 200."""
    request_id = str(uuid.uuid4()).upper()
    root = rules.xml_success_root.replace("{action}", action)
    return _reply(200, {**value, "RequestId": request_id}, root if as_xml else None)


def refusal(refused: Refused, decisions: Decisions, *, as_xml: bool) -> Outbound:
    """The reply to a refused request: an object with `HttpStatus`, `Code`, `Message` and `RequestId`."""
    answer = decisions.answer(refused.name)
    request_id = str(uuid.uuid4()).upper()
    value = {"HttpStatus": answer.status, "Code": answer.code, "Message": refused.message, "RequestId": request_id}
    return _reply(answer.status, value, decisions.rules.xml_error_root if as_xml else None, refused.name)


def _reply(status: int, value: dict[str, Any], root: str | None, refusal_name: str | None = None) -> Outbound:
    kind = "application/json" if root is None else "application/xml"
    encode = encode_json if root is None else partial(encode_xml, root)
    headers = (("Content-Type", f"{kind};charset=utf-8"), ("x-acs-request-id", value["RequestId"]))
    return reply(status, headers, value, encode, refusal_name)
