"""A question that is put to two targets: a prepared state of a key, and one request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import Raw

# What stands in a question for what every target has its own of; answers are told in the same words.
KEY, UNKNOWN_KEY, DESCRIPTION, CIPHERTEXT = "<key>", "<unknown key>", "<description>", "<ciphertext>"

# States that a key is prepared in, besides those of the lifecycle.
CANCELLED, PENDING_FROM_DISABLED, LAST_MINUTE = "cancelled", "pending_from_disabled", "last_minute"


@dataclass(frozen=True)
class Question:
    """One question, the same for every target of a dialect.

    `arguments` are those of the abstract operation, with placeholders. `requirement` is what speaks of the answer,
    where the dialect has it. `refusal` names how the documents refuse it; None leaves that to the state of the key.
    `days` is the window by which the deletion date is to be judged, if the request is carried out. `variation` names a
    case of the dialect in which the request is written otherwise. Of the body of a `shape_only` answer the values are
    accidents: it tells of what others have in the account.
    """

    id: str
    title: str
    operation: str
    requirement: RequirementId
    arguments: Mapping[str, object] = field(default_factory=dict)
    state: str = ENABLED
    refusal: str | None = None
    days: int | None = None
    variation: str = ""
    shape_only: bool = False
    keys: int = 1

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked, as JSON types: two questions are the same if these are equal, whatever they are called."""
        return {
            "operation": self.operation,
            "state": self.state,
            "arguments": {name: _written(value) for name, value in self.arguments.items()},
            "variation": self.variation,
        }


def digest(questions: Iterable[Mapping[str, Any]]) -> str:
    """The digest of what is asked, in its order."""
    text = json.dumps(list(questions), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _written(value: object) -> object:
    return {"as it is": value.value} if isinstance(value, Raw) else value
