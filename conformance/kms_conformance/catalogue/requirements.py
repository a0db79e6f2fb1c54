"""Requirements from each dialect's documents, with their sources, conditions and errata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs

Level = Literal["MUST", "SHOULD", "MAY"]
# The authority of a document: the normative page, another page of a vendor, or a conclusion from clients, recordings or
# analogy.
Tier = Literal["document", "vendor", "inferred"]
#: In the place of an operation: more than five of them.
ANY = "any"
_STRENGTH: tuple[Tier, ...] = ("document", "vendor", "inferred")


@dataclass(frozen=True)
class Document:
    """A vendor page that requirements come from.

    `places` lists all (section, row) pairs of the page. A test then verifies that a requirement or an exclusion cites
    each of them. If `places` is empty, the page is not covered completely. `dated` is the date of the page (ISO 8601),
    or `undated`; `read` is the day on which it was read, which an undated page must have.
    """

    id: str
    title: str
    publisher: str
    url: str
    tier: Tier
    places: frozenset[tuple[str, str]] = frozenset()
    dated: str = "undated"
    read: str = ""


@dataclass(frozen=True)
class Source:
    """One place in a document: a section, which may be empty, and a row or sentence in this section."""

    document: Document
    section: str
    row: str

    def __str__(self) -> str:
        place = " · ".join(part for part in (self.section, self.row) if part)
        return f"{self.document.publisher}, “{self.document.title}” · {place}"


@dataclass(frozen=True)
class Condition:
    """The condition under which a requirement applies to a target; an empty condition is always true.

    - auth: the ways to sign in, of which the target must use one.
    - fact: the name of a profile fact that must be true.
    - given: a key under `auth` of the target file that the checks of the requirement need.
    - operations: the operations that the checks of the requirement need, of which the profile must lack none.
    """

    auth: tuple[str, ...] = ()
    fact: str = ""
    given: str = ""
    operations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Requirement:
    """One testable statement in our own words.

    If `reached` is not empty, the requirement can be judged only after a key was read in one of these states.
    `refusals`: by name of each refusal of the profiles that its checks demand, the operations that must be refused so;
    the operation `any` stands for more than five.
    """

    id: str
    level: Level
    statement: str
    sources: tuple[Source, ...]
    condition: Condition = field(default_factory=Condition)
    reached: frozenset[str] = frozenset()
    refusals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def tier(self) -> Tier:
        """The highest authority among the documents of the sources."""
        return min((source.document.tier for source in self.sources), key=_STRENGTH.index)

    def demands(self, refusal: str, operation: str) -> bool:
        """Whether a check demands that this operation is refused so."""
        return not {operation, ANY}.isdisjoint(self.refusals.get(refusal, ()))

    def not_applicable_because(self, profile: Profile, auth_way: str, like: str = "") -> str | None:
        """The reason why the requirement does not apply to a profile and way to sign in; None if it applies.

        `like` is another way to sign in whose requirements also apply to `auth_way`.
        """
        if self.condition.auth and {auth_way, like}.isdisjoint(self.condition.auth):
            return f"It applies to {' and '.join(self.condition.auth)}; the target signs in by {auth_way}."
        if self.condition.fact and not profile.facts[self.condition.fact]:
            return f"The profile {profile.name} says that {self.condition.fact.replace('_', ' ')} do not apply."
        lacking = [name for name in self.condition.operations if profile.is_lacking(name)]
        if lacking:
            return f"The profile {profile.name} says that the cloud has no operation {lacking[0]}."
        return None


@dataclass(frozen=True)
class Erratum:
    """A contradiction within or between documents, the reading that is followed, and the reason."""

    id: str
    question: str
    readings: tuple[str, ...]
    followed: str
    reason: str
    requirements: tuple[str, ...]
    refusals: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """All requirements of a dialect, the excluded statements with reasons, and the errata."""

    dialect: str
    documents: Mapping[str, Document]
    requirements: Mapping[str, Requirement]
    exclusions: tuple[tuple[Source, str], ...]
    errata: tuple[Erratum, ...]

    def __iter__(self) -> Iterator[Requirement]:
        return iter(self.requirements.values())

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self.requirements

    def __getitem__(self, requirement_id: str) -> Requirement:
        return self.requirements[requirement_id]

    @classmethod
    @cache
    def load(cls, dialect: str) -> Catalogue:
        """Load `specs/<dialect>/requirements.yaml`. Raises `ValueError` for an id that occurs twice."""
        raw = specs.load(f"{dialect}/requirements.yaml")
        documents = {key: _document(key, value) for key, value in raw["documents"].items()}
        requirements: dict[str, Requirement] = {}
        for entry in raw["requirements"]:
            if entry["id"] in requirements:
                raise ValueError(f"{dialect}: the requirement {entry['id']} occurs twice")
            requirements[entry["id"]] = _requirement(entry, documents)
        return cls(
            dialect=dialect,
            documents=MappingProxyType(documents),
            requirements=MappingProxyType(requirements),
            exclusions=tuple((_source(e["source"], documents), e["reason"]) for e in raw["exclusions"]),
            errata=tuple(_erratum(e) for e in raw["errata"]),
        )


def _document(key: str, raw: dict[str, Any]) -> Document:
    places = frozenset((section, row) for section, rows in raw.get("places", {}).items() for row in rows)
    dated = raw.get("dated", "undated"), raw.get("read", "")
    return Document(key, raw["title"], raw["publisher"], raw["url"], raw["tier"], places, *dated)


def _source(raw: dict[str, str], documents: Mapping[str, Document]) -> Source:
    return Source(documents[raw["document"]], raw.get("section", ""), raw["row"])


def _requirement(raw: dict[str, Any], documents: Mapping[str, Document]) -> Requirement:
    when = raw.get("when", {})
    condition = Condition(
        tuple(when.get("auth", ())), when.get("fact", ""), when.get("given", ""), tuple(when.get("operations", ()))
    )
    sources = tuple(_source(source, documents) for source in raw["source"])
    reached = frozenset(raw.get("reached", ()))
    refusals = MappingProxyType({name: tuple(asked) for name, asked in raw.get("refusals", {}).items()})
    return Requirement(raw["id"], raw["level"], raw["statement"], sources, condition, reached, refusals)


def _erratum(raw: dict[str, Any]) -> Erratum:
    return Erratum(
        raw["id"],
        raw["question"],
        tuple(raw["readings"]),
        raw["followed"],
        raw["reason"],
        tuple(raw.get("requirements", ())),
        tuple(raw.get("refusals", ())),
    )
