"""Question of a differential test: a state of a key, and one request."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.oracle import ENABLED
from kms_conformance.dialects.base import Raw

# Placeholders for values that differ between targets; normalized answers use the same placeholders.
KEY, UNKNOWN_KEY, DESCRIPTION, CIPHERTEXT = "<key>", "<unknown key>", "<description>", "<ciphertext>"

# Prepared states, in addition to the states of the lifecycle.
CANCELLED, PENDING_FROM_DISABLED, LAST_MINUTE = "cancelled", "pending_from_disabled", "last_minute"


@dataclass(frozen=True)
class Question:
    """One question, the same for every target of a dialect.

    `arguments` are those of the abstract operation, with placeholders. `requirement` judges the answer, if the dialect
    has it. `refusal` names the documented refusal; None: it depends on the state of the key. `days` is the window that
    the deletion date is judged by, if the request is accepted. `variation` names a protocol case of the dialect that
    changes how the request is written. `shape_only` compares only names and types of the body, because the values
    depend on other keys of the account. `keys` is the number of keys that the question needs.
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
        """The request of the question as JSON types; questions with equal requests are the same question."""
        return {
            "operation": self.operation,
            "state": self.state,
            "arguments": {name: _written(value) for name, value in self.arguments.items()},
            "variation": self.variation,
        }


def digest(questions: Iterable[Mapping[str, Any]]) -> str:
    """The digest of the requests of questions, in their order."""
    text = json.dumps(list(questions), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _written(value: object) -> object:
    return {"as it is": value.value} if isinstance(value, Raw) else value
