"""The operations of a dialect as its spec describes them, and what a reply must look like."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import jsonschema_rs

from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.catalogue.rpc import compile_rpc
from kms_conformance.catalogue.service_model import compile_model
from kms_conformance.core import specs

# The forms in which a dialect's operations may be written down, and how each becomes OpenAPI.
SPEC_FILES: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "openapi.yaml": copy.deepcopy,
    "rpc.yaml": compile_rpc,
    "model.yaml": compile_model,
}


def operations_of(dialect: str) -> Iterator[dict[str, Any]]:
    """A dialect's operations as they stand in its spec file, in their order."""
    file = next(file for file in SPEC_FILES if (specs.home(dialect).specs / file).is_file())
    return _operations_in(specs.load(f"{dialect}/{file}"))


def _operations_in(node: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any part of a YAML document
    if isinstance(node, dict):
        if "x-kms-operation" in node:
            yield node
        for value in node.values():
            yield from _operations_in(value)


@dataclass(frozen=True)
class Violation:
    """One way in which a body differs from its schema, and the requirement that it breaks."""

    requirement: RequirementId
    where: str
    expected: str
    received: str


@dataclass(frozen=True)
class ReplySpec:
    """What is documented for one status of one operation; `schema` is None where any body will do."""

    status: int
    content_types: tuple[str, ...]
    schema: Mapping[str, Any] | None
    fallback: RequirementId
    requirements: frozenset[RequirementId]

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator | None:
        """Compiled when a reply is judged by it: a run meets a few of the hundreds of replies of its dialect."""
        # Masked: what was received stands beside what was expected, not within it.
        return None if self.schema is None else jsonschema_rs.Draft202012Validator(dict(self.schema), mask="")

    def violations(self, value: object) -> tuple[Violation, ...]:
        """Judge a decoded body; each violation names the most specific requirement that the spec gives.

        Of many items that are wrong in the same way the first is told: a body of 1 MB can have 125,000 of them.
        """
        if self._validator is None:
            return ()
        first: dict[tuple[Any, ...], jsonschema_rs.ValidationError] = {}
        for error in self._validator.iter_errors(value):
            first.setdefault((*error.schema_path, getattr(error.kind, "property", None)), error)
        found = [self._violation(error) for error in first.values()]
        # A body that is wrong as a whole breaks every requirement that speaks of a part of it.
        return tuple(
            replace(violation, requirement=requirement)
            for violation in found
            for requirement in (
                [violation.requirement] if violation.requirement in self.requirements else self.requirements
            )
        )

    def _violation(self, error: jsonschema_rs.ValidationError) -> Violation:
        requirement = self.fallback
        node: Any = self.schema
        for step in error.schema_path:
            node = node[step]
            if isinstance(node, Mapping):
                requirement = as_id(node.get("x-requirement", requirement))
        where = "/".join(map(str, error.instance_path)) or "body"
        missing = getattr(error.kind, "property", None)
        if missing is not None:
            requirement = _property_requirement(self.schema, error.schema_path, str(missing)) or requirement
            return Violation(requirement, where, f"a field {missing}", "none")
        received = json.dumps(error.instance, ensure_ascii=False)
        return Violation(requirement, where, error.message.strip()[:300], received[:300])


@dataclass(frozen=True)
class Operation:
    """One operation: its id in the vendor's words, its abstract name, and its documented replies by status.

    `beside` is one that a target may lack: the lifecycle of a key does not need it. `reads` is one that only looks:
    what is not marked so may change something, and is handled with care.
    """

    id: str
    name: str
    method: str
    path: str
    replies: Mapping[int, ReplySpec]
    beside: bool = False
    reads: bool = False

    @property
    def success(self) -> tuple[int, ...]:
        """The documented statuses of a request that was carried out."""
        return tuple(status for status in self.replies if status < 300)

    @property
    def media_types(self) -> frozenset[str]:
        """The documented media types of its replies, which are those of its requests as well."""
        return frozenset(kind for reply in self.replies.values() for kind in reply.content_types)


@dataclass(frozen=True)
class Api:
    """All operations of a dialect under one profile; `document` is OpenAPI 3.1, complete in itself."""

    dialect: str
    document: Mapping[str, Any]
    operations: Mapping[str, Operation]

    @classmethod
    def load(cls, profile: Profile) -> Api:
        """Read the dialect's spec and write the profile's values into it."""
        document = _with_facts(documented(profile.dialect), profile)
        found = (
            _operation(method, path, raw, document)
            for path, item in document["paths"].items()
            for method, raw in item.items()
            if isinstance(raw, dict) and "operationId" in raw
        )
        return cls(profile.dialect, document, MappingProxyType({operation.name: operation for operation in found}))

    @classmethod
    @cache
    def of(cls, dialect: str, profile: str) -> Api:
        """The same by names, made once: targets of one profile share it, and what is compiled to judge replies."""
        return cls.load(Profile.load(dialect, profile))

    def __getitem__(self, name: str) -> Operation:
        """The operation with this abstract name, such as `schedule`."""
        return self.operations[name]

    def __contains__(self, name: object) -> bool:
        return name in self.operations

    @cached_property
    def read_only(self) -> frozenset[str]:
        """The abstract names of the operations that only look."""
        return frozenset(name for name, operation in self.operations.items() if operation.reads)


def is_documented(dialect: str) -> bool:
    """Whether there is a spec of the dialect's operations."""
    return any((specs.home(dialect).specs / name).is_file() for name in SPEC_FILES)


@cache
def documented(dialect: str) -> dict[str, Any]:
    """The operations of a dialect as OpenAPI, before a profile's values are written in. Shared: not to be changed."""
    name = next(name for name in SPEC_FILES if (specs.home(dialect).specs / name).is_file())
    return SPEC_FILES[name](specs.load(f"{dialect}/{name}"))


def _with_facts(node: Any, profile: Profile) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Copy the document; `x-kms-enum` and `x-kms-bounds` are replaced by what the profile says."""
    if isinstance(node, list):
        return [_with_facts(item, profile) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _with_facts(value, profile) for key, value in node.items()}
    if "x-kms-enum" in result:
        result["enum"] = profile.facts[result.pop("x-kms-enum")]
    if "x-kms-bounds" in result:
        bounds = profile.facts[result.pop("x-kms-bounds")]
        result |= {"minimum": bounds["minimum"], "maximum": bounds["maximum"]}
    return result


def _operation(method: str, path: str, raw: dict[str, Any], document: Mapping[str, Any]) -> Operation:
    name = raw["x-kms-operation"]
    replies = {
        int(status): _reply(int(status), name, _resolved(reply, document), document)
        for status, reply in raw["responses"].items()
        if str(status).isdigit()
    }
    beside, reads = raw.get("x-kms-beside", False), raw.get("x-kms-reads", False)
    return Operation(raw["operationId"], name, method.upper(), path, MappingProxyType(replies), beside, reads)


def _reply(status: int, name: str, raw: Mapping[str, Any], document: Mapping[str, Any]) -> ReplySpec:
    content = raw.get("content", {})
    schemas = [_inlined(media["schema"], document) for media in content.values() if "schema" in media]
    schema = schemas[0] if schemas else None
    fallback: RequirementId = as_id(f"{name.replace('_', '-')}.reply") if status < 400 else "error.shape"
    requirements = frozenset(_requirements_in(schema)) or frozenset({fallback})
    return ReplySpec(status, tuple(content), schema, fallback, requirements)


def _requirements_in(node: Any) -> Iterator[RequirementId]:  # noqa: ANN401 - any part of a schema
    if isinstance(node, Mapping):
        if "x-requirement" in node:
            yield as_id(node["x-requirement"])
        children: Iterable[Any] = node.values()
    else:
        children = node if isinstance(node, list) else ()
    for child in children:
        yield from _requirements_in(child)


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in node:
        return node
    target: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        target = target[step.replace("~1", "/").replace("~0", "~")]
    return _resolved(target, document)


def _inlined(node: Any, document: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Replace each reference by what it refers to, so that an error's schema path can be walked."""
    if isinstance(node, list):
        return [_inlined(item, document) for item in node]
    if not isinstance(node, Mapping):
        return node
    return {key: _inlined(value, document) for key, value in _resolved(node, document).items()}


def _property_requirement(schema: Any, path: list[Any], name: str) -> RequirementId | None:  # noqa: ANN401 - JSON
    node = schema
    for step in path[:-1]:
        node = node[step]
    named = (node.get("properties", {}).get(name) or {}).get("x-requirement")
    return None if named is None else as_id(named)
