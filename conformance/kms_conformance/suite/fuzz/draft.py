"""Drafts: generated requests that have no target, key or credentials yet, and the fields that hold their arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import quote, unquote_plus

import jsonschema_rs

from kms_conformance.catalogue.api import Api, Operation, resolved
from kms_conformance.dialects.base import Dialect, Raw
from kms_conformance.wire.messages import Headers


@dataclass(frozen=True)
class Draft:
    """One generated request.

    - `query`: percent-encoded.
    - `path`: percent-encoded values of path parameters that are invalid on purpose. All other path parameters get the
      target's own values.
    - `positive`: true if the request is valid by the spec.
    - `origin`: how the request was generated, as text.
    """

    method: str
    query: str = ""
    headers: Headers = ()
    body: bytes = b""
    path: Mapping[str, str] = field(default_factory=dict)
    positive: bool = True
    origin: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """The parts that are sent; two drafts with equal parts are the same request."""
        return (self.method, self.query, self.headers, self.body, tuple(self.path.items()))

    def to_json(self) -> dict[str, Any]:
        """The draft in JSON types; the body becomes a text with one character for each byte (Latin-1)."""
        return vars(self) | {
            "headers": [list(pair) for pair in self.headers],
            "body": self.body.decode("latin-1"),
            "path": dict(self.path),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Draft:
        """The inverse of `to_json`. Raises `KeyError`, `TypeError` or `ValueError` for any other JSON."""
        headers = tuple((str(name), str(value)) for name, value in raw["headers"])
        return cls(**(dict(raw) | {"headers": headers, "body": raw["body"].encode("latin-1")}))


_PROBE = "kms-conformance-probe"


@dataclass(frozen=True)
class FieldLocation:
    """One field of a query or of a JSON body, with its schema."""

    container: Literal["query", "body"]
    name: str
    _validator: Any = field(repr=False, compare=False)

    def values(self, draft: Draft) -> tuple[object, ...]:
        """The values of the field in a request: none, one, or several if a query repeats the name."""
        if self.container == "query":
            return tuple(unquote_plus(piece.partition("=")[2]) for piece in self._pieces(draft))
        body = _object(draft.body)
        return (body[self.name],) if body is not None and self.name in body else ()

    def well_formed(self, draft: Draft) -> bool:
        """Whether the request has exactly one value in the field and the schema allows it."""
        values = self.values(draft)
        return len(values) == 1 and bool(self._validator.is_valid(values[0]))

    def put(self, draft: Draft, value: object) -> Draft:
        """A copy of the request with this value in the field; unchanged if its body is no JSON object."""
        if self.container == "query":
            own = self._pieces(draft)
            others = [piece for piece in draft.query.split("&") if piece and piece not in own]
            return replace(draft, query="&".join([*others, f"{quote(self.name)}={quote(str(value), safe='-_.~')}"]))
        body = _object(draft.body)
        return draft if body is None else replace(draft, body=json.dumps(body | {self.name: value}).encode())

    def _pieces(self, draft: Draft) -> list[str]:
        return [piece for piece in draft.query.split("&") if unquote_plus(piece.partition("=")[0]) == self.name]


def find_location(dialect: Dialect, api: Api, operation: Operation, argument: str) -> FieldLocation | None:
    """The field in which the dialect's adapter writes an argument; None if the operation has no such field."""
    try:
        request = dialect.request(operation.name, {argument: Raw(_PROBE)})
    except KeyError:
        return None
    for piece in request.query.split("&"):
        name, _, value = piece.partition("=")
        if value == _PROBE:
            return _documented("query", name, api, operation)
    for name, value in (_object(request.body) or {}).items():
        if value == _PROBE:
            return _documented("body", name, api, operation)
    return None


def path_values(dialect: Dialect, operation: Operation) -> Mapping[str, str]:
    """The target's own values for the parameters of an operation's path, percent-encoded."""
    path = dialect.request(operation.name, {}).url.removeprefix(dialect.base_url).partition("?")[0]
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(operation.path))
    found = re.fullmatch(pattern, path)
    return {} if found is None else found.groupdict()


def _documented(container: Literal["query", "body"], name: str, api: Api, operation: Operation) -> FieldLocation | None:
    raw = api.document["paths"][operation.path][operation.method.lower()]
    if container == "query":
        parameters = {parameter["name"]: parameter for parameter in raw.get("parameters", ())}
        schema = parameters.get(name, {}).get("schema")
    else:
        media = resolved(raw.get("requestBody", {}), api.document).get("content", {}).values()
        schemas = [resolved(content["schema"], api.document).get("properties", {}).get(name) for content in media]
        schema = schemas[0] if schemas else None
    if schema is None:
        return None
    whole = {**schema, "components": api.document["components"]}
    return FieldLocation(container, name, jsonschema_rs.Draft202012Validator(whole))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
