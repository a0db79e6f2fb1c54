"""The facts of a profile, read from `specs/`: the emulator's only source of bounds, states, and error codes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kms_conformance.core import specs
from kms_conformance.emulator.keys import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class RefusalAnswer:
    """The HTTP status and error code of a refusal; None: the error has no code."""

    status: int
    code: str | None


@dataclass(frozen=True)
class Rules:
    """The facts of one profile of one dialect.

    - answers: for each refusal, the first answer in the profile.
    - lacks: the operations of the dialect that the cloud does not have.
    - key_names: for each operation, the forms of names by which a request may name a key.
    """

    dialect: str
    profile: str
    window_minimum: int
    window_maximum: int
    window_default: int | None
    after_cancel: State
    key_quota: int
    wire_states: Mapping[State, str]
    lifecycle: Mapping[str, Mapping[str, str]]
    answers: Mapping[str, RefusalAnswer]
    xml_success_root: str
    xml_error_root: str
    lacks: frozenset[str] = frozenset()
    key_names: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, dialect: str, profile: str = "documents") -> Rules:
        """Load a profile; the `ValueError` for an unknown dialect or profile lists the known names."""
        if dialect not in specs.dialects():
            raise ValueError(f"There is no dialect {dialect!r}; there are: {', '.join(specs.dialects())}.")
        if not specs.has_profile(dialect, profile):
            known = ", ".join(specs.profile_names(dialect))
            raise ValueError(f"The dialect {dialect!r} has no profile {profile!r}; it has: {known}.")
        facts = specs.facts(dialect, profile)
        xml = facts.get("xml", {"success_root": [""], "error_root": [""]})
        return cls(
            dialect=dialect,
            profile=profile,
            window_minimum=facts["window"]["minimum"],
            window_maximum=facts["window"]["maximum"],
            window_default=facts["window"].get("default"),
            after_cancel=State(facts["after_cancel"]),
            key_quota=facts["key_quota"],
            wire_states={state: facts["states"][state] for state in State},
            lifecycle=facts["lifecycle"],
            answers={
                name: RefusalAnswer(entry["answers"][0]["status"], entry["answers"][0]["code"])
                for name, entry in facts["refusals"].items()
            },
            xml_success_root=xml["success_root"][0],
            xml_error_root=xml["error_root"][0],
            lacks=frozenset(facts.get("lacks", ())),
            key_names=facts.get("key_names", {}),
        )
