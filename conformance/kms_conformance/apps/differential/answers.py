"""What one target answered to one question, as plain values without accidents and secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from kms_conformance.catalogue.requirement_ids import RequirementId

Outcome = Literal["answered", "left_out", "unprepared", "unanswered"]
Aspect = Literal["answer", "state", "date", "content type", "body", "fact"]


@dataclass(frozen=True)
class Break:
    """A requirement that an answer breaks, in which aspect, and what the documents expect instead.

    `field` names the field of the body, or the fact, that it is about, where it is about one.
    """

    aspect: Aspect
    requirement: RequirementId
    expected: str
    field: str = ""


@dataclass(frozen=True)
class Given:
    """One answer.

    `outcome`: answered; left_out, because of what the user offers; unprepared, because the target could not be brought
    into the state; unanswered, because no reply came that says anything. All but the first have a `reason` and nothing
    else. `after` and `date` are the state and the deletion date of the key as it reads afterwards. `judged` are the
    aspects, and the facts by name, on which the documents have a say; what they do not admit is in `breaks`.
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
    breaks: tuple[Break, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The inverse of `from_json`."""
        if self.outcome != "answered":
            return {"outcome": self.outcome, "reason": self.reason}
        found = asdict(self)
        del found["reason"]
        return found

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Given:
        """Rebuild an answer from what `to_json` gave, also after a trip through JSON."""
        lists = {
            "judged": tuple(raw.get("judged", ())),
            "breaks": tuple(Break(**found) for found in raw.get("breaks", ())),
        }
        return cls(**(dict(raw) | lists))
