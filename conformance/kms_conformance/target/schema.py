"""The JSON Schema of target files: a frame from the specs, filled with the ways to sign in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from kms_conformance.core import specs
from kms_conformance.core.spelling import nearest
from kms_conformance.target.auth import SCHEMA, Auth, shared_schemas
from kms_conformance.target.errors import Problem
from kms_conformance.target.registry import ways

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def schema() -> dict[str, Any]:
    """The JSON Schema of target files with all ways. Cached: callers must not change it."""
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
    """The way that these keys belong to; an unknown key counts as the nearest known key."""
    known = sorted({key for kind in kinds for key in kind.key_names()})
    meant = {key if key in known else nearest(key, known) or "" for key in given}
    # Keys that belong to only one way decide which way is meant.
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
