"""Open choices: requirements for which the documents accept several answers, and the answers that the target gave."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.catalogue.profile import Profile, Refusal

if TYPE_CHECKING:
    from kms_conformance.report.model import TargetReport


@dataclass(frozen=True)
class OpenChoice:
    """One requirement for which the documents accept several answers.

    - `given`: the answers that the target gave.
    - `others`: the other accepted answers; empty if this version does not know the profile.
    - `reason`: why several answers are accepted; empty if this version does not know the profile.
    """

    requirement: str
    given: tuple[str, ...]
    others: tuple[str, ...]
    reason: str


def open_choices(target: TargetReport, profile: Profile | None) -> tuple[OpenChoice, ...]:
    """The open choices of a target, in the order of the catalogue."""
    given: dict[str, set[str]] = {}
    names: dict[str, str] = {}
    for check in target.checks:
        names |= check.refusals
        for requirement, answers in check.observed.items():
            given.setdefault(requirement, set()).update(answers)
    return tuple(
        _choice(entry.id, tuple(sorted(given[entry.id])), _refusal(profile, names.get(entry.id, "")))
        for entry in target.verdict.requirements
        if entry.id in given
    )


def _choice(requirement: str, given: tuple[str, ...], refusal: Refusal | None) -> OpenChoice:
    if refusal is None:
        return OpenChoice(requirement, given, (), "")
    return OpenChoice(requirement, given, tuple(_others(refusal, given)), refusal.reason)


def _others(refusal: Refusal, given: tuple[str, ...]) -> Iterator[str]:
    if refusal.or_accepted and not any(answer.endswith("carried out") for answer in given):
        yield "carried out"
    yield from (str(answer) for answer in refusal.answers if str(answer) not in given)


def _refusal(profile: Profile | None, name: str) -> Refusal | None:
    known = profile is not None and name in profile.facts["refusals"]
    return profile.refusal(name) if known and profile is not None else None
