"""How a small OpenAPI document of our own becomes operations, and how bodies are judged by it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from kms_conformance.catalogue.api import Api, ReplySpec, Violation, documented
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs

PROFILE = Profile("d", "p", "", {"days": {"minimum": 7, "maximum": 30, "wire_type": "x"}, "states": ["on", "off"]})
Load = Callable[..., Api]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Loads an API from its paths and components."""
    monkeypatch.setattr(specs, "SPECS", tmp_path)

    def loaded(paths: object, components: object | None = None) -> Api:
        document = {"openapi": "3.1.0", "info": {}, "paths": paths, "components": components or {}}
        (tmp_path / "d").mkdir(exist_ok=True)
        (tmp_path / "d" / "openapi.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        forget()
        return Api.load(PROFILE)

    yield loaded
    forget()


def forget() -> None:
    """Whatever was read before was read elsewhere."""
    specs.load.cache_clear()
    documented.cache_clear()


def operation(name: str, responses: dict[str, object]) -> dict[str, object]:
    return {"operationId": name.title(), "x-kms-operation": name, "responses": responses}


def with_schema(schema: object, media_type: str = "application/json") -> dict[str, object]:
    return {"description": "", "content": {media_type: {"schema": schema}}}


def reply(load: Load, schema: object, status: int = 200, name: str = "set_alias") -> ReplySpec:
    return load({"/x": {"post": operation(name, {str(status): with_schema(schema)})}})[name].replies[status]


def test_operations_are_what_has_an_id_whatever_else_a_path_holds(load: Load) -> None:
    item = {
        "summary": "not an operation",
        "parameters": [{"name": "p", "in": "path"}],
        "post": operation("one", {"200": {}, "404": {}, "default": {}, "204": {}, "300": {}}),
        "get": operation("two", {"201": {}}),
        "put": {"responses": {"200": {}}},
    }
    api = load({"/x/{p}": item, "/y": {"post": operation("three", {"200": {}})}})
    assert (api.dialect, set(api.operations)) == ("d", {"one", "two", "three"})
    assert ("one" in api, "put" in api, "One" in api) == (True, False, False)
    one = api["one"]
    assert (one.id, one.name, one.method, one.path) == ("One", "one", "POST", "/x/{p}")
    assert (tuple(one.replies), one.success) == ((200, 404, 204, 300), (200, 204))
    assert {status: spec.status for status, spec in one.replies.items()} == {200: 200, 404: 404, 204: 204, 300: 300}
    assert (api["two"].method, api["three"].path) == ("GET", "/y")


def test_what_is_loaded_cannot_be_changed(load: Load) -> None:
    api = load({"/x": {"post": operation("one", {"200": {}})}})
    for mapping in (api.operations, api["one"].replies):
        with pytest.raises(TypeError):
            mapping["x"] = None


def test_a_profile_s_values_are_written_into_a_copy_of_the_document(load: Load) -> None:
    state = {"type": "string", "x-kms-enum": "states"}
    window = {"anyOf": [{"type": "integer", "x-kms-bounds": "days"}]}
    schema = {"type": "object", "properties": {"state": state, "window": window}}
    api = load({"/x": {"post": operation("one", {"200": with_schema(schema)})}})
    found = api.document["paths"]["/x"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert found["properties"] == {
        "state": {"type": "string", "enum": ["on", "off"]},
        "window": {"anyOf": [{"type": "integer", "minimum": 7, "maximum": 30}]},
    }
    raw = specs.load("d/openapi.yaml")
    before = copy.deepcopy(raw)
    assert raw["paths"]["/x"]["post"]["responses"]["200"]["content"]["application/json"]["schema"] == schema
    api.document["paths"]["/x"]["post"]["responses"].clear()
    assert specs.load("d/openapi.yaml") == before


def test_references_are_followed_wherever_they_stand(load: Load) -> None:
    components = {
        "responses": {
            "Ok": {"$ref": "#/components/responses/a~1b~0c"},
            "a/b~c": with_schema({"$ref": "#/components/s/T"}),
        },
        "s": {
            "T": {"type": "array", "prefixItems": [{"$ref": "#/components/s/U"}], "minItems": 1},
            "U": {"type": "integer", "x-requirement": "u.integer"},
        },
    }
    api = load({"/x": {"post": operation("one", {"200": {"$ref": "#/components/responses/Ok"}})}}, components)
    spec = api["one"].replies[200]
    assert spec.content_types == ("application/json",)
    assert spec.schema["prefixItems"] == [{"type": "integer", "x-requirement": "u.integer"}]
    assert (spec.requirements, spec.violations([1])) == ({"u.integer"}, ())
    assert [each.requirement for each in spec.violations(["x"])] == ["u.integer"]


def test_any_body_will_do_where_no_schema_is_given(load: Load) -> None:
    media = {"text/plain": {}, "text/html": {}}
    api = load({"/x": {"post": operation("set_alias", {"204": {"description": ""}, "400": {"content": media}})}})
    empty, text = api["set_alias"].replies[204], api["set_alias"].replies[400]
    assert (empty.content_types, empty.schema, empty.violations(object())) == ((), None, ())
    assert (empty.fallback, empty.requirements) == ("set-alias.reply", {"set-alias.reply"})
    assert (text.content_types, text.schema, text.fallback) == (("text/plain", "text/html"), None, "error.shape")


def test_the_first_of_several_schemas_judges(load: Load) -> None:
    content = {
        "text/plain": {},
        "application/json": {"schema": {"type": "object"}},
        "text/xml": {"schema": {"type": "string"}},
    }
    api = load({"/x": {"post": operation("one", {"200": {"content": content}})}})
    assert api["one"].replies[200].violations({}) == ()
    assert api["one"].replies[200].content_types == ("text/plain", "application/json", "text/xml")


@pytest.mark.parametrize(
    ("status", "fallback"), [(200, "set-alias.reply"), (399, "set-alias.reply"), (400, "error.shape")]
)
def test_what_no_requirement_of_the_schema_speaks_of_is_the_reply_s_own(load: Load, status: int, fallback: str) -> None:
    spec = reply(load, {"type": "object"}, status)
    assert (spec.fallback, spec.requirements) == (fallback, {fallback})
    assert spec.violations("x") == (Violation(fallback, "body", "an object", '"x"'),)


KEY = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "x-requirement": "key.id"},
        "state": {
            "x-requirement": "key.state",
            "type": "object",
            "required": ["name", "since"],
            "properties": {"name": {"type": "string", "x-requirement": "key.state.name"}, "since": {"type": "string"}},
        },
    },
}
SCHEMA = {"type": "object", "required": ["keys"], "properties": {"keys": {"type": "array", "items": KEY}}}
GOOD = {"id": "k", "state": {"name": "on", "since": "now"}}


def test_requirements_of_a_body_are_all_that_its_schema_names(load: Load) -> None:
    assert reply(load, SCHEMA).requirements == {"key.id", "key.state", "key.state.name"}
    assert reply(load, {"oneOf": [{"x-requirement": "a"}, {"not": {"x-requirement": "b"}}]}).requirements == {"a", "b"}


@pytest.mark.parametrize(
    ("key", "found"),
    [
        (GOOD, []),
        (GOOD | {"id": 5}, [("key.id", "keys/0/id", "a string", "5")]),
        (
            GOOD | {"state": {"name": None, "since": "x"}},
            [("key.state.name", "keys/0/state/name", "a string", "null")],
        ),
        # Of what has no requirement of its own, the one around it is broken.
        (
            GOOD | {"state": {"name": "on", "since": {"ä": 1}}},
            [("key.state", "keys/0/state/since", "a string", '{"ä": 1}')],
        ),
        ({"state": GOOD["state"]}, [("key.id", "keys/0", "a field id", "none")]),
        (GOOD | {"state": {"since": "now"}}, [("key.state.name", "keys/0/state", "a field name", "none")]),
        (GOOD | {"state": {"name": "on"}}, [("key.state", "keys/0/state", "a field since", "none")]),
    ],
)
def test_a_violation_names_the_narrowest_requirement_and_the_place(
    load: Load, key: object, found: list[tuple[str, ...]]
) -> None:
    assert reply(load, SCHEMA).violations({"keys": [key]}) == tuple(Violation(*each) for each in found)


def test_a_body_that_is_wrong_as_a_whole_breaks_every_requirement_of_its_parts(load: Load) -> None:
    found = reply(load, SCHEMA).violations({})
    assert {each.requirement for each in found} == {"key.id", "key.state", "key.state.name"}
    assert {(each.where, each.expected, each.received) for each in found} == {("body", "a field keys", "none")}


def test_a_field_that_is_missing_and_not_described_breaks_the_requirement_around_it(load: Load) -> None:
    schema = {"type": "object", "x-requirement": "key", "required": ["id"]}
    assert reply(load, schema).violations({}) == (Violation("key", "body", "a field id", "none"),)


def test_what_a_schema_names_as_the_reply_s_own_stands_for_what_has_no_requirement(load: Load) -> None:
    named = {"a": {"x-requirement": "set-alias.reply"}, "b": {"x-requirement": "b"}}
    found = reply(load, {"type": "object", "properties": named}).violations("x")
    assert [each.requirement for each in found] == ["set-alias.reply"]


def test_of_items_that_are_wrong_alike_the_first_is_told_and_every_field_that_is_missing_is(load: Load) -> None:
    found = reply(load, SCHEMA).violations({"keys": [GOOD, GOOD | {"id": 5}, {}, GOOD | {"id": 6}, {"id": "k"}]})
    assert {(each.requirement, each.where, each.expected) for each in found} == {
        ("key.id", "keys/1/id", "a string"),
        ("key.id", "keys/2", "a field id"),
        ("key.state", "keys/2", "a field state"),
    }
    assert len(found) == 3


def test_a_violation_quotes_a_bounded_part_of_the_schema_and_all_of_the_value(load: Load) -> None:
    """What was received is shortened by reports, after secrets are removed from it."""
    spec = reply(load, {"enum": ["e" * 200, "f" * 200]})
    (found,) = spec.violations("x" * 5000)
    assert len(found.expected) == 300
    assert found.expected.startswith('one of "eee')
    assert found.received == f'"{"x" * 5000}"'
