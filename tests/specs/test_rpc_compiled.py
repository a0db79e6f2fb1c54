"""What a small RPC spec of our own compiles to, whole: each thing that it says stands where OpenAPI wants it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from kms_conformance.catalogue.rpc import compile_rpc

DOCUMENT: dict[str, Any] = {
    "info": {"style": "RPC", "product": "Kms", "version": "2016-01-20"},
    "x-error-schema": "#/components/schemas/Error",
    "x-common-errors": {"500": [{"errorCode": "Internal"}], "400": [{"errorCode": "Bad"}, {"errorCode": "Worse"}]},
    "components": {
        "schemas": {
            "Error": {
                "type": "object",
                "docRequired": True,
                "properties": {
                    "Code": {"type": "string", "required": True, "example": "x", "maxLength": "64"},
                    "Message": {"type": "string", "required": False},
                },
            }
        }
    },
    "apis": {
        "Cut": {
            "summary": "Cuts.",
            "x-kms-operation": "cut",
            "methods": ["get", "post"],
            "x-links": {"Glue": {"KeyId": "$request.query.KeyId", "Other": "$response.body#/Other"}},
            "parameters": [
                {"name": "KeyId", "in": "query", "schema": {"type": "string", "required": True, "example": "k"}},
                {"name": "Days", "in": "query", "schema": {"type": "integer", "minimum": "7", "maximum": 30}},
                {"name": "Tags", "in": "query", "style": "json", "schema": {"type": "array", "minItems": "1"}},
            ],
            "responses": {
                "200": {"schema": {"type": "object", "properties": {"Id": {"$ref": "#/x", "required": True}}}}
            },
            "errorCodes": {
                "404": [{"errorCode": "Gone"}],
                "400": [{"errorCode": "Own"}, {"errorCode": "Bad"}],
            },
        },
        "Glue": {
            "summary": "Glues.",
            "x-kms-operation": "glue",
            "methods": ["get"],
            "responses": {"200": {"schema": {"type": "object"}}},
        },
    },
}


def reply(*codes: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Error"}
    content = {"application/json": {"schema": schema}}
    return {"description": ", ".join(codes), "content": content, "x-kms-codes": list(codes)}


def test_actions_become_operations_with_paths_of_their_own() -> None:
    compiled = compile_rpc(DOCUMENT)
    assert list(compiled) == ["openapi", "info", "paths", "components"]
    assert (compiled["openapi"], compiled["info"]) == ("3.1.0", {"title": "Kms (RPC)", "version": "2016-01-20"})
    assert {path: list(item) for path, item in compiled["paths"].items()} == {"/Cut": ["post"], "/Glue": ["post"]}
    assert compiled["paths"]["/Glue"]["post"] == {
        "operationId": "Glue",
        "summary": "Glues.",
        "x-kms-action": "Glue",
        "x-kms-operation": "glue",
        "x-kms-methods": ["get"],
        "parameters": [],
        "responses": {
            "200": {"description": "Glues.", "content": {"application/json": {"schema": {"type": "object"}}}},
            "400": reply("Bad", "Worse"),
            "500": reply("Internal"),
        },
    }


def test_parameters_say_outside_their_schema_whether_they_are_required() -> None:
    assert compile_rpc(DOCUMENT)["paths"]["/Cut"]["post"]["parameters"] == [
        {"name": "KeyId", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "Days", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 7, "maximum": 30}},
        {
            "name": "Tags",
            "in": "query",
            "required": False,
            "content": {"application/json": {"schema": {"type": "array", "minItems": 1}}},
        },
    ]


def test_replies_carry_links_and_errors_carry_the_codes_of_action_and_service() -> None:
    operation = compile_rpc(DOCUMENT)["paths"]["/Cut"]["post"]
    assert operation["x-kms-methods"] == ["get", "post"]
    parameters = {"query.KeyId": "$request.query.KeyId", "query.Other": "$response.body#/Other"}
    schema = {"type": "object", "properties": {"Id": {"$ref": "#/x"}}, "required": ["Id"]}
    assert operation["responses"] == {
        "200": {
            "description": "Cuts.",
            "content": {"application/json": {"schema": schema}},
            "links": {"Glue": {"operationId": "Glue", "parameters": parameters}},
        },
        "400": reply("Own", "Bad", "Worse"),
        "404": reply("Gone"),
        "500": reply("Internal"),
    }
    assert list(operation["responses"]) == ["200", "400", "404", "500"]


def test_a_schema_names_its_required_properties_and_keeps_nothing_of_the_vendor_s_own() -> None:
    assert compile_rpc(DOCUMENT)["components"] == {
        "schemas": {
            "Error": {
                "type": "object",
                "properties": {"Code": {"type": "string", "maxLength": 64}, "Message": {"type": "string"}},
                "required": ["Code"],
            }
        }
    }


@pytest.mark.parametrize(
    ("keyword", "given", "compiled"),
    [
        ("items", {"type": "string", "example": "x"}, {"type": "string"}),
        ("additionalProperties", {"minLength": "1"}, {"minLength": 1}),
        ("additionalProperties", False, False),
        ("propertyNames", {"required": True, "maxLength": "9"}, {"maxLength": 9}),
        ("items", True, True),
        *((name, "3", 3) for name in ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")),
        ("maxProperties", "3", 3),
        ("enum", ["1", "2"], ["1", "2"]),
        ("default", {"required": True}, {"required": True}),
    ],
)
def test_keywords_that_hold_schemas_or_numbers_are_compiled_and_others_are_copied(
    keyword: str, given: object, compiled: object
) -> None:
    document = DOCUMENT | {"components": {"schemas": {"S": {keyword: given}}}}
    assert compile_rpc(document)["components"]["schemas"]["S"] == {keyword: compiled}


def test_nothing_in_the_result_is_shared_with_the_document() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["components"]["schemas"]["S"] = {"enum": [["a"]], "x-list": [{"a": []}]}
    before = copy.deepcopy(document)
    compiled = compile_rpc(document)
    compiled["components"]["schemas"]["S"]["enum"][0].append("b")
    compiled["components"]["schemas"]["S"]["x-list"][0]["a"].append("b")
    compiled["paths"]["/Cut"]["post"]["x-kms-methods"].append("put")
    compiled["paths"]["/Cut"]["post"]["responses"]["400"]["x-kms-codes"].append("More")
    assert document == before
