"""The JSON Schema of target files: the frame from the specs, and the keys of the registered ways to sign in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kms_conformance.core import specs
from kms_conformance.target.auth import SCHEMA, Auth, shared_schemas
from kms_conformance.target.errors import Problem
from kms_conformance.target.misspelt import nearest
from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def schema() -> dict[str, Any]:
    """The JSON Schema of target files, with all ways that are registered. Shared: callers must not change it."""
    return schema_with(ways())


@cache
def schema_with(kinds: tuple[type[Auth], ...]) -> dict[str, Any]:
    """The JSON Schema of target files with these ways to sign in."""
    frame = specs.load(SCHEMA)
    auth = {**frame["properties"]["auth"], "oneOf": [{"$ref": f"#/$defs/{kind.way}"} for kind in kinds]}
    return {
        **frame,
        "properties": {**frame["properties"], "auth": auth},
        "$defs": shared_schemas() | {kind.way: kind.json_schema() for kind in kinds},
    }


def way_schema(kind: type[Auth]) -> dict[str, Any]:
    """The JSON Schema of the mapping under `auth` for one way to sign in."""
    return {**kind.json_schema(), "$defs": shared_schemas()}


def choose(given: Iterable[str], kinds: Sequence[type[Auth]]) -> type[Auth] | Problem:
    """The way that these keys mean; a key that no way knows counts as the one that it is nearest to."""
    known = sorted({key for kind in kinds for key in kind.key_names()})
    meant = {key if key in known else nearest(key, known) or "" for key in given}
    # A key that only one of the ways knows tells it from the others.
    telling = {
        kind: sorted(key for key in meant if [each for each in kinds if key in each.key_names()] == [kind])
        for kind in kinds
    }
    told = [kind for kind in kinds if telling[kind]]
    if len(told) == 1:
        return told[0]
    listed = " and ".join(f"{kind.way} ({', '.join(telling[kind])})" for kind in told)
    why = f"`auth` mixes ways to sign in: {listed}." if told else "`auth` does not say how to sign in."
    return Problem(why, f"Give exactly one of: {'; '.join(kind.form() for kind in kinds)}.", "auth")
