"""Requests out of an API's OpenAPI document, by Schemathesis.

Its configuration is given, so that no schemathesis.toml is looked for, and no file is written. What Schemathesis does
not document is used in `adapter` alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
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

from kms_conformance.catalogue.api import Api, Operation
from kms_conformance.catalogue.profile import Profile
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
# What stands for a path parameter whose value is the target's own.
_GIVEN = "given"
# Methods that nobody documents and every server knows. A gateway may answer OPTIONS, HEAD, TRACE and what is newer
# without asking the service: their replies say nothing about it.
_OTHER_METHODS = frozenset({"get", "put", "delete"})
_WITHOUT_BODY = frozenset({"GET", "DELETE"})
# A path that is empty, is normalised on its way, or has bytes that a proxy refuses itself never reaches the service.
_PLAIN_SEGMENT = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~,!-]+")


class Generator:
    """The generated requests of one dialect under one profile."""

    def __init__(self, api: Api) -> None:
        set_hypothesis_storage()
        _read_as_json(api)
        self._api = api
        self.schema = schemathesis.openapi.from_dict(_unsecured(api.document), config=_config())
        self._by_id: dict[str, APIOperation[Any, Any, Any, Any]] = {
            found.definition.raw["operationId"]: found for found in operations(self.schema)
        }
        self._alike = {self._inputs(operation_id): operation_id for operation_id in self._by_id}

    @classmethod
    @cache
    def of(cls, dialect: str, profile: str) -> Generator:
        """The generator for a profile; made once, for its strategies are dear."""
        return cls(Api.load(Profile.load(dialect, profile)))

    def operation(self, operation_id: str) -> APIOperation[Any, Any, Any, Any]:
        """An operation as Schemathesis sees it."""
        return self._by_id[operation_id]

    def drafts(self, operation_id: str, examples: int, seed: int, *, thorough: bool) -> tuple[Draft, ...]:
        """Distinct requests for one operation, the same for the same arguments.

        `examples` are drawn at random; `thorough` adds what the spec gives as examples, and the boundaries of every
        field, from inside and outside.
        """
        # Half of all operations want a key and nothing else: what is generated for one does for all of them.
        alike = self._alike[self._inputs(operation_id)]
        return self._generated(alike, examples, seed, thorough=thorough)

    @cache  # noqa: B019 - one generator a profile lives as long as the process
    def _generated(self, operation_id: str, examples: int, seed: int, *, thorough: bool) -> tuple[Draft, ...]:
        operation = self._by_id[operation_id]
        cases: list[schemathesis.Case[Any]] = []
        if thorough:
            cases += generate(self.schema, operation, BY_THE_DESCRIPTION, settings_for(1), seed)
            # Methods come out of a set.
            cases.sort(key=lambda case: case.method)
        # At random, the path is the target's own: its boundaries are few.
        given = {parameter.name: _GIVEN for parameter in operation.path_parameters}
        cases += generate(self.schema, operation, AT_RANDOM, settings_for(examples), seed, given)
        drafts = (self.draft(case) for case in cases)
        return tuple({draft.content: draft for draft in drafts if draft is not None}.values())

    def _inputs(self, operation_id: str) -> str:
        """All that decides which requests are generated for an operation, as text."""
        operation = next(known for known in self._api.operations.values() if known.id == operation_id)
        item = self._api.document["paths"][operation.path]
        raw = item[operation.method.lower()]
        inputs = (raw.get(name) for name in ("parameters", "requestBody", "x-kms-methods"))
        described = [operation.method, item.get("parameters"), *inputs, 405 in operation.replies]
        return json.dumps([re.findall("{.*?}", operation.path), *described], sort_keys=True)

    def draft(self, case: schemathesis.Case[Any]) -> Draft | None:
        """What a case sends; None for what cannot be put on a wire, or would be answered before the service."""
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
        """The operation that a case is for, as we see it."""
        return self._api[case.operation.definition.raw["x-kms-operation"]]

    def _reaches(self, operation: Operation, method: str, content_type: str | None) -> bool:
        """Whether the documents say what becomes of a request: a proxy may refuse other methods and media types."""
        raw = self._api.document["paths"][operation.path][operation.method.lower()]
        documented = {operation.method, *(name.upper() for name in raw.get("x-kms-methods", ()))}
        if method not in documented and 405 not in operation.replies:
            return False
        accepted = self._by_id[operation.id].body
        return content_type is None or any(alternative.media_type == content_type for alternative in accepted)


def settings_for(examples: int, steps: int = 50) -> hypothesis.settings:
    """Hypothesis without its memory, its clock and its search for a smaller example: judgements are made on the way."""
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
    """Have Schemathesis write and read every media type of the document as JSON: all our dialects are described so."""
    for kind in sorted({kind for operation in api.operations.values() for kind in operation.media_types} - {_JSON}):
        schemathesis.serializer.alias(kind, _JSON)
        schemathesis.deserializer(kind)(lambda _, response: response.json() if response.content else None)


def _config() -> SchemathesisConfig:
    project = ProjectConfig(
        # A codec would cost 2.5 s: Hypothesis tries every character. Without one it leaves out lone surrogates only.
        generation=GenerationConfig(codec=None, with_security_parameters=False),
        phases=PhasesConfig(
            coverage=CoveragePhaseConfig(unexpected_methods=set(_OTHER_METHODS)),
            stateful=links_only(),
        ),
    )
    return SchemathesisConfig(seed=0, projects=ProjectsConfig(default=project))


def _unsecured(node: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """A copy to generate from: without ways to sign in, for a signer adds ours, and with narrower alphabets."""
    if isinstance(node, Mapping):
        return {
            key: _narrowed(value) if key == "pattern" and isinstance(value, str) else _unsecured(value)
            for key, value in node.items()
            if key not in {"security", "securitySchemes"}
        }
    return [_unsecured(item) for item in node] if isinstance(node, list) else node


def _narrowed(pattern: str) -> str:
    """The same pattern with at most 64 characters a range: 20 000 cost 0.1 s each time that they are looked at."""

    def narrowed(found: re.Match[str]) -> str:
        first, last = found.groups()
        return f"{first}-{chr(min(ord(last), ord(first) + 63))}" if ord(last) > ord(first) + 256 else found.group()

    return re.sub("(.)-(.)", narrowed, pattern)


def _path_values(operation: Operation, path: str) -> Mapping[str, str] | None:
    """The values that stand in a path for the template's parameters; None if they would not arrive as they are."""
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
