"""The forms of this dialect's replies: JSON, three shapes of errors, and a request id in the header of every one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.replies import Headers, Outbound, reply

if TYPE_CHECKING:
    from collections.abc import Collection

    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.refusals import Refused

# Codes of the gateway in front of the service, whose errors are flat.
_GATEWAY = "APIGW."


def result(value: dict[str, Any], status: int = 200, headers: Headers = ()) -> Outbound:
    """A reply that is no refusal."""
    return reply(status, (*_headers(_request_id()), *headers), value, strict_json.encode)


def refusal(refused: Refused, decisions: Decisions, allowed: Collection[str] = ()) -> Outbound:
    """A refusal in the service's shape, nested, or in the gateway's, flat, as its code demands."""
    answer = decisions.answer(refused.name)
    request_id = _request_id()
    error = {"error_code": answer.code, "error_msg": refused.message}
    value = {**error, "request_id": request_id} if answer.code.startswith(_GATEWAY) else {"error": error}
    allow: Headers = (("Allow", ", ".join(allowed)),) if answer.status == 405 else ()
    return reply(answer.status, (*_headers(request_id), *allow), value, strict_json.encode, refused.name)


def keystone_problem(status: int, title: str, message: str) -> Outbound:
    """An error of the identity service, in its own shape."""
    return result({"error": {"code": status, "title": title, "message": message}}, status)


def _request_id() -> str:
    return secrets.token_hex(16)


def _headers(request_id: str) -> Headers:
    return (("Content-Type", "application/json"), ("X-Request-Id", request_id))
