"""specs/alibaba/rpc.yaml is well-formed and complete, and compiles to OpenAPI that says the same."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import openapi_spec_validator
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok

from kms_conformance.catalogue.rpc import compile_rpc
from kms_conformance.core import specs

RPC: dict[str, Any] = specs.load("alibaba/rpc.yaml")
OPENAPI = compile_rpc(RPC)
OPERATIONS: dict[str, dict[str, Any]] = {
    path.removeprefix("/"): item["post"] for path, item in OPENAPI["paths"].items()
}
FACTS = specs.facts("alibaba")
FORMAT = jsonschema_rs.Draft202012Validator(
    json.loads((specs.SPECS / "schemas/rpc.schema.json").read_text(encoding="utf-8")), validate_formats=True
)

REQUEST_ID = "3da5b8cc-8107-40ac-a170-793cd181d7b7"
KEY = {
    "KeyId": "1234abcd-12ab-34cd-56ef-12345678abcd",
    "Arn": "acs:kms:cn-hangzhou:1234567890123456:key/1234abcd-12ab-34cd-56ef-12345678abcd",
    "KeyState": "PendingDeletion",
    "CreationDate": "2024-03-25T10:00:00Z",
    "DeleteDate": "2024-04-01T10:00:00Z",
    "KeyUsage": "ENCRYPT/DECRYPT",
    "Origin": "Aliyun_KMS",
}
CREATED, SAME = {"query.KeyId": "$response.body#/KeyMetadata/KeyId"}, {"query.KeyId": "$request.query.KeyId"}
LINKS = {
    "CreateKey": {
        **dict.fromkeys(
            ("DescribeKey", "EnableKey", "DisableKey", "ScheduleKeyDeletion", "CancelKeyDeletion"), CREATED
        ),
        **dict.fromkeys(("Encrypt", "GenerateDataKey", "UpdateKeyDescription"), CREATED),
    },
    "ScheduleKeyDeletion": {"CancelKeyDeletion": SAME, "DescribeKey": SAME},
    "CancelKeyDeletion": {"DescribeKey": SAME, "EnableKey": SAME, "DisableKey": SAME},
    "Encrypt": {"Decrypt": {"query.CiphertextBlob": "$response.body#/CiphertextBlob"}},
}


def accepts(action: str, status: int, body: object) -> bool:
    schema = OPERATIONS[action]["responses"][str(status)]["content"]["application/json"]["schema"]
    return jsonschema_rs.is_valid({**schema, "components": OPENAPI["components"]}, body)


def codes(action: str) -> set[tuple[int, str]]:
    replies = OPERATIONS[action]["responses"].items()
    return {(int(status), code) for status, reply in replies for code in reply.get("x-kms-codes", ())}


def taking_a_key() -> list[str]:
    return [action for action, api in RPC["apis"].items() if "KeyId" in {p["name"] for p in api.get("parameters", ())}]


# The format


def test_the_file_has_the_published_format() -> None:
    assert [error.message for error in FORMAT.iter_errors(RPC)] == []


@pytest.mark.parametrize(
    ("where", "name", "value"),
    [
        ((), "api", {}),
        (("info",), "style", "ROA"),
        (("apis", "CancelKeyDeletion"), "errorcodes", {}),
        (("apis", "CancelKeyDeletion"), "x-kms-operation", "Cancel"),
        (("apis", "CancelKeyDeletion"), "x-links", {"DescribeKey": {"KeyId": "KeyMetadata.KeyId"}}),
        (("apis", "CancelKeyDeletion", "responses"), "404", {"schema": {"type": "object"}}),
        (("apis", "CancelKeyDeletion", "errorCodes"), "40x", [{"errorCode": "A", "description": "b"}]),
        (("apis", "CancelKeyDeletion", "errorCodes", "400", 0), "errorMessage", "Words of the vendor."),
        (("apis", "ScheduleKeyDeletion", "parameters", 1), "in", "path"),
        (("apis", "ScheduleKeyDeletion", "parameters", 1, "schema"), "maximun", 30),
        (("apis", "ScheduleKeyDeletion", "parameters", 1, "schema"), "type", "Integer"),
        (("apis", "ScheduleKeyDeletion", "parameters", 1, "schema"), "x-kms-bounds", "windows"),
        (("apis", "ScheduleKeyDeletion", "parameters", 0, "schema"), "pattern", "("),
        (("components", "schemas", "Error"), "required", ["Code"]),
    ],
)
def test_the_format_refuses_what_it_does_not_know(where: tuple[Any, ...], name: str, value: object) -> None:
    document = copy.deepcopy(RPC)
    node: Any = document
    for step in where:
        node = node[step]
    node[name] = value
    assert not FORMAT.is_valid(document)


def test_a_parameter_as_the_vendor_writes_it_is_understood() -> None:
    document = copy.deepcopy(RPC)
    document["apis"]["ScheduleKeyDeletion"]["parameters"][1]["schema"] = {
        "type": "integer",
        "format": "int32",
        "required": True,
        "docRequired": True,
        "maximum": "366",
        "minimum": "7",
        "example": "7",
    }
    assert FORMAT.is_valid(document)
    parameter = compile_rpc(document)["paths"]["/ScheduleKeyDeletion"]["post"]["parameters"][1]
    assert parameter == {
        "name": "PendingWindowInDays",
        "in": "query",
        "required": True,
        "schema": {"type": "integer", "format": "int32", "maximum": 366, "minimum": 7},
    }


# What the file says


def test_the_window_is_the_documents_and_a_profile_may_replace_it() -> None:
    window = OPERATIONS["ScheduleKeyDeletion"]["parameters"][1]
    assert (window["name"], window["required"]) == ("PendingWindowInDays", False)
    assert {key: window["schema"][key] for key in ("type", "minimum", "maximum", "x-kms-bounds")} == {
        "type": FACTS["window"]["wire_type"],
        "minimum": FACTS["window"]["minimum"],
        "maximum": FACTS["window"]["maximum"],
        "x-kms-bounds": "window",
    }


def test_every_operation_of_the_lifecycle_is_an_action_and_none_is_twice() -> None:
    names = [api["x-kms-operation"] for api in RPC["apis"].values()]
    assert set(FACTS["lifecycle"]) <= set(names)
    assert len(names) == len(set(names)) == 20


def test_the_page_of_schedule_lists_throttling_and_an_unknown_key() -> None:
    tables = RPC["apis"]["ScheduleKeyDeletion"]["errorCodes"]
    assert "Throttling" in {row["errorCode"] for row in tables["400"]}
    assert "Forbidden.KeyNotFound" in {row["errorCode"] for row in tables["404"]}


@pytest.mark.parametrize("action", OPERATIONS)
def test_every_action_may_be_throttled_forbidden_and_down_and_find_no_key(action: str) -> None:
    always = {(400, "Throttling"), (429, "Rejected.Throttling"), (403, "Forbidden.NoPermission")}
    down = {(500, "InternalFailure"), (503, "ServiceUnavailableTemporary")}
    assert always | down <= codes(action)
    assert action not in taking_a_key() or (404, "Forbidden.KeyNotFound") in codes(action)


def expected_refusals(action: str) -> set[str]:
    """The refusals, by name, that a profile may expect of this action."""
    auth = {"no_credentials", "unknown_access_key", "wrong_signature", "stale_signature", "replayed_nonce"}
    key = {"unknown_key", "missing_key", "malformed_key"} if action in taking_a_key() else set()
    window = {name for name in FACTS["refusals"] if name.startswith("window_")}
    own = {
        "ScheduleKeyDeletion": window | {"deletion_protected"},
        "CreateKey": {"quota_exhausted"},
        "CreateAlias": {"duplicate_alias"},
        "DeleteAlias": {"unknown_alias"},
    }
    states = FACTS["lifecycle"].get(RPC["apis"][action]["x-kms-operation"], {})
    return {"throttled", *auth, *key, *own.get(action, ()), *states.values()}


@pytest.mark.parametrize("action", OPERATIONS)
def test_each_refusal_that_a_profile_expects_is_documented_for_the_action(action: str) -> None:
    rows = [row for name in expected_refusals(action) for row in FACTS["refusals"][name]["answers"]]
    answers = {(row["status"], row["code"]) for row in rows}
    assert answers - codes(action) == set()


def test_each_reply_names_a_requirement_of_the_catalogue() -> None:
    known = {requirement["id"] for requirement in specs.load("alibaba/requirements.yaml")["requirements"]}
    named = {}
    for action, operation in OPERATIONS.items():
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        named[action] = schema.get("x-requirement") or schema["properties"]["RequestId"]["x-requirement"]
    abstract = {action: operation["x-kms-operation"].replace("_", "-") for action, operation in OPERATIONS.items()}
    assert named == {
        **{action: f"{name}.reply" for action, name in abstract.items()},
        "ScheduleKeyDeletion": "schedule.reply.request-id",
        "CancelKeyDeletion": "cancel.reply.request-id",
    }
    assert {*named.values(), OPENAPI["components"]["schemas"]["Error"]["x-requirement"]} <= known


# What it compiles to


def test_the_compiled_document_is_openapi() -> None:
    openapi_spec_validator.validate(OPENAPI)
    assert not {"servers", "security"} & OPENAPI.keys()
    assert "securitySchemes" not in OPENAPI["components"]


def test_compiling_shares_nothing_with_its_source() -> None:
    before = copy.deepcopy(RPC)
    compiled = compile_rpc(RPC)

    def spoil(node: dict[str, Any] | list[Any]) -> None:
        for child in list(node.values() if isinstance(node, dict) else node):
            if isinstance(child, (dict, list)):
                spoil(child)
        node.clear()

    spoil(compiled)
    assert before == RPC
    assert compile_rpc(RPC) == OPENAPI


def test_an_action_is_one_operation_that_keeps_its_names() -> None:
    assert [set(item) for item in OPENAPI["paths"].values()] == [{"post"}] * 20
    schedule = OPERATIONS["ScheduleKeyDeletion"]
    assert schedule["operationId"] == schedule["x-kms-action"] == "ScheduleKeyDeletion"
    assert schedule["x-kms-operation"] == "schedule"
    assert schedule["x-kms-methods"] == ["post", "get"]


def test_json_in_a_parameter_is_declared_as_such() -> None:
    tags = next(p for p in OPERATIONS["TagResource"]["parameters"] if p["name"] == "Tags")
    assert set(tags) == {"name", "in", "required", "content"}
    assert tags["content"]["application/json"]["schema"]["items"]["required"] == ["TagKey", "TagValue"]


def test_links_lead_where_the_lifecycle_does() -> None:
    found = {
        action: {link["operationId"]: link["parameters"] for link in operation["responses"]["200"]["links"].values()}
        for action, operation in OPERATIONS.items()
        if "links" in operation["responses"]["200"]
    }
    assert found == LINKS


def test_schemathesis_sees_every_action_and_every_link() -> None:
    # Without inference: it would add links that this file leaves out on purpose, such as to TagResource.
    config = SchemathesisConfig.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})
    schema = schemathesis.openapi.from_dict(copy.deepcopy(OPENAPI), config=config)
    labels = [result.ok().label for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert sorted(labels) == sorted(f"POST /{action}" for action in RPC["apis"])
    assert schema.statistic.transitions.total == sum(map(len, LINKS.values())) == 14


def test_only_these_parameters_must_refuse_what_lies_outside_their_schema() -> None:
    parameters = [(p["name"], p["schema"]) for api in RPC["apis"].values() for p in api.get("parameters", ())]
    strict = {name for name, schema in parameters if "x-kms-lenient" not in schema}
    assert strict == {"KeyId", "PendingWindowInDays", "ProtectedResourceArn", "EnableDeletionProtection"}


LONGEST_CHARACTER = 12  # bytes in a URL: four of UTF-8, three for each


def longest(schema: dict[str, Any]) -> int:
    """How many bytes of a URL a value may take; a schema without a bound is an error."""
    quoting = 24  # of a name and a value in JSON, percent-encoded
    match schema:
        case {"enum": values}:
            size = 3 * max(len(value) for value in values)
        case {"type": "string", "maxLength": length}:
            size = LONGEST_CHARACTER * length
        case {"type": "integer", "maximum": maximum}:
            size = len(str(maximum))
        case {"type": "boolean"}:
            size = len("false")
        case {"type": "array", "items": items, "maxItems": count}:
            size = count * (longest(items) + quoting)
        case {"type": "object", "properties": properties}:
            size = sum(len(name) + longest(value) + quoting for name, value in properties.items())
        case {"type": "object", "propertyNames": names, "additionalProperties": value, "maxProperties": count}:
            size = count * (longest({"type": "string", **names}) + longest(value) + quoting)
        case _:
            pytest.fail(f"no bound: {schema}")
    return size


@pytest.mark.parametrize("action", OPERATIONS)
def test_the_longest_request_fits_a_url(action: str) -> None:
    size = 0
    for parameter in OPERATIONS[action]["parameters"]:
        schema = parameter.get("schema") or parameter["content"]["application/json"]["schema"]
        size += len(f"&{parameter['name']}=") + longest(schema)
    assert size < 7000


# What replies must look like


def test_the_documents_own_sample_is_accepted() -> None:
    assert accepts("ScheduleKeyDeletion", 200, {"RequestId": REQUEST_ID})
    assert accepts("CancelKeyDeletion", 200, {"RequestId": REQUEST_ID})


@pytest.mark.parametrize("action", OPERATIONS)
def test_no_success_goes_without_a_request_id(action: str) -> None:
    bodies: list[object] = [{}, {"RequestId": ""}, {"RequestId": 7}, {"RequestId": None}, [], "OK", None]
    assert [body for body in bodies if accepts(action, 200, body)] == []


ERROR = {"Code": "Rejected.Throttling", "Message": "QPS Limit Exceeded", "RequestId": REQUEST_ID}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"HttpStatus": 429},
        {"Message": "", "RequestId": REQUEST_ID.upper()},
        {"HostId": "kms.cn-hangzhou.aliyuncs.com", "Recommend": "https://error-center.aliyun.com"},
    ],
)
@pytest.mark.parametrize("action", OPERATIONS)
def test_errors_of_the_service_and_of_its_gateway_are_accepted(action: str, more: dict[str, Any]) -> None:
    statuses = [int(status) for status in OPERATIONS[action]["responses"] if status != "200"]
    assert [status for status in statuses if not accepts(action, status, ERROR | more)] == []


@pytest.mark.parametrize(
    "body",
    [
        *({name: value for name, value in ERROR.items() if name != missing} for missing in ERROR),
        ERROR | {"Code": 404},
        ERROR | {"Code": ""},
        ERROR | {"Message": None},
        ERROR | {"RequestId": ""},
        ERROR | {"HttpStatus": "404"},
        {"Error": ERROR},
        [ERROR],
    ],
)
def test_an_error_of_another_shape_is_not(body: object) -> None:
    assert not accepts("ScheduleKeyDeletion", 404, body)


@pytest.mark.parametrize("action", ["CreateKey", "DescribeKey"])
@pytest.mark.parametrize(
    "key",
    [
        KEY,
        {**KEY, "KeyState": "Enabled", "DeleteDate": ""},
        {name: value for name, value in KEY.items() if name != "DeleteDate"},
        {**KEY, "KeyState": "PendingImport", "Origin": "EXTERNAL", "MaterialExpireTime": "", "Newer": [1]},
    ],
)
def test_a_key_is_accepted_with_and_without_what_is_optional(action: str, key: object) -> None:
    assert accepts(action, 200, {"RequestId": REQUEST_ID, "KeyMetadata": key})


@pytest.mark.parametrize(
    "key",
    [
        None,
        {},
        {**KEY, "KeyState": "Deleted"},
        {**KEY, "KeyState": "enabled"},
        {**KEY, "KeyState": 4},
        {**KEY, "KeyId": ""},
        {**KEY, "DeleteDate": 1711965600},
        {**KEY, "DeletionProtection": True},
        *(
            {name: value for name, value in KEY.items() if name != missing}
            for missing in KEY
            if missing != "DeleteDate"
        ),
    ],
)
def test_a_key_of_another_shape_is_not(key: object) -> None:
    assert not accepts("DescribeKey", 200, {"RequestId": REQUEST_ID, "KeyMetadata": key})


@pytest.mark.parametrize(
    ("action", "good", "bad"),
    [
        (
            "ListKeys",
            {"PageNumber": 1, "PageSize": 10, "TotalCount": 1, "Keys": {"Key": [{"KeyId": "a", "KeyArn": "b"}]}},
            {"PageNumber": "1", "PageSize": 10, "TotalCount": 1, "Keys": {"Key": []}},
        ),
        ("ListKeys", {"PageNumber": 1, "PageSize": 10, "TotalCount": 0, "Keys": {"Key": []}}, {"Keys": []}),
        ("Encrypt", {"KeyId": "a", "CiphertextBlob": "b"}, {"KeyId": "a", "CiphertextBlob": ""}),
        ("Decrypt", {"KeyId": "a", "Plaintext": "b", "KeyVersionId": "c"}, {"Plaintext": "b"}),
        ("GenerateDataKey", {"KeyId": "a", "Plaintext": "b", "CiphertextBlob": "c"}, {"KeyId": "a", "Plaintext": "b"}),
        (
            "ListResourceTags",
            {"Tags": {"Tag": [{"KeyId": "a", "TagKey": "b", "TagValue": ""}]}},
            {"Tags": [{"KeyId": "a", "TagKey": "b", "TagValue": ""}]},
        ),
        ("DescribeRegions", {"Regions": {"Region": [{"RegionId": "a"}]}}, {"Regions": {"Region": ["a"]}}),
        ("DescribeAccountKmsStatus", {"AccountStatus": "InDebt"}, {"AccountStatus": "Open"}),
    ],
)
def test_other_replies_have_their_documented_shape(action: str, good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert accepts(action, 200, {"RequestId": REQUEST_ID, **good})
    assert not accepts(action, 200, {"RequestId": REQUEST_ID, **bad})


# What the documentation derives from it


def test_the_policy_of_the_documentation_has_every_action() -> None:
    section = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text().partition("## Alibaba Cloud")[2]
    policy = json.loads(section.partition("```json")[2].partition("```")[0])
    assert sorted(policy["Statement"][0]["Action"]) == sorted(f"kms:{action}" for action in RPC["apis"])
