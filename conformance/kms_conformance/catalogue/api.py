"""The operations of a dialect, and the validation of replies by the schemas of its spec."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.catalogue.rpc import compile_rpc
from kms_conformance.catalogue.service_model import compile_model
from kms_conformance.catalogue.wanted import condition, erratum, wanted
from kms_conformance.core import specs

_Kind = jsonschema_rs.ValidationErrorKind
# Kinds of violations that concern which values of a type are allowed.
_OF_VALUES = (_Kind.Enum, _Kind.Pattern, _Kind.Constant)

# Reports shorten a received value after secrets are removed from it: half of a secret would not be found.
_MOST_RECEIVED = 200_000

#: Operations that change the state of a key. A walk that prefers the first ones takes the shortest way.
CHANGES = ("disable", "enable", "schedule", "cancel")

#: Operations that show what a key has besides its description.
LISTS_OF_KEY = ("list_tags", "list_aliases", "list_grants", "get_policy", "rotation_status")

#: Operations that use a key and change nothing, besides those that only read. They may be repeated.
USES = frozenset(
    {
        "encrypt",
        "decrypt",
        "re_encrypt",
        "generate_data_key",
        "generate_data_key_without_plaintext",
        "generate_data_key_pair",
        "generate_data_key_pair_without_plaintext",
        "derive_shared_secret",
    }
)

#: Operations that change what a key has, or use it. None of them changes its state.
KEEPS_STATE = USES | {
    "update_description",
    "set_deletion_protection",
    *("tag", "untag", "set_alias", "update_alias", "delete_alias"),
    *("create_grant", "revoke_grant", "put_policy", "enable_rotation", "disable_rotation"),
}

# The file formats of operations, and the function that converts each to OpenAPI.
SPEC_FILES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "openapi.yaml": copy.deepcopy,
    "rpc.yaml": compile_rpc,
    "model.yaml": compile_model,
}


def operations_of(dialect: str) -> Iterator[dict[str, Any]]:
    """The operations in a dialect's spec file, in the order of the file, before conversion to OpenAPI."""
    file = next(file for file in SPEC_FILES if (specs.locate(dialect).specs / file).is_file())
    return _operations_in(specs.load(f"{dialect}/{file}"))


def _operations_in(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of a YAML document
    if isinstance(node, dict):
        if "x-kms-operation" in node:
            yield node
        for value in node.values():
            yield from _operations_in(value)


@dataclass(frozen=True)
class Violation:
    """One difference between a body and its schema, and the requirement that the difference violates.

    - where: the path of the differing value in the body.
    - expected: what the documents want there, in words.
    - received: the differing value as JSON, or `none`.
    - erratum: the id of the erratum that answers a contradiction of the documents about this value; "" if none.
    """

    requirement: RequirementId
    where: str
    expected: str
    received: str
    erratum: str = ""


@dataclass(frozen=True)
class ReplySpec:
    """The documented reply for one status of one operation.

    - schema: the JSON Schema of the body; None if any body is allowed.
    - requirements: all requirements that the schema names; `fallback` alone if it names none.
    - fallback: the requirement for violations of a schema that names none.
    - codes: the error codes that the documents list for the operation with this status; empty if they list none.
    """

    status: int
    content_types: tuple[str, ...]
    schema: Mapping[str, Any] | None
    fallback: RequirementId
    requirements: frozenset[RequirementId]
    codes: frozenset[str] = frozenset()

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator | None:
        """Compiled on first use: a run receives a few of the hundreds of documented replies."""
        # `mask` keeps the received value out of the message; `Violation.received` has it.
        return None if self.schema is None else jsonschema_rs.Draft202012Validator(dict(self.schema), mask="")

    def violations(
        self, value: object, free: Callable[[Sequence[str | int]], bool] = lambda _: False
    ) -> tuple[Violation, ...]:
        """The violations in a decoded body, each with the most specific requirement that the schema names.

        `free`: whether the value at a path in the body may be any of its type, so that lists of values and patterns do
        not bind it. Only the first of several equal violations is returned: a body of 1 MB can have 125,000.
        """
        if self._validator is None:
            return ()
        first: dict[tuple[Any, ...], jsonschema_rs.ValidationError] = {}
        for error in self._validator.iter_errors(value):
            if isinstance(error.kind, _OF_VALUES) and free(error.instance_path):
                continue
            first.setdefault((*error.schema_path, getattr(error.kind, "property", None)), error)
        found = [self._violation(error, value) for error in first.values()]
        # If the schema names requirements, but none for the place of a violation, the violation breaks all of them.
        return tuple(
            replace(violation, requirement=requirement)
            for violation in found
            for requirement in (
                [violation.requirement] if violation.requirement in self.requirements else self.requirements
            )
        )

    def _violation(self, error: jsonschema_rs.ValidationError, body: object) -> Violation:
        node: Any = self.schema
        nodes: list[Mapping[str, Any]] = [node]
        because = ("", "")
        for step in error.schema_path:
            if step in ("then", "else") and "if" in node:
                because = condition(node["if"], step == "then", _on_the_way(body, error.instance_path))
            node = node[step]
            if isinstance(node, Mapping):
                nodes.append(node)
        requirement = next((as_id(each["x-requirement"]) for each in reversed(nodes) if "x-requirement" in each), None)
        where = "/".join(map(str, error.instance_path)) or "body"
        missing = getattr(error.kind, "property", None)
        if missing is not None:
            requirement = _property_requirement(self.schema, error.schema_path, str(missing)) or requirement
            told = f"a field {missing}{because[0]}", f"none{because[1]}"
            return Violation(requirement or self.fallback, where, *told, erratum(nodes))
        # The last schema on the way is the one that the value does not match. Schemas such as `false` have no words.
        expected = f"{(wanted(nodes[-1]) or error.message.strip())[:300]}{because[0]}"
        received = f"{json.dumps(error.instance, ensure_ascii=False)[:_MOST_RECEIVED]}{because[1]}"
        return Violation(requirement or self.fallback, where, expected, received, erratum(nodes))


def _on_the_way(body: Any, path: Iterable[str | int]) -> Iterator[Any]:  # noqa: ANN401 - any part of a JSON document
    """The values on a path into a body, from outside to inside."""
    yield body
    for step in path:
        body = body[step]
        yield body


@dataclass(frozen=True)
class Operation:
    """One operation: its vendor's name (`id`), its abstract name, and its documented replies by status.

    - beside: whether the lifecycle of keys does not need the operation. A target may lack such an operation.
    - reads: whether the operation is read-only. All other operations are treated as if they changed something.
    - parameters: the JSON type of each documented field of the request, by name; "" if the type is left open.
    """

    id: str
    name: str
    method: str
    path: str
    replies: Mapping[int, ReplySpec]
    beside: bool = False
    reads: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def success(self) -> tuple[int, ...]:
        """The documented statuses of success."""
        return tuple(status for status in self.replies if status < 300)

    @property
    def media_types(self) -> frozenset[str]:
        """The documented media types of replies and requests."""
        return frozenset(kind for reply in self.replies.values() for kind in reply.content_types)


@dataclass(frozen=True)
class Api:
    """All operations of a dialect in one profile; `document` is a self-contained OpenAPI 3.1 document."""

    dialect: str
    document: Mapping[str, Any]
    operations: Mapping[str, Operation]

    @classmethod
    def load(cls, profile: Profile) -> Api:
        """Read the dialect's spec and insert the profile's values."""
        document = _with_facts(documented(profile.dialect), profile)
        _leave_out(document, profile)
        found = (
            _operation(method, path, raw, document)
            for path, item in document["paths"].items()
            for method, raw in _methods(item)
        )
        return cls(profile.dialect, document, MappingProxyType({operation.name: operation for operation in found}))

    @classmethod
    @cache
    def of(cls, dialect: str, profile: str) -> Api:
        """Load the operations by the names of dialect and profile.

        The result is cached, so that targets with one profile share the object and its compiled schemas.
        """
        return cls.load(Profile.load(dialect, profile))

    def __getitem__(self, name: str) -> Operation:
        """The operation with this abstract name, such as `schedule`."""
        return self.operations[name]

    def __contains__(self, name: object) -> bool:
        return name in self.operations

    def is_public(self, name: str) -> bool:
        """Whether the documents let callers without credentials use this operation."""
        operation = self.operations[name]
        described: Mapping[str, object] = self.document["paths"][operation.path][operation.method.lower()]
        return described.get("security") == []

    @cached_property
    def read_only(self) -> frozenset[str]:
        """The abstract names of the read-only operations."""
        return frozenset(name for name, operation in self.operations.items() if operation.reads)

    @cached_property
    def harmless(self) -> frozenset[str]:
        """The abstract names of the operations that change nothing: those that only read, and uses of keys."""
        return self.read_only | USES


def is_documented(dialect: str) -> bool:
    """Whether the dialect has a spec file of operations."""
    return any((specs.locate(dialect).specs / name).is_file() for name in SPEC_FILES)


@cache
def documented(dialect: str) -> dict[str, Any]:
    """The operations of a dialect as OpenAPI, without a profile's values. Cached: callers must not change it."""
    name = next(name for name in SPEC_FILES if (specs.locate(dialect).specs / name).is_file())
    return SPEC_FILES[name](specs.load(f"{dialect}/{name}"))


def _leave_out(document: dict[str, Any], profile: Profile) -> None:
    """Remove the operations that the profile lacks, and the links to them, from a document."""
    left_out = set()
    for path, item in tuple(document["paths"].items()):
        lacking = [method for method, raw in _methods(item) if profile.is_lacking(raw["x-kms-operation"])]
        left_out |= {item.pop(method)["operationId"] for method in lacking}
        if lacking and not any(_methods(item)):
            del document["paths"][path]
    replies = (
        reply for item in document["paths"].values() for _, raw in _methods(item) for reply in raw["responses"].values()
    )
    for reply in replies if left_out else ():
        links = reply.get("links", {})
        for name in [name for name, link in links.items() if link.get("operationId") in left_out]:
            del links[name]


def _methods(item: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The operations of one path, by HTTP method."""
    return ((method, raw) for method, raw in item.items() if isinstance(raw, dict) and "operationId" in raw)


def _with_facts(node: Any, profile: Profile) -> Any:  # noqa: ANN401 - any part of a JSON document
    """A copy of the document with `x-kms-enum` and `x-kms-bounds` replaced by the profile's values.

    A schema with `x-kms-fact` admits nothing unless this fact of the profile is true.
    """
    if isinstance(node, list):
        return [_with_facts(item, profile) for item in node]
    if not isinstance(node, dict):
        return node
    if "x-kms-fact" in node and not profile.facts.get(node["x-kms-fact"]):
        return {"not": {}}
    result = {key: _with_facts(value, profile) for key, value in node.items() if key != "x-kms-fact"}
    if "x-kms-enum" in result:
        result["enum"] = profile.facts[result.pop("x-kms-enum")]
    if "x-kms-bounds" in result:
        bounds = profile.facts[result.pop("x-kms-bounds")]
        result |= {"minimum": bounds["minimum"], "maximum": bounds["maximum"]}
    return result


def _operation(method: str, path: str, raw: dict[str, Any], document: Mapping[str, Any]) -> Operation:
    name = raw["x-kms-operation"]
    replies = {
        int(status): _reply(int(status), name, resolved(reply, document), document)
        for status, reply in raw["responses"].items()
        if str(status).isdigit()
    }
    beside, reads = raw.get("x-kms-beside", False), raw.get("x-kms-reads", False)
    parameters = MappingProxyType(dict(_parameters(raw, document)))
    return Operation(
        raw["operationId"], name, method.upper(), path, MappingProxyType(replies), beside, reads, parameters
    )


def _parameters(raw: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and JSON types of the fields of a request: those of its query, and those of its body."""
    for parameter in raw.get("parameters", ()):
        found = resolved(parameter, document)
        yield found["name"], _type(found.get("schema", {}), document)
    for media in resolved(raw.get("requestBody", {}), document).get("content", {}).values():
        for name, schema in resolved(media.get("schema", {}), document).get("properties", {}).items():
            yield name, _type(schema, document)


def _type(schema: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    found = resolved(schema, document).get("type", "")
    return found if isinstance(found, str) else ""


def _reply(status: int, name: str, raw: Mapping[str, Any], document: Mapping[str, Any]) -> ReplySpec:
    content = raw.get("content", {})
    schemas = [_inlined(media["schema"], document) for media in content.values() if "schema" in media]
    schema = schemas[0] if schemas else None
    fallback: RequirementId = as_id(f"{name.replace('_', '-')}.reply") if status < 400 else "error.shape"
    requirements = frozenset(_requirements_in(schema)) or frozenset({fallback})
    codes = frozenset(map(str, raw.get("x-kms-codes", ())))
    return ReplySpec(status, tuple(content), schema, fallback, requirements, codes)


def _requirements_in(node: Any) -> Iterator[RequirementId]:  # noqa: ANN401 - any part of a schema
    if isinstance(node, Mapping):
        if "x-requirement" in node:
            yield as_id(node["x-requirement"])
        children: Iterable[Any] = node.values()
    else:
        children = node if isinstance(node, list) else ()
    for child in children:
        yield from _requirements_in(child)


def resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a document to which a node's `$ref` refers; the node itself if it has none."""
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return resolved(target, document)


def _inlined(node: Any, document: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a JSON document
    """A copy with each `$ref` replaced by its target, so that the schema path of an error can be followed."""
    if isinstance(node, list):
        return [_inlined(item, document) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {key: _inlined(value, document) for key, value in resolved(node, document).items()}


def _property_requirement(schema: Any, path: list[Any], name: str) -> RequirementId | None:  # noqa: ANN401 - JSON
    node = schema
    for step in path[:-1]:
        node = node[step]
    named = (node.get("properties", {}).get(name) or {}).get("x-requirement")
    return None if named is None else as_id(named)
