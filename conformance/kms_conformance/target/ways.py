"""The ways to sign in, as the JSON Schema of target files has them, and which of them the keys under `auth` mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kms_conformance.core import specs
from kms_conformance.target.errors import Problem
from kms_conformance.target.misspelt import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True)
class Way:
    """One way to sign in: its name, all keys that it knows, those that it needs, and those whose values are secret."""

    name: str
    keys: frozenset[str]
    needed: tuple[str, ...]
    secret: frozenset[str]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(self.needed)})"


def schema() -> dict[str, Any]:
    """The JSON Schema of target files."""
    found: dict[str, Any] = specs.load("schemas/target.schema.json")
    return found


def way_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of what stands under `auth` for one way to sign in."""
    return {"$ref": f"#/$defs/{name}", "$defs": schema()["$defs"]}


def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema node, or what it refers to."""
    found: Mapping[str, Any] = schema()["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    return found


def ways_of(dialect: str, profile: str) -> tuple[Way, ...]:
    """The ways to sign in that a profile's facts name, in their order."""
    return tuple(_way(name) for name in specs.facts(dialect, profile)["auth_ways"])


def credentials_of(way: str) -> frozenset[str]:
    """The keys of a way to sign in, by its name, whose values are credentials."""
    properties = schema()["$defs"][way]["properties"]
    return frozenset(key for key, value in properties.items() if resolved(value).get("writeOnly"))


def _way(name: str) -> Way:
    node = schema()["$defs"][name]
    return Way(name, frozenset(node["properties"]), tuple(node["required"]), credentials_of(name))


def choose(given: Iterable[str], ways: Sequence[Way]) -> Way | Problem:
    """The way that these keys mean; a key that no way knows counts as the one that it is nearest to."""
    known = sorted(frozenset().union(*(way.keys for way in ways)))
    meant = {key if key in known else nearest(key, known) or "" for key in given}
    # What only one of the ways knows tells it from the others.
    telling = {
        way: sorted(key for key in meant if [each for each in ways if key in each.keys] == [way]) for way in ways
    }
    told = [way for way in ways if telling[way]]
    if len(told) == 1:
        return told[0]
    listed = " and ".join(f"{way.name} ({', '.join(telling[way])})" for way in told)
    why = f"`auth` mixes ways to sign in: {listed}." if told else "`auth` does not say how to sign in."
    return Problem(why, f"Give exactly one of: {'; '.join(map(str, ways))}.", "auth")
