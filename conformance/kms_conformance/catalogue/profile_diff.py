"""The differences between two profiles of one dialect in words, and the requirements that they touch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue

_ABSENT = "-"


@dataclass(frozen=True)
class FactChange:
    """One fact that differs: its name, its value in both profiles, `-` if a profile lacks it, and what it touches.

    `requirements` are those whose judgement the fact decides as far as the specs say so: by an erratum about a refusal,
    or by the condition of a requirement.
    """

    fact: str
    before: str
    after: str
    requirements: tuple[str, ...]


@dataclass(frozen=True)
class ProfileDiff:
    """All changes from one profile to another, and the requirements that apply with only one of them."""

    before: str
    after: str
    changes: tuple[FactChange, ...]
    no_longer: tuple[str, ...]
    newly: tuple[str, ...]

    @classmethod
    def of(cls, before: Profile, after: Profile) -> ProfileDiff:
        """Compare two profiles of one dialect."""
        catalogue = Catalogue.load(before.dialect)
        applying = [_applying(catalogue, profile) for profile in (before, after)]
        return cls(
            before.name,
            after.name,
            tuple(_changes(before, after, catalogue)),
            tuple(name for name in catalogue.requirements if name in applying[0] - applying[1]),
            tuple(name for name in catalogue.requirements if name in applying[1] - applying[0]),
        )


def _applying(catalogue: Catalogue, profile: Profile) -> frozenset[str]:
    """The requirements that the facts of a profile do not exclude, whatever the way to sign in."""
    return frozenset(
        requirement.id
        for requirement in catalogue
        if not (requirement.condition.fact and not profile.facts[requirement.condition.fact])
        and not any(profile.is_lacking(name) for name in requirement.condition.operations)
    )


def _changes(before: Profile, after: Profile, catalogue: Catalogue) -> Iterator[FactChange]:
    found = {name: dict(_leaves(profile)) for name, profile in (("before", before), ("after", after))}
    for fact in dict.fromkeys((*found["before"], *found["after"])):
        old, new = found["before"].get(fact, _ABSENT), found["after"].get(fact, _ABSENT)
        if old != new:
            yield FactChange(fact, old, new, _touched(fact, catalogue))


def _leaves(profile: Profile) -> Iterator[tuple[str, str]]:
    """The facts of a profile by name, as text. A refusal is one fact, whatever its parts."""
    for name, value in profile.facts.items():
        if name == "refusals":
            for refusal in value:
                told = profile.refusal(refusal)
                carried_out = ", or carried out" if told.or_accepted else ""
                yield f"refusals.{refusal}", f"{told}{carried_out}"
        else:
            yield from _flat(name, value)


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any fact
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _flat(f"{name}.{key}", each)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _touched(fact: str, catalogue: Catalogue) -> tuple[str, ...]:
    kind, _, rest = fact.partition(".")
    if kind == "refusals":
        named = (name for erratum in catalogue.errata if rest in erratum.refusals for name in erratum.requirements)
    else:
        named = (requirement.id for requirement in catalogue if requirement.condition.fact == kind)
    return tuple(dict.fromkeys(named))
