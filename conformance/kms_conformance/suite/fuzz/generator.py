"""The generator: makes requests from an API's OpenAPI document with Schemathesis.

Schemathesis gets its configuration as an object, so that it reads no schemathesis.toml and writes no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from requests import Request as Unprepared
from requests.exceptions import RequestException
from schemathesis.config import (
    CoveragePhaseConfig,
    GenerationConfig,
    PhasesConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)

from kms_conformance.catalogue.api import Api, Operation, resolved
from kms_conformance.catalogue.profile import Profile
from kms_conformance.suite.draw_cache import NO_CACHE, DrawCache, source_digest
from kms_conformance.suite.fuzz.adapter import (
    AT_RANDOM,
    BY_THE_DESCRIPTION,
    APIOperation,
    ParameterLocation,
    SerializationNotPossible,
    generate,
    is_negative,
    links_only,
    operations,
    origin,
)
from kms_conformance.suite.fuzz.draft import Draft
from kms_conformance.suite.fuzz.hypothesis_settings import set_hypothesis_storage

_ANYWHERE = "http://target.invalid"
_JSON = "application/json"
# Placeholder for a path parameter that gets the target's own value.
_GIVEN = "given"
# Undocumented methods that are tried. OPTIONS, HEAD, TRACE and newer methods are left out, because a gateway may answer
# them without the service.
_OTHER_METHODS = frozenset({"get", "put", "delete"})
_WITHOUT_BODY = frozenset({"GET", "DELETE"})
# Values of path parameters that reach the service unchanged. Proxies normalise or refuse all other values.
_PLAIN_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~,!-]+")
# The modules whose code determines the generated requests, besides Schemathesis and Hypothesis.
_SOURCES = ("adapter.py", "draft.py", "generator.py", "hypothesis_settings.py")


class Generator:
    """Generates requests for one dialect under one profile."""

    def __init__(self, api: Api) -> None:
        set_hypothesis_storage()
        _read_as_json(api)
        self.api = api
        self.schema = schemathesis.openapi.from_dict(_unsecured(api.document), config=_config())
        self._by_id: dict[str, APIOperation[Any, Any, Any, Any]] = {
            found.definition.raw["operationId"]: found for found in operations(self.schema)
        }
        self._alike = {self._inputs(operation_id): operation_id for operation_id in self._by_id}
        self._known: dict[tuple[str, int, int, bool], tuple[Draft, ...]] = {}

    @classmethod
    @cache
    def of(cls, dialect: str, profile: str) -> Generator:
        """The generator for a profile; cached, because building strategies is slow."""
        return cls(Api.load(Profile.load(dialect, profile)))

    def operation(self, operation_id: str) -> APIOperation[Any, Any, Any, Any]:
        """Schemathesis's object for an operation."""
        return self._by_id[operation_id]

    def drafts(
        self, operation_id: str, examples: int, seed: int, *, thorough: bool, cache: DrawCache = NO_CACHE
    ) -> tuple[Draft, ...]:
        """Distinct requests for one operation, the same for the same arguments, whatever the cache holds.

        `examples` is the number of random requests; `thorough` adds the examples of the spec and valid and invalid
        values at the boundaries of every field. A process generates or reads them once.
        """
        # Half of all operations take only a key: they share their generated requests.
        alike = self._alike[self._inputs(operation_id)]
        arguments = (alike, examples, seed, thorough)
        if arguments not in self._known:
            self._known[arguments] = cache.drawn(
                self.draw_inputs(alike, examples, seed, thorough=thorough),
                lambda: self._generated(alike, examples, seed, thorough=thorough),
                to_json=lambda drafts: [draft.to_json() for draft in drafts],
                from_json=lambda values: tuple(map(Draft.from_json, values)),
            )
        return self._known[arguments]

    def draw_inputs(self, operation_id: str, examples: int, seed: int, *, thorough: bool) -> dict[str, object]:
        """All that the generated requests of an operation follow from, but the versions of packages; JSON types.

        Operations that share their requests have the same inputs. Parts of the document about other operations are left
        out, so a change there changes nothing here.
        """
        alike = self._alike[self._inputs(operation_id)]
        path = next(known.path for known in self.api.operations.values() if known.id == alike)
        item = self.api.document["paths"][path]
        return {
            "kind": "requests",
            "code": code_digest(),
            "seed": seed,
            "examples": examples,
            "thorough": thorough,
            "document": {name: self.api.document.get(name) for name in ("openapi", "servers")},
            "path": path,
            "item": item,
            "referenced": _referenced(item, self.api.document),
        }

    def _generated(self, operation_id: str, examples: int, seed: int, *, thorough: bool) -> tuple[Draft, ...]:
        operation = self._by_id[operation_id]
        cases: list[schemathesis.Case[Any]] = []
        if thorough:
            cases += generate(self.schema, operation, BY_THE_DESCRIPTION, settings_for(1), seed)
            # Sorted because set order is random: Schemathesis keeps methods in a set.
            cases.sort(key=lambda case: case.method)
        # Random requests have the target's own path; the cases above cover the boundaries of path parameters.
        given = {parameter.name: _GIVEN for parameter in operation.path_parameters}
        cases += generate(self.schema, operation, AT_RANDOM, settings_for(examples), seed, given)
        drafts = (self.draft(case) for case in cases)
        return tuple({draft.content: draft for draft in drafts if draft is not None}.values())

    def _inputs(self, operation_id: str) -> str:
        """The parts of an operation's description that determine its generated requests, as text."""
        operation = next(known for known in self.api.operations.values() if known.id == operation_id)
        item = self.api.document["paths"][operation.path]
        raw = item[operation.method.lower()]
        inputs = (raw.get(name) for name in ("parameters", "requestBody", "x-kms-methods"))
        described = [operation.method, item.get("parameters"), *inputs, 405 in operation.replies]
        return json.dumps([re.findall("{.*?}", operation.path), *described], sort_keys=True)

    def draft(self, case: schemathesis.Case[Any]) -> Draft | None:
        """The draft of a case; None if it cannot be sent or would not reach the service."""
        operation = self.ours(case)
        try:
            prepared = Unprepared(**case.as_transport_kwargs(base_url=_ANYWHERE)).prepare()
        except (UnicodeError, ValueError, RequestException, SerializationNotPossible):
            return None
        path, _, query = str(prepared.url).removeprefix(_ANYWHERE).partition("?")
        method, content_type = str(prepared.method), prepared.headers.get("Content-Type")
        values = _path_values(operation, path)
        if values is None or not self._reaches(operation, method, content_type):
            return None
        body = _bytes(prepared.body)
        bare = method in _WITHOUT_BODY and method != operation.method
        return Draft(
            method=method,
            query=query,
            headers=() if content_type is None or bare else (("Content-Type", str(content_type)),),
            body=b"" if bare else body,
            path=values if is_negative(case, ParameterLocation.PATH) else {},
            positive=not is_negative(case),
            origin=origin(case),
        )

    def ours(self, case: schemathesis.Case[Any]) -> Operation:
        """The suite's own object for the operation of a case."""
        return self.api[case.operation.definition.raw["x-kms-operation"]]

    def _reaches(self, operation: Operation, method: str, content_type: str | None) -> bool:
        """Whether a request with this method and media type is sent: others may be refused by a proxy on the way.

        A method is sent if it is documented, or if the documents say how the service refuses it (405). A media type is
        sent if the API description has it.
        """
        raw = self.api.document["paths"][operation.path][operation.method.lower()]
        documented = {operation.method, *(name.upper() for name in raw.get("x-kms-methods", ()))}
        if method not in documented and 405 not in operation.replies:
            return False
        accepted = self._by_id[operation.id].body
        return content_type is None or any(alternative.media_type == content_type for alternative in accepted)


def settings_for(examples: int, steps: int = 50) -> hypothesis.settings:
    """Hypothesis settings without example database, deadline and shrinking.

    Nothing is shrunk, because judgements are recorded while Hypothesis generates.
    """
    return hypothesis.settings(
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        deadline=None,
        derandomize=False,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


def _read_as_json(api: Api) -> None:
    """Register every media type of the document as JSON, because the specs describe all bodies as JSON."""
    for kind in sorted({kind for operation in api.operations.values() for kind in operation.media_types} - {_JSON}):
        schemathesis.serializer.alias(kind, _JSON)
        schemathesis.deserializer(kind)(lambda _, response: response.json() if response.content else None)


def _config() -> SchemathesisConfig:
    project = ProjectConfig(
        # With a codec, Hypothesis would try every character, which takes 2.5 s. Without a codec, texts may contain all
        # characters except lone surrogates.
        generation=GenerationConfig(codec=None, with_security_parameters=False),
        phases=PhasesConfig(
            coverage=CoveragePhaseConfig(unexpected_methods=set(_OTHER_METHODS)),
            stateful=links_only(),
        ),
    )
    return SchemathesisConfig(seed=0, projects=ProjectsConfig(default=project))


def _unsecured(node: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """A copy of the document without security schemes and with narrower character ranges (see `_narrowed`).

    Schemathesis needs no security schemes, because a signer adds the credentials.
    """
    if isinstance(node, Mapping):
        return {
            key: _narrowed(value) if key == "pattern" and isinstance(value, str) else _unsecured(value)
            for key, value in node.items()
            if key not in {"security", "securitySchemes"}
        }
    return [_unsecured(item) for item in node] if isinstance(node, list) else node


def _narrowed(pattern: str) -> str:
    """The pattern with at most 64 characters in each range: a range of 20,000 characters costs 0.1 s at each use."""

    def narrowed(found: re.Match[str]) -> str:
        first, last = found.groups()
        return f"{first}-{chr(min(ord(last), ord(first) + 63))}" if ord(last) > ord(first) + 256 else found.group()

    return re.sub("(.)-(.)", narrowed, pattern)


@cache
def code_digest() -> str:
    """The digest of the code that determines the generated requests."""
    return source_digest(*(Path(__file__).with_name(name) for name in _SOURCES))


def _referenced(node: object, document: Mapping[str, Any]) -> dict[str, object]:
    """All parts of the document that a node refers to, directly or not, by their `$ref`."""
    found: dict[str, object] = {}
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Mapping):
            reference = here.get("$ref")
            if isinstance(reference, str) and reference not in found:
                found[reference] = target = resolved({"$ref": reference}, document)
                waiting.append(target)
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here
    return {name: found[name] for name in sorted(found)}


def _path_values(operation: Operation, path: str) -> Mapping[str, str] | None:
    """The values of a path's parameters; None if a value would not reach the service unchanged."""
    pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]*)", re.escape(operation.path))
    found = re.fullmatch(pattern, path)
    if found is None or not all(_PLAIN_SEGMENT.fullmatch(_unescaped(value)) for value in found.groupdict().values()):
        return None
    return found.groupdict()


def _unescaped(value: str) -> str:
    return re.sub("%2C", ",", value, flags=re.IGNORECASE)


def _bytes(body: object) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)  # type: ignore[call-overload]
