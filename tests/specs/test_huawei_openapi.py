"""specs/huawei/openapi.yaml: what it takes for a right reply and what not, and that the tools can read it."""

from __future__ import annotations

import copy
from collections import Counter
from functools import cache
from typing import Any

import pytest
import schemathesis
from jsonschema_rs import Draft202012Validator
from openapi_spec_validator import validate
from schemathesis.core.result import Ok

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.core import specs

DOCUMENT: dict[str, Any] = specs.load("huawei/openapi.yaml")
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation
    for item in DOCUMENT["paths"].values()
    for method, operation in item.items()
    if method in {"get", "post"}
}
FROM_IN_FRONT = {"502", "503", "504"}

KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
KEY_ID_PATTERN = "^[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}$"
WITHOUT = object()


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        target: dict[str, Any] = DOCUMENT
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def compiled(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


@cache
def reply(operation: str, status: int = 200) -> Draft202012Validator:
    response = resolved(OPERATIONS[operation]["responses"][str(status)])
    return compiled(response["content"]["application/json"]["schema"])


@cache
def request(operation: str) -> Draft202012Validator:
    body = resolved(OPERATIONS[operation]["requestBody"])
    return compiled(body["content"]["application/json"]["schema"])


def kms(code: str = "KMS.1501") -> dict[str, Any]:
    return {"error": {"error_code": code, "error_msg": "XXX"}}


def gateway(code: str = "APIGW.0301") -> dict[str, Any]:
    return {"error_msg": "XXX", "error_code": code, "request_id": "59a2e407ee471a94573b2510cc6db323"}


def keystone(code: object = 401) -> dict[str, Any]:
    return {"error": {"code": code, "message": "XXX", "title": "Unauthorized"}}


def details(**fields: object) -> dict[str, Any]:
    """A key as the API reference of describe-key shows it; a field given as `WITHOUT` is left out."""
    key = {
        "key_id": KEY,
        "domain_id": "b168fe00ff56492495a7d22974df2d0b",
        "key_alias": "kms_test",
        "realm": "aaa",
        "key_description": "",
        "creation_date": "1472442386000",
        "scheduled_deletion_date": "",
        "key_state": "2",
        "default_key_flag": "0",
        "key_type": "1",
        "expiration_time": "1501578672000",
        "origin": "kms",
    } | fields
    return {name: value for name, value in key.items() if value is not WITHOUT}


def recorded(**fields: object) -> dict[str, Any]:
    """A key as a live Huawei Cloud listed it in March 2025, with the fields that no page lists; ids are ours."""
    return details(
        realm="ap-southeast-1",
        creation_date="1716661217000",
        expiration_time="",
        key_spec="AES_256",
        key_usage="ENCRYPT_DECRYPT",
        key_rotation_enabled="false",
        sys_enterprise_project_id="0",
        keystore_id="0",
        keystore_type="DEFAULT",
        multi_region_key_type="SINGLE",
        pending_days="",
        **fields,
    )


def listed(*keys: dict[str, Any], **fields: object) -> dict[str, Any]:
    page = {
        "next_marker": "",
        "total": 6,
        "key_details": list(keys),
        "keys": [key["key_id"] for key in keys],
        "truncated": "false",
    } | fields
    return {name: value for name, value in page.items() if value is not WITHOUT}


VERSION = {
    "id": "v1.0",
    "links": [{"href": "https://kms.eu-de.otc.t-systems.com/v1.0/", "rel": "self"}],
    "min_version": "",
    "status": "CURRENT",
    "version": "",
    "updated": "2018-09-05T08:18:05Z",
}

RIGHT: dict[str, tuple[str, int, object]] = {
    "the document's example": ("cancel-key-deletion", 200, {"key_id": KEY, "key_state": "3"}),
    "the document's error": ("cancel-key-deletion", 400, kms("KMS.1501")),
    "schedule": ("schedule-key-deletion", 200, {"key_id": KEY, "key_state": "4"}),
    "a field of tomorrow": ("cancel-key-deletion", 200, {"key_id": KEY, "key_state": "3", "new": [1]}),
    "create": ("create-key", 200, {"key_info": {"key_id": KEY, "domain_id": "b168fe00", "region_id": "eu"}}),
    "enable": ("enable-key", 200, {"key_info": {"key_id": KEY, "key_state": "2"}}),
    "disable, recorded": ("disable-key", 200, {"key_info": {"key_id": KEY, "key_state": "3"}}),
    "describe, without key_spec": ("describe-key", 200, {"key_info": details()}),
    "describe, pending": (
        "describe-key",
        200,
        {"key_info": details(key_state="4", scheduled_deletion_date="1716661217000")},
    ),
    "describe, without what imports brought": (
        "describe-key",
        200,
        {"key_info": details(expiration_time=WITHOUT, origin=WITHOUT)},
    ),
    "list, recorded": (
        "list-keys",
        200,
        listed(recorded(), recorded(key_alias="evs/default", default_key_flag="1")),
    ),
    "list, older": ("list-keys", 200, listed(details(), total=WITHOUT)),
    "list, nothing there": ("list-keys", 200, listed()),
    "encrypt": ("encrypt-data", 200, {"key_id": KEY, "cipher_text": "AgDoAG7EsEc2OHpQxz4gDA=="}),
    "decrypt": ("decrypt-data", 200, {"key_id": KEY, "plain_text": "12345678"}),
    "data key": ("create-datakey", 200, {"key_id": KEY, "plain_text": "8151014E", "cipher_text": "020098009e"}),
    "alias": ("update-key-alias", 200, {"key_info": {"key_id": KEY, "key_alias": "test"}}),
    "description": ("update-key-description", 200, {"key_info": {"key_id": KEY, "key_description": ""}}),
    "instances": ("user-instances", 200, {"instance_num": 15}),
    "quotas": ("user-quotas", 200, {"quotas": {"resources": [{"type": "CMK", "used": 15, "quota": 20}]}}),
    "versions": ("list-versions", 200, {"versions": [VERSION]}),
    "version": ("show-version", 200, {"version": VERSION}),
    "unknown key": ("describe-key", 404, kms("KMS.0207")),
    "rotation is on, recorded": ("enable-key", 400, kms("KMS.2901")),
    "bad signature, recorded": ("list-keys", 401, gateway("APIGW.0301")),
    "unknown path, recorded": ("create-key", 404, gateway("APIGW.0101")),
    "no request id": ("create-key", 404, {"error_code": "APIGW.0101", "error_msg": "XXX"}),
    "bad token, by the table": ("cancel-key-deletion", 403, kms("KMS.0302")),
    "bad token, newer pages": ("cancel-key-deletion", 401, kms("KMS.0302")),
    "bad token, OpenStack": ("cancel-key-deletion", 401, keystone()),
    "bad token, OpenStack, code as text": ("cancel-key-deletion", 401, keystone("401")),
    "bad token, IAM": ("cancel-key-deletion", 401, {"error_code": "IAM.0001", "error_msg": "XXX"}),
    "wrong method": ("cancel-key-deletion", 405, kms("KMS.0215")),
    "throttled": ("cancel-key-deletion", 429, gateway("APIGW.0308")),
    "broken": ("cancel-key-deletion", 500, kms("KMS.0101")),
}

WRONG: dict[str, tuple[str, int, object]] = {
    "numeric state": ("cancel-key-deletion", 200, {"key_id": KEY, "key_state": 3}),
    "numeric state, schedule": ("schedule-key-deletion", 200, {"key_id": KEY, "key_state": 4}),
    "numeric state, enable": ("enable-key", 200, {"key_info": {"key_id": KEY, "key_state": 2}}),
    "numeric state, describe": ("describe-key", 200, {"key_info": details(key_state=2)}),
    "no key_id": ("cancel-key-deletion", 200, {"key_state": "3"}),
    "no key_id, schedule": ("schedule-key-deletion", 200, {"key_state": "4"}),
    "no key_state": ("cancel-key-deletion", 200, {"key_id": KEY}),
    "upper-case key_id": ("cancel-key-deletion", 200, {"key_id": KEY.upper(), "key_state": "3"}),
    "upper-case key_id, schedule": ("schedule-key-deletion", 200, {"key_id": KEY.upper(), "key_state": "4"}),
    "upper-case key_id, describe": ("describe-key", 200, {"key_info": details(key_id=KEY.upper())}),
    "key_id and a line break": ("cancel-key-deletion", 200, {"key_id": KEY + "\n", "key_state": "3"}),
    "wrapped": ("cancel-key-deletion", 200, {"key_info": {"key_id": KEY, "key_state": "3"}}),
    "not wrapped": ("enable-key", 200, {"key_id": KEY, "key_state": "2"}),
    "nothing": ("cancel-key-deletion", 200, {}),
    "an array": ("cancel-key-deletion", 200, [{"key_id": KEY, "key_state": "3"}]),
    "key_info is an array": ("describe-key", 200, {"key_info": [details()]}),
    "no such state": ("describe-key", 200, {"key_info": details(key_state="6")}),
    "a state's name": ("describe-key", 200, {"key_info": details(key_state="Enabled")}),
    "date as a number": ("describe-key", 200, {"key_info": details(creation_date=1472442386000)}),
    "date null": ("describe-key", 200, {"key_info": details(scheduled_deletion_date=None)}),
    "no date": ("describe-key", 200, {"key_info": details(scheduled_deletion_date=WITHOUT)}),
    "truncated is a boolean": ("list-keys", 200, listed(details(), truncated=False)),
    "total is text": ("list-keys", 200, listed(details(), total="6")),
    "no next_marker": ("list-keys", 200, listed(details(), next_marker=WITHOUT)),
    "one key in the list is wrong": ("list-keys", 200, listed(details(), details(key_state=2))),
    "data key in base64": ("create-datakey", 200, {"key_id": KEY, "plain_text": "gVEB", "cipher_text": "02"}),
    "quota is text": ("user-quotas", 200, {"quotas": {"resources": [{"type": "CMK", "used": "1", "quota": "2"}]}}),
    "flat error of the service": ("cancel-key-deletion", 400, {"error_code": "KMS.1501", "error_msg": "XXX"}),
    "nested error of the gateway": ("list-keys", 401, kms("APIGW.0301")),
    "code without its service": ("cancel-key-deletion", 400, kms("1501")),
    "code of another service": ("cancel-key-deletion", 400, kms("CSMS.0101")),
    "code is a number": ("cancel-key-deletion", 400, {"error": {"error_code": 1501, "error_msg": "XXX"}}),
    "no error_msg": ("cancel-key-deletion", 400, {"error": {"error_code": "KMS.1501"}}),
    "error is text": ("cancel-key-deletion", 400, {"error": "KMS.1501"}),
    "IAM's form for a wrong request": ("cancel-key-deletion", 400, keystone(400)),
    "IAM's form for an unknown key": ("cancel-key-deletion", 404, keystone(404)),
    "IAM's form, code out of range": ("cancel-key-deletion", 401, keystone(200)),
    "an empty refusal": ("cancel-key-deletion", 403, {}),
    "a success as a refusal": ("cancel-key-deletion", 400, {"key_id": KEY, "key_state": "3"}),
}


@pytest.mark.parametrize(("operation", "status", "body"), RIGHT.values(), ids=RIGHT)
def test_a_right_reply_passes(operation: str, status: int, body: object) -> None:
    assert [error.message for error in reply(operation, status).iter_errors(body)] == []


@pytest.mark.parametrize(("operation", "status", "body"), WRONG.values(), ids=WRONG)
def test_a_wrong_reply_does_not(operation: str, status: int, body: object) -> None:
    assert not reply(operation, status).is_valid(body)


def test_the_window_is_each_number_that_the_documents_allow_and_nothing_else() -> None:
    window = specs.facts("huawei")["window"]
    schedules = request("schedule-key-deletion")
    accepted = [n for n in range(-5, 1201) if schedules.is_valid({"key_id": KEY, "pending_days": str(n)})]
    assert accepted == list(range(window["minimum"], window["maximum"] + 1))


NO_WINDOWS = {
    "texts": ["", " ", "seven", "7d", "null"],
    "spaces": [" 7", "7 ", "7\n", "7\t"],
    "zeros": ["07", "007", "01096"],
    "other notations": ["+7", "-7", "7.0", "7e0", "1e1", "0x10", "1_0", "7,0", "1,096", "\u0667"],
    "too large": ["10960", "70000", "9" * 20],
    "other types": [7, 7.0, True, None, ["7"], {"days": "7"}],
}


@pytest.mark.parametrize("windows", NO_WINDOWS.values(), ids=NO_WINDOWS)
def test_no_other_window_is_right(windows: list[object]) -> None:
    schedules = request("schedule-key-deletion")
    assert [window for window in windows if schedules.is_valid({"key_id": KEY, "pending_days": window})] == []


@pytest.mark.parametrize(
    ("operation", "body", "right"),
    [
        ("cancel-key-deletion", {"key_id": KEY}, True),
        ("cancel-key-deletion", {"key_id": KEY, "sequence": "919c82d4-8046-4722-9094-35c3c6524cff"}, True),
        ("cancel-key-deletion", {"key_id": KEY, "sequence": "919c82d4804647229094035c3c6524cf"}, False),
        ("cancel-key-deletion", {"key_id": KEY, "sequence": "x" * 37}, False),
        ("cancel-key-deletion", {}, False),
        ("cancel-key-deletion", {"key_id": None}, False),
        ("cancel-key-deletion", {"key_id": KEY.upper()}, False),
        ("schedule-key-deletion", {"key_id": KEY}, False),
        ("create-key", {"key_alias": "a:b/c_d-9"}, True),
        ("create-key", {"key_alias": ""}, False),
        ("create-key", {"key_alias": "x" * 256}, False),
        ("create-key", {"key_alias": "evs/default"}, False),
        ("create-key", {"key_alias": "a", "key_description": "x" * 256}, False),
        ("list-keys", {}, True),
        ("list-keys", {"limit": "20", "marker": "0", "key_state": "4"}, True),
        ("list-keys", {"limit": 2}, False),
        ("list-keys", {"marker": "-1"}, False),
        ("encrypt-data", {"key_id": KEY, "plain_text": "x" * 4096}, True),
        ("encrypt-data", {"key_id": KEY, "plain_text": "x" * 4097}, False),
        ("encrypt-data", {"key_id": KEY, "plain_text": ""}, False),
        ("decrypt-data", {"cipher_text": "A" * 188, "encryption_context": {"Key1": "Value1"}}, True),
        ("decrypt-data", {"cipher_text": "A" * 127}, False),
        ("create-datakey", {"key_id": KEY, "datakey_length": 512}, False),
    ],
)
def test_requests(operation: str, body: dict[str, Any], *, right: bool) -> None:
    assert request(operation).is_valid(body) is right


def examples() -> list[tuple[str, object]]:
    bodies = {name: resolved(operation.get("requestBody", {})) for name, operation in OPERATIONS.items()}
    media = {name: body["content"]["application/json"] for name, body in bodies.items() if body}
    return [(name, content["example"]) for name, content in media.items() if "example" in content]


@pytest.mark.parametrize(("operation", "body"), examples(), ids=lambda value: value if isinstance(value, str) else "")
def test_the_examples_are_right(operation: str, body: object) -> None:
    assert request(operation).is_valid(body)


def test_it_is_openapi() -> None:
    validate(copy.deepcopy(DOCUMENT))


def test_schemathesis_reads_every_operation_and_every_link() -> None:
    schema = schemathesis.openapi.from_dict(copy.deepcopy(DOCUMENT))
    read = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert {operation.definition.raw["operationId"] for operation in read} == set(OPERATIONS)
    schema.as_state_machine()  # raises for a link that leads nowhere
    written = [
        resolved(response).get("links", {}) for each in OPERATIONS.values() for response in each["responses"].values()
    ]
    assert schema.statistic.transitions.total == sum(map(len, written)) > 0


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_documents_every_refusal(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    assert set(responses) == {"200", "400", "401", "403", "404", "405", "429", "500"} | FROM_IN_FRONT
    assert {status for status in responses if "content" not in resolved(responses[status])} == FROM_IN_FRONT


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_violation_belongs_to_a_requirement(name: str) -> None:
    operation = OPERATIONS[name]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    abstract = operation["x-kms-operation"].replace("_", "-")
    if abstract in {"schedule", "cancel"}:
        named = {f"{abstract}.reply.{field.replace('_', '-')}": field for field in schema["properties"]}
        assert {rule["x-requirement"]: field for field, rule in schema["properties"].items()} == named
        assert "x-requirement" not in schema
    else:
        named = {f"{abstract}.reply": ""}
        assert schema["x-requirement"] in named
    assert set(named) <= {row["id"] for row in specs.load("huawei/requirements.yaml")["requirements"]}


@pytest.mark.parametrize("name", ["RequestRefused", "AccessRefused", "KmsError", "GatewayError", "IamError"])
def test_a_wrong_error_belongs_to_its_requirement(name: str) -> None:
    assert DOCUMENT["components"]["schemas"][name]["x-requirement"] == "error.shape"


def nodes(node: object) -> list[dict[str, Any]]:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    return [*([node] if isinstance(node, dict) else []), *(found for child in inner for found in nodes(child))]


@pytest.mark.parametrize("profile", specs.profile_names("huawei"))
def test_each_list_that_a_profile_must_give_is_given(profile: str) -> None:
    facts = specs.facts("huawei", profile)
    from_profile = [node for node in nodes(DOCUMENT) if "x-kms-enum" in node]
    assert from_profile
    for node in from_profile:
        assert node["type"] == "string"
        assert "enum" not in node
        assert facts[node["x-kms-enum"]]


def test_key_ids_have_one_pattern() -> None:
    fields = [node["key_id"] for node in nodes(DOCUMENT) if isinstance(node.get("key_id"), dict)]
    assert {resolved(field)["pattern"] for field in fields} == {KEY_ID_PATTERN}


def test_the_table_of_codes_is_whole() -> None:
    counted = Counter(row["status"] for row in DOCUMENT["x-kms-error-codes"].values())
    assert counted == {400: 133, 403: 13, 404: 4, 405: 1, 500: 8, 503: 1}


@pytest.mark.parametrize("profile", specs.profile_names("huawei"))
def test_refusals_of_the_profiles_agree_with_the_table_of_codes(profile: str) -> None:
    codes = DOCUMENT["x-kms-error-codes"]
    for name, refusal in specs.facts("huawei", profile)["refusals"].items():
        for answer in refusal["answers"]:
            if str(answer["code"]).startswith("KMS."):
                documented = codes[answer["code"]]["status"]
                # The newer operation pages answer 401 where the table has 403.
                assert answer["status"] in ({401, 403} if documented == 403 else {documented}), name


def violations(profile: str, operation: str, status: int, body: object) -> list[str]:
    found = Api.load(Profile.load("huawei", profile))[operation].replies[status].violations(body)
    return [violation.where for violation in found]


@pytest.mark.parametrize("name", ["creation_date", "scheduled_deletion_date", "expiration_time"])
def test_dates_are_seconds_only_where_the_profile_says_so(name: str) -> None:
    body = {"key_info": details(**{name: "1472442386"})}
    where = [f"key_info/{name}"]
    profiles = ("documents", "huawei-cloud", "otc", "otc-swiss", "flexible-engine")
    assert [violations(profile, "describe", 200, body) for profile in profiles] == [where, where, [], [], []]
    odd = {"key_info": details(**{name: "14724423860"})}
    assert violations("otc", "describe", 200, odd) == where


def test_an_error_without_a_code_is_a_gateway_of_one_cloud() -> None:
    body = {"message": "no such route", "request_id": "59a2e407ee471a94573b2510cc6db323"}
    assert violations("otc", "schedule", 404, body) == []
    assert violations("documents", "schedule", 404, body) == ["body"]
    assert violations("otc", "schedule", 400, body) == ["body"]
    assert violations("otc", "schedule", 404, body | {"error_code": 7}) == ["body"]


@pytest.mark.parametrize("code", ["APIG.0101", "APIGW.0101"])
def test_both_prefixes_of_the_gateway_count_as_one(code: str) -> None:
    assert violations("documents", "schedule", 404, gateway(code)) == []
    assert Profile.load("huawei").refusal("unknown_path").admits(404, code)
    assert not Profile.load("huawei").refusal("unknown_path").admits(404, "API.0101")


def test_what_a_profile_lacks_is_in_no_path_and_no_link() -> None:
    api = Api.load(Profile.load("huawei", "flexible-engine"))
    lacking = {"encrypt", "decrypt", "quotas", "instances"}
    assert set(Api.load(Profile.load("huawei")).operations) - set(api.operations) == lacking
    assert not any(name in str(api.document["paths"]) for name in ("encrypt-data", "decrypt-data", "user-quotas"))
    validate(copy.deepcopy(dict(api.document)))
