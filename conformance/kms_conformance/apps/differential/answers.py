"""Answers of one target as plain values, normalized: without secrets, and comparable with those of another target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kms_conformance.catalogue.requirement_ids import RequirementId

Outcome = Literal["answered", "left_out", "unprepared", "unanswered"]
Aspect = Literal["answer", "state", "date", "content type", "body", "fact"]


@dataclass(frozen=True)
class BrokenRequirement:
    """Requirement that an answer breaks.

    - `aspect`: the part of the answer that is wrong.
    - `expected`: the documented value, in words.
    - `field`: the wrong field of the body, or the name of the wrong fact; "the key" for a deletion date that is wrong
      whatever the request was; "" if the whole aspect is wrong.
    """

    aspect: Aspect
    requirement: RequirementId
    expected: str
    field: str = ""


@dataclass(frozen=True)
class NormalizedAnswer:
    """Answer to one question, normalized.

    - `outcome`: "answered"; "left_out": the target file does not allow the question; "unprepared": the key could not be
      brought into the state of the question; "unanswered": the target sent no usable reply.
    - `reason`: why there is no answer. If the outcome is not "answered", this is the only other field that is set.
    - `accepted`, `status`, `code`, `content_type`, `body`: the reply.
    - `after`, `date`: the state and the deletion date of the key, read after the request.
    - `facts`: the facts by name.
    - `judged`: the aspects that the documents decide, and the names of the facts that they decide.
    - `breaks`: the requirements that the answer breaks.
    """

    outcome: Outcome
    reason: str = ""
    accepted: bool = False
    status: int = 0
    code: str | None = None
    content_type: str = ""
    body: Any = None
    after: str | None = None
    date: Any = None
    facts: Mapping[str, bool | int | str] = field(default_factory=dict)
    judged: tuple[str, ...] = ()
    breaks: tuple[BrokenRequirement, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        if self.outcome != "answered":
            return {"outcome": self.outcome, "reason": self.reason}
        found = asdict(self)
        del found["reason"]
        return found

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> NormalizedAnswer:
        """Rebuild an answer from the result of `to_json`, parsed from JSON or not."""
        lists = {
            "judged": tuple(raw.get("judged", ())),
            "breaks": tuple(BrokenRequirement(**found) for found in raw.get("breaks", ())),
        }
        return cls(**(dict(raw) | lists))
