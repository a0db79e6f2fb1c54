"""Validation of target files by JSON Schema; messages name keys and never quote values."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from kms_conformance.core.spelling import nearest, suggestion
from kms_conformance.target.auth import Auth, resolved
from kms_conformance.target.errors import Problem
from kms_conformance.target.registry import ways
from kms_conformance.target.schema import schema, schema_with, way_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_Kind = jsonschema_rs.ValidationErrorKind


def problems_of_file(document: Mapping[str, Any]) -> Iterator[Problem]:
    """The problems of a target file, except for the keys under `auth`."""
    for error in _file_validator(ways()).iter_errors(_plain(document)):
        if not isinstance(error.kind, _Kind.OneOfNotValid | _Kind.OneOfMultipleValid):
            yield from _problems(error, document, schema(), ())


def problems_of_auth(auth: Mapping[str, Any], way: type[Auth]) -> Iterator[Problem]:
    """The problems of the keys under `auth` for this way to sign in."""
    for error in jsonschema_rs.Draft202012Validator(way_schema(way)).iter_errors(_plain(auth)):
        yield from _problems(error, auth, way.json_schema(), ("auth",))


@cache
def _file_validator(kinds: tuple[type[Auth], ...]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema_with(kinds))


def _plain(value: object, depth: int = 2) -> Any:  # noqa: ANN401 - JSON
    """The value as JSON.

    A value that JSON does not have, or that is nested too deeply, becomes an empty list, which no key may have.
    """
    if isinstance(value, dict) and depth:
        return {str(key): _plain(child, depth - 1) for key, child in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return []
    return value if value is None or isinstance(value, (str, bool, int, float)) else []


def _problems(
    error: jsonschema_rs.ValidationError, given: Mapping[str, Any], root: Mapping[str, Any], prefix: tuple[str, ...]
) -> Iterator[Problem]:
    inner = tuple(map(str, error.instance_path))
    node, value = _at(root, given, inner)
    where = ".".join((*prefix, *inner))
    within = f"{where}." if where else ""
    known = tuple(node.get("properties", {}))
    match error.kind:
        case _Kind.AdditionalProperties(unexpected):
            for key in unexpected:
                yield Problem(f"`{within}{_shown(key)}` is an unknown key.", suggestion(key, known), f"{within}{key}")
        case _Kind.Required(missing):
            # A misspelt key is not reported a second time as a missing key.
            if not any(nearest(str(key), known) == missing for key in value if str(key) not in known):
                yield Problem(f"`{within}{missing}` is missing.", f"Add {_example(node, missing)}.", where)
        case _:
            yield _wrong(where, node, value)


def _wrong(where: str, node: Mapping[str, Any], value: object) -> Problem:
    key = where.rpartition(".")[2]
    hint = f"For example: {_line(key, node)}."
    if value is None:
        hint = "Set a value, or remove the key."
    elif node.get("type") == "string" and isinstance(value, (int, float)):
        hint = f'YAML reads the value as a number or a boolean. Put it in quotes: {key}: "...".'
    return Problem(f"`{where}` must be {node['description']}.", hint, where)


def _at(node: Mapping[str, Any], value: object, path: tuple[str, ...]) -> tuple[Mapping[str, Any], Any]:
    for step in path:
        node = resolved(node["properties"][step])
        value = {str(key): child for key, child in value.items()}[step] if isinstance(value, dict) else None
    return node, value


def takes_text(where: str) -> bool:
    """Whether the value of a key, such as `limits.max_keys`, is text and not a number or a boolean."""
    node: Mapping[str, Any] = schema()
    for step in where.split("."):
        node = resolved(node.get("properties", {}).get(step, {}))
    return node.get("type") not in ("integer", "number", "boolean")


def _example(node: Mapping[str, Any], key: str) -> str:
    return _line(key, resolved(node["properties"][key]))


def _line(key: str, node: Mapping[str, Any]) -> str:
    value = node["examples"][0]
    return f"`{key}: {str(value).lower() if isinstance(value, bool) else value}`"


def _shown(key: str) -> str:
    return ascii(key)[1:-1][:40]
