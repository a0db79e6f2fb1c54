"""Question of a differential test: a state of a key, and the request that is sent in this state."""

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

# Prepared states, in addition to the states of the lifecycle: the deletion was just cancelled; pending, and disabled
# before the deletion was scheduled; pending, in the last minute of the waiting period.
CANCELLED, PENDING_FROM_DISABLED, LAST_MINUTE = "cancelled", "pending_from_disabled", "last_minute"


@dataclass(frozen=True)
class Question:
    """One question, the same for every target of a dialect.

    - `operation`, `arguments`: the operation, by its name in all dialects, and its arguments, with placeholders.
    - `state`: the state of the key when the request is sent.
    - `requirement`: the id of the requirement on the answer; not every dialect has this requirement.
    - `refusal`: the name of the documented refusal; None if the state of the key decides whether there is one.
    - `days`: the waiting period by which the deletion date is judged after an accepted request.
    - `variation`: the name of a protocol case of the dialect, which writes the same request in another way.
    - `shape_only`: whether only the names and types in the body are compared, as its values depend on other keys.
    - `keys`: the number of keys that the question needs.
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
        """The state and the request of the question, as JSON types; questions are equal if these are equal."""
        return {
            "operation": self.operation,
            "state": self.state,
            "arguments": {name: _written(value) for name, value in self.arguments.items()},
            "variation": self.variation,
        }


def digest(questions: Iterable[Mapping[str, Any]]) -> str:
    """The digest of some questions (the `asked` of each), in their order."""
    text = json.dumps(list(questions), sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _written(value: object) -> object:
    return {"as it is": value.value} if isinstance(value, Raw) else value
