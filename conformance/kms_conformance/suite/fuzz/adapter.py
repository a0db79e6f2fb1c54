"""Adapter for Schemathesis: the only module that uses its undocumented names.

Undocumented names may change in minor releases of Schemathesis; `tests/contracts/test_schemathesis.py` reports which
name has changed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from unittest import SkipTest

import hypothesis
import schemathesis
from schemathesis.config import StatefulPhaseConfig
from schemathesis.config._phases import InferenceConfig
from schemathesis.core.errors import SerializationNotPossible
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.generation.hypothesis.builder import HypothesisTestConfig, HypothesisTestMode, create_test
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

__all__ = [
    "AT_RANDOM",
    "BY_THE_DESCRIPTION",
    "APIOperation",
    "ParameterLocation",
    "SerializationNotPossible",
    "complaints",
    "generate",
    "is_negative",
    "links_only",
    "operations",
    "origin",
    "response_schema_conformance",
    "status_code_conformance",
]

#: Modes of Schemathesis that take requests from the examples in the API description and the boundaries of every field.
BY_THE_DESCRIPTION = (HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE)
AT_RANDOM = (HypothesisTestMode.FUZZING,)


def operations(schema: BaseSchema) -> Iterator[APIOperation[Any, Any, Any, Any]]:
    """All operations for which requests can be generated; others are skipped."""
    for result in schema.get_all_operations():
        if isinstance(result, Ok):
            yield result.ok()


def links_only() -> StatefulPhaseConfig:
    """The configuration for chains along the document's links only, without links inferred from field names."""
    return StatefulPhaseConfig(inference=InferenceConfig(algorithms=[]))


def generate(
    schema: BaseSchema,
    operation: APIOperation[Any, Any, Any, Any],
    modes: Sequence[HypothesisTestMode],
    settings: hypothesis.settings,
    seed: int,
    path: Mapping[str, str] | None = None,
) -> list[schemathesis.Case[Any]]:
    """The cases of one operation in the order of generation; `path` fixes values of path parameters."""
    collected: list[schemathesis.Case[Any]] = []

    def collect(case: schemathesis.Case[Any]) -> None:
        collected.append(case)

    config = HypothesisTestConfig(
        project=schema.config,
        modes=list(modes),
        settings=settings,
        # The settings are given a second time: otherwise a loaded Hypothesis profile would change them.
        explicit_settings=settings,
        apply_ci_profile=False,
        seed=seed,
        override=Override(path_parameters=dict(path)) if path is not None else Override(),
    )
    # Hypothesis raises SkipTest for an operation without cases.
    with contextlib.suppress(SkipTest):
        create_test(operation=operation, test_func=collect, config=config)()
    return collected


def is_negative(case: schemathesis.Case[Any], location: ParameterLocation | None = None) -> bool:
    """Whether Schemathesis made a case invalid on purpose; with `location`, whether this part of it is invalid."""
    meta = _meta(case)
    if meta is None:
        return False
    if location is None:
        return bool(meta.generation.mode.is_negative)
    found = meta.components.get(location)
    return found is not None and bool(found.mode.is_negative)


def origin(case: schemathesis.Case[Any]) -> str:
    """How a case was generated: the phase of Schemathesis and its description of the case."""
    meta = _meta(case)
    if meta is None:
        return ""
    description = getattr(meta.phase.data, "description", None) or ""
    return f"{meta.phase.name.value}: {description}" if description else str(meta.phase.name.value)


def complaints(
    case: schemathesis.Case[Any], reply: schemathesis.Response, check: schemathesis.checks.CheckFunction
) -> Iterator[str]:
    """The failures of one of Schemathesis's checks on a reply, as texts; none if it passes."""
    try:
        case.validate_response(reply, checks=[check])
    except FailureGroup as group:
        yield from (f"{failure.title}: {failure.message}" for failure in group.exceptions)


def _meta(case: schemathesis.Case[Any]) -> Any:  # noqa: ANN401 - its class is not public
    # The metadata are frozen before they are read. Otherwise the case would be validated again, and the values that we
    # have put into it would count as invalid on purpose.
    case.freeze_metadata()
    return case.meta
