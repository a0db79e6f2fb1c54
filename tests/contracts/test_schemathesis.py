"""What the suite uses of Schemathesis that Schemathesis does not document (fuzz/adapter.py)."""

from __future__ import annotations

import dataclasses
from importlib import import_module
from inspect import signature

import pytest
import schemathesis

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.suite.fuzz import adapter
from kms_conformance.suite.fuzz.generator import Generator, settings_for
from kms_conformance.suite.fuzz.schemathesis_checks import response

_NAMES = {
    "schemathesis.config": ("StatefulPhaseConfig", "CoveragePhaseConfig", "GenerationConfig", "SchemathesisConfig"),
    "schemathesis.config._phases": ("InferenceConfig",),
    "schemathesis.core.errors": ("SerializationNotPossible",),
    "schemathesis.core.failures": ("FailureGroup",),
    "schemathesis.core.parameters": ("ParameterLocation",),
    "schemathesis.core.result": ("Ok",),
    "schemathesis.generation.hypothesis.builder": ("HypothesisTestConfig", "HypothesisTestMode", "create_test"),
    "schemathesis.generation.overrides": ("Override",),
    "schemathesis.schemas": ("APIOperation", "BaseSchema"),
    "schemathesis.specs.openapi.checks": ("response_schema_conformance", "status_code_conformance"),
}


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(Api.load(Profile.load("huawei")))


@pytest.fixture(scope="module")
def cases(generator: Generator) -> list[schemathesis.Case]:
    operation = generator.operation("schedule-key-deletion")
    found = adapter.generate(generator.schema, operation, adapter.BY_THE_DESCRIPTION, settings_for(1), 1)
    return [*found, *adapter.generate(generator.schema, operation, adapter.AT_RANDOM, settings_for(20), 1)]


@pytest.mark.parametrize(("module", "names"), _NAMES.items(), ids=_NAMES)
def test_every_internal_name_stands_where_it_stood(module: str, names: tuple[str, ...]) -> None:
    found = import_module(module)
    gone = [name for name in names if not hasattr(found, name)]
    assert gone == [], f"Schemathesis {schemathesis.__version__} has moved {gone} out of {module}."


def test_a_generated_test_takes_the_settings_that_it_took() -> None:
    builder = import_module("schemathesis.generation.hypothesis.builder")
    fields = {field.name for field in dataclasses.fields(builder.HypothesisTestConfig)}
    used = {"project", "modes", "settings", "explicit_settings", "apply_ci_profile", "seed", "override"}
    assert used <= fields, f"HypothesisTestConfig has no {used - fields} any more."
    assert {"operation", "test_func", "config"} <= set(signature(builder.create_test).parameters)


def test_cases_of_each_kind_come_out_and_say_how_they_came_about(cases: list[schemathesis.Case]) -> None:
    origins = {adapter.origin(case).partition(":")[0] for case in cases}
    assert origins >= {"coverage", "fuzzing"}, "a phase has another name, or makes no cases"
    assert {adapter.is_negative(case) for case in cases} == {True, False}
    at_path = [case for case in cases if adapter.is_negative(case, adapter.ParameterLocation.PATH)]
    assert at_path, "no case says that its path is wrong on purpose"
    assert all(adapter.is_negative(case) for case in at_path)


def test_the_same_seed_gives_the_same_cases_in_the_same_order(generator: Generator) -> None:
    def once() -> list[object]:
        operation = generator.operation("cancel-key-deletion")
        found = adapter.generate(generator.schema, operation, adapter.AT_RANDOM, settings_for(10), 5)
        return [(case.method, case.path_parameters, case.query, case.body) for case in found]

    assert once() == once()


def test_values_of_the_path_are_ours_where_they_are_given(generator: Generator) -> None:
    operation = generator.operation("cancel-key-deletion")
    given = {"project_id": "given"}
    found = adapter.generate(generator.schema, operation, adapter.AT_RANDOM, settings_for(5), 5, given)
    assert found
    assert all(case.path_parameters["project_id"] == "given" for case in found)


def test_what_was_written_into_a_case_does_not_make_it_wrong_on_purpose(cases: list[schemathesis.Case]) -> None:
    case = next(each for each in cases if not adapter.is_negative(each) and isinstance(each.body, dict))
    case.body["key_id"] = 5
    assert not adapter.is_negative(case), "reading how a case was made judges it anew by its present values"


def test_no_chain_is_inferred_from_names() -> None:
    assert adapter.links_only().inference.algorithms == []


@pytest.mark.parametrize(
    ("check", "status", "body", "complains"),
    [
        (adapter.status_code_conformance, 200, b"{}", False),
        (adapter.status_code_conformance, 418, b"{}", True),
        (adapter.response_schema_conformance, 200, b'{"key_id": 5, "key_state": []}', True),
    ],
)
def test_a_check_complains_in_the_form_that_is_read(
    generator: Generator, check, status: int, body: bytes, *, complains: bool
) -> None:
    case = generator.operation("cancel-key-deletion").Case(path_parameters={"project_id": "any"})
    reply = response(status, body, (("Content-Type", "application/json"),))
    found = list(adapter.complaints(case, reply, check))
    assert bool(found) is complains
    assert all(": " in text for text in found)
