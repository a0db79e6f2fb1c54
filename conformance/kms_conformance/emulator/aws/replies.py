"""The forms of this dialect's replies: JSON 1.1, nothing at all where there is nothing to tell, and typed errors."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import strict_json
from kms_conformance.emulator.replies import Headers, Outbound, reply

if TYPE_CHECKING:
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.refusals import Refused

MEDIA_TYPE = "application/x-amz-json-1.1"


def result(value: dict[str, Any]) -> Outbound:
    """A reply that is no refusal."""
    return reply(200, _headers(), value, encode)


def refusal(refused: Refused, decisions: Decisions) -> Outbound:
    """A refusal: its type and its message."""
    answer = decisions.answer(refused.name)
    return reply(answer.status, _headers(), {"__type": answer.code, "message": refused.message}, encode, refused.name)


def encode(value: Any) -> bytes:  # noqa: ANN401 - JSON
    """The body that says `value`; an operation that tells nothing has an empty one."""
    return strict_json.encode(value) if value else b""


def _headers() -> Headers:
    return (("Content-Type", MEDIA_TYPE), ("x-amzn-RequestId", str(uuid.uuid4())))
