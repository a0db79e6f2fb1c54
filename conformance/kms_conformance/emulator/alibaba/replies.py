"""The forms of this dialect's replies: JSON or XML, with the request id in the body, and in a header as well."""

from __future__ import annotations

import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.alibaba import xml
from kms_conformance.emulator.replies import Outbound, reply

if TYPE_CHECKING:
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.refusals import Refused
    from kms_conformance.emulator.rules import Rules


def is_xml(parameters: dict[str, str]) -> bool:
    """Whether the reply is to be XML; whatever else `Format` says, it is JSON, the documented default."""
    return parameters.get("Format", "").upper() == "XML"


def result(value: dict[str, Any], rules: Rules, action: str, *, as_xml: bool) -> Outbound:
    """A reply that is no refusal."""
    request_id = str(uuid.uuid4()).upper()
    root = rules.xml_success_root.replace("{action}", action)
    return _reply(200, {**value, "RequestId": request_id}, root if as_xml else None)


def refusal(refused: Refused, decisions: Decisions, *, as_xml: bool) -> Outbound:
    """A refusal: `HttpStatus`, `Code`, `Message` and `RequestId`."""
    answer = decisions.answer(refused.name)
    request_id = str(uuid.uuid4()).upper()
    value = {"HttpStatus": answer.status, "Code": answer.code, "Message": refused.message, "RequestId": request_id}
    return _reply(answer.status, value, decisions.rules.xml_error_root if as_xml else None, refused.name)


def _reply(status: int, value: dict[str, Any], root: str | None, refusal_name: str | None = None) -> Outbound:
    kind = "application/json" if root is None else "application/xml"
    encode = strict_json.encode if root is None else partial(xml.encode, root)
    headers = (("Content-Type", f"{kind};charset=utf-8"), ("x-acs-request-id", value["RequestId"]))
    return reply(status, headers, value, encode, refusal_name)
