"""The overlay fits the service model, and what both compile to says what AWS's documents say."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from openapi_spec_validator import validate

from kms_conformance.catalogue.api import Api, Violation
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirements import Catalogue
from kms_conformance.catalogue.service_model import compile_model
from kms_conformance.core import specs
from kms_conformance.dialects import aws

OVERLAY = specs.load("aws/model.yaml")
MODEL = Loader().load_service_model(OVERLAY["service"], "service-2", OVERLAY["version"])
DOCUMENT = compile_model(OVERLAY)
PROFILE = Profile.load("aws")
API = Api.load(PROFILE)
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:us-east-2:111122223333:key/{KEY}"


# --- the overlay and the model ----------------------------------------------------------------------------------------


def reachable() -> set[str]:
    """The names of all shapes of the operations that are asked."""
    found: set[str] = set()

    def visit(name: str) -> None:
        if name in found:
            return
        found.add(name)
        shape = MODEL["shapes"][name]
        for part in (*shape.get("members", {}).values(), *(shape[key] for key in ("member", "value") if key in shape)):
            visit(part["shape"])

    for operation in OVERLAY["operations"]:
        for direction in ("input", "output"):
            if direction in MODEL["operations"][operation]:
                visit(MODEL["operations"][operation][direction]["shape"])
    return found


def test_the_overlay_speaks_of_what_the_model_has() -> None:
    assert set(OVERLAY["operations"]) <= set(MODEL["operations"])
    assert set(OVERLAY["shapes"]) <= reachable()


@pytest.mark.parametrize("name", OVERLAY["shapes"])
def test_each_shape_of_the_overlay_names_members_that_there_are(name: str) -> None:
    ours, theirs = OVERLAY["shapes"][name], MODEL["shapes"][name]
    members = set(theirs.get("members", {}))
    left_out = set(ours.get("without", ()))
    assert left_out <= members
    assert set(ours.get("properties", {})) <= members - left_out
    assert set(ours.get("required", ())) <= members - left_out
    assert set(theirs.get("required", ())) <= set(ours.get("required", theirs.get("required", ())))


def test_links_lead_to_operations_that_there_are() -> None:
    for operation in OVERLAY["operations"].values():
        assert set(operation.get("links", {})) <= set(OVERLAY["operations"])


def test_the_adapter_speaks_as_the_model_says() -> None:
    request = aws.Aws("https://kms.example.com", "", PROFILE).request("schedule", {"key_id": KEY, "window": 7})
    metadata = MODEL["metadata"]
    assert request.header("X-Amz-Target") == f"{metadata['targetPrefix']}.ScheduleKeyDeletion"
    assert request.header("Content-Type") == f"application/x-amz-json-{metadata['jsonVersion']}"
    assert (request.method, request.path) == ("POST", MODEL["operations"]["ScheduleKeyDeletion"]["http"]["requestUri"])
    assert json.loads(request.body) == {"KeyId": KEY, "PendingWindowInDays": 7}
    assert metadata["signatureVersion"] == "v4"


def test_every_operation_that_can_be_asked_is_in_the_spec() -> None:
    adapter = aws.Aws("https://kms.example.com", "", PROFILE)
    for name, operation in API.operations.items():
        assert adapter.request(name, {}).header("X-Amz-Target") == f"TrentService.{operation.id}"


def test_a_model_of_the_user_s_own_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = copy.deepcopy(dict(MODEL)) | {"shapes": {}, "operations": {}}
    folder = tmp_path / ".aws" / "models" / "kms" / OVERLAY["version"]
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text(json.dumps(mine))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path / ".aws" / "models"))
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", str(tmp_path / ".aws" / "models"))
    assert Loader().load_service_model("kms", "service-2", OVERLAY["version"])["operations"] == {}
    assert compile_model(OVERLAY) == DOCUMENT


# --- what they compile to ---------------------------------------------------------------------------------------------


def nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
    for child in node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ():
        yield from nodes(child)


def test_the_document_is_openapi() -> None:
    validate(json.loads(json.dumps(API.document)))


def test_compiling_shares_nothing_with_the_overlay() -> None:
    before = copy.deepcopy(OVERLAY)
    for node in list(nodes(compile_model(OVERLAY))):
        node.clear()  # type: ignore[attr-defined]
    assert before == OVERLAY


def test_every_requirement_that_a_schema_names_exists() -> None:
    known = set(Catalogue.load("aws").requirements)
    assert {node["x-requirement"] for node in nodes(DOCUMENT) if "x-requirement" in node} <= known


def test_the_reply_of_every_operation_has_a_requirement() -> None:
    known = set(Catalogue.load("aws").requirements)
    for operation in API.operations.values():
        assert operation.replies[200].requirements <= known, operation.id
        assert operation.replies[400].fallback in known


def test_windows_are_those_of_the_profile() -> None:
    sent = API.document["paths"]["/ScheduleKeyDeletion"]["post"]["requestBody"]["content"]
    window = next(iter(sent.values()))["schema"]["properties"]["PendingWindowInDays"]
    assert (window["type"], window["minimum"], window["maximum"]) == ("integer", 7, 30)
    theirs = MODEL["shapes"]["PendingWindowInDaysType"]
    assert theirs["min"] <= PROFILE.window.minimum <= PROFILE.window.maximum <= theirs["max"]
    assert "between 7 and 30" in MODEL["shapes"]["ScheduleKeyDeletionRequest"]["members"]["PendingWindowInDays"][
        "documentation"
    ].replace("<code>", "")


def codes(operation: str) -> dict[int, set[str]]:
    found = API[operation]
    raw = API.document["paths"][found.path]["post"]["responses"]
    return {int(status): set(reply["x-kms-codes"]) for status, reply in raw.items() if "x-kms-codes" in reply}


@pytest.mark.parametrize("operation", PROFILE.facts["lifecycle"])
def test_refusals_by_state_have_codes_that_the_operation_declares(operation: str) -> None:
    for refusal in PROFILE.facts["lifecycle"][operation].values():
        for answer in PROFILE.refusal(refusal).answers:
            assert answer.code in codes(operation)[answer.status], f"{operation}, {refusal}"


def test_the_first_answer_of_every_refusal_is_documented() -> None:
    common = {int(status): set(names) for status, names in OVERLAY["common_errors"].items()}
    declared = {shape for shape, raw in MODEL["shapes"].items() if raw.get("exception")}
    for name in PROFILE.facts["refusals"]:
        first = PROFILE.refusal(name).answers[0]
        if name != "default_key":
            assert first.code in common.get(first.status, set()) | declared, name


def test_internal_errors_are_500_and_all_others_are_not() -> None:
    assert codes("cancel")[500] == {"KMSInternalException", "DependencyTimeoutException", "InternalFailure"}
    assert {"KMSInvalidStateException", "NotFoundException", "InvalidArnException"} <= codes("cancel")[400]


# --- replies ----------------------------------------------------------------------------------------------------------

METADATA: dict[str, Any] = {
    "AWSAccountId": "111122223333",
    "KeyId": KEY,
    "Arn": ARN,
    "CreationDate": 1499988169.234,
    "Enabled": True,
    "Description": "",
    "KeyUsage": "ENCRYPT_DECRYPT",
    "KeyState": "Enabled",
    "Origin": "AWS_KMS",
    "KeyManager": "CUSTOMER",
    "KeySpec": "SYMMETRIC_DEFAULT",
    "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
    "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
    "MultiRegion": False,
}
PENDING = METADATA | {"KeyState": "PendingDeletion", "Enabled": False, "DeletionDate": 1500592969}
SCHEDULED = {"KeyId": ARN, "DeletionDate": 1500592969.0, "KeyState": "PendingDeletion", "PendingWindowInDays": 7}


def broken(operation: str, value: object, status: int = 200) -> set[str]:
    return {violation.requirement for violation in violations(operation, value, status)}


def violations(operation: str, value: object, status: int = 200) -> tuple[Violation, ...]:
    return API[operation].replies[status].violations(value)


RIGHT: dict[str, tuple[str, object]] = {
    "describe, enabled": ("describe", {"KeyMetadata": METADATA}),
    "describe, pending": ("describe", {"KeyMetadata": PENDING}),
    "describe, pending import": (
        "describe",
        {"KeyMetadata": METADATA | {"KeyState": "PendingImport", "Enabled": False, "Origin": "EXTERNAL"}},
    ),
    "describe, null for absent": (
        "describe",
        {"KeyMetadata": METADATA | {"DeletionDate": None, "ValidTo": None, "ExpirationModel": None}},
    ),
    "describe, newer fields": ("describe", {"KeyMetadata": METADATA | {"CurrentKeyMaterialId": "a" * 64, "New": {}}}),
    "describe, China": ("describe", {"KeyMetadata": METADATA | {"Arn": ARN.replace("aws", "aws-cn")}}),
    "schedule": ("schedule", SCHEDULED),
    "schedule, the window that should have been refused": ("schedule", SCHEDULED | {"PendingWindowInDays": 0}),
    "cancel": ("cancel", {"KeyId": ARN}),
    "enable, empty": ("enable", None),
    "enable, {}": ("enable", {}),
    "list": ("list", {"Keys": [{"KeyId": KEY, "KeyArn": ARN}], "Truncated": False, "NextMarker": None}),
    "tags that a service let through": ("list_tags", {"Tags": [{"TagKey": "日本\x85", "TagValue": ""}]}),
}


@pytest.mark.parametrize(("operation", "value"), RIGHT.values(), ids=RIGHT)
def test_right_replies(operation: str, value: object) -> None:
    assert broken(operation, value) == set()


def without(mapping: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in mapping.items() if name not in names}


WRONG: dict[str, tuple[str, object, set[str]]] = {
    "schedule by id": ("schedule", SCHEDULED | {"KeyId": KEY}, {"schedule.reply.key-id"}),
    "schedule without key": ("schedule", without(SCHEDULED, "KeyId"), {"schedule.reply.key-id"}),
    "schedule, text as date": (
        "schedule",
        SCHEDULED | {"DeletionDate": "2017-07-21T00:00:00Z"},
        {"schedule.reply.date"},
    ),
    "schedule without date": ("schedule", without(SCHEDULED, "DeletionDate"), {"schedule.reply.date"}),
    "schedule, another state": ("schedule", SCHEDULED | {"KeyState": "Enabled"}, {"schedule.reply.key-state"}),
    "schedule without state": ("schedule", without(SCHEDULED, "KeyState"), {"schedule.reply.key-state"}),
    "schedule without window": ("schedule", without(SCHEDULED, "PendingWindowInDays"), {"schedule.reply.window"}),
    "schedule, text as window": ("schedule", SCHEDULED | {"PendingWindowInDays": "7"}, {"schedule.reply.window"}),
    "cancel by id": ("cancel", {"KeyId": KEY}, {"cancel.reply.key-id"}),
    "cancel, nothing": ("cancel", {}, {"cancel.reply.key-id"}),
    "enabled, says no": ("describe", {"KeyMetadata": METADATA | {"Enabled": False}}, {"describe.enabled-agrees"}),
    "pending, says enabled": ("describe", {"KeyMetadata": PENDING | {"Enabled": True}}, {"describe.enabled-agrees"}),
    "pending without date": ("describe", {"KeyMetadata": without(PENDING, "DeletionDate")}, {"describe.date-agrees"}),
    "enabled with a date": ("describe", {"KeyMetadata": METADATA | {"DeletionDate": 1.0}}, {"describe.date-agrees"}),
    "no key spec": ("describe", {"KeyMetadata": without(METADATA, "KeySpec")}, {"describe.fields"}),
    "no ARN": ("describe", {"KeyMetadata": without(METADATA, "Arn")}, {"describe.reply"}),
    "ARN as id": ("describe", {"KeyMetadata": METADATA | {"KeyId": ARN}}, {"describe.reply"}),
    "account as number": ("describe", {"KeyMetadata": METADATA | {"AWSAccountId": 111122223333}}, {"describe.reply"}),
    "a state of its own": ("describe", {"KeyMetadata": METADATA | {"KeyState": "enabled"}}, {"describe.reply"}),
    "flat": ("describe", METADATA, {"describe.reply"}),
    "list of ids": ("list", {"Keys": [KEY]}, {"list.reply"}),
    "encrypt by id": ("encrypt", {"CiphertextBlob": "AAAA", "KeyId": KEY}, {"encrypt.reply"}),
    "encrypt, no Base64": ("encrypt", {"CiphertextBlob": "%%", "KeyId": ARN}, {"encrypt.reply"}),
    "plaintext all the same": (
        "generate_data_key_without_plaintext",
        {"CiphertextBlob": "AAAA", "KeyId": ARN, "Plaintext": "AAAA"},
        {"generate-data-key-without-plaintext.reply"},
    ),
}


@pytest.mark.parametrize(("operation", "value", "requirements"), WRONG.values(), ids=WRONG)
def test_wrong_replies_break_the_narrowest_requirement(operation: str, value: object, requirements: set[str]) -> None:
    found = broken(operation, value)
    assert requirements <= found
    # A state that is wrong as such also disagrees with what depends on it.
    assert found - requirements <= {"describe.enabled-agrees", "describe.date-agrees"} | requirements


def test_a_field_that_depends_on_another_is_told_with_the_other() -> None:
    disabled = METADATA | {"KeyState": "Disabled", "DeletionDate": 1.0}
    assert {
        (each.where, each.expected, each.received) for each in violations("describe", {"KeyMetadata": disabled})
    } == {
        ("KeyMetadata/Enabled", 'false, because KeyState is not "Enabled"', 'true, with KeyState "Disabled"'),
        (
            "KeyMetadata/DeletionDate",
            'null, or no such field, because KeyState is not "PendingDeletion"',
            '1.0, with KeyState "Disabled"',
        ),
    }
    (missing,) = violations("describe", {"KeyMetadata": without(PENDING, "DeletionDate")})
    assert missing.expected == 'a field DeletionDate, because KeyState is "PendingDeletion"'
    assert missing.received == 'none, with KeyState "PendingDeletion"'


@pytest.mark.parametrize(
    "body",
    [
        {"__type": "NotFoundException", "message": "Invalid keyId 'x'"},
        {"__type": "com.amazonaws.kms#NotFoundException", "Message": "x"},
        {"__type": "com.amazon.coral.service#SerializationException"},
        {"__type": "KMSInvalidStateException", "message": None, "more": 1},
    ],
)
def test_errors_as_clients_read_them(body: dict[str, Any]) -> None:
    assert broken("cancel", body, 400) == set()
    error = aws.Aws("https://kms.example.com", "", PROFILE).error(body)
    assert error is not None
    assert error.code == body["__type"].rpartition("#")[2]


@pytest.mark.parametrize("body", [{}, {"code": "NotFoundException"}, {"__type": 400}, {"__type": "a b"}, None, []])
def test_errors_that_no_client_can_read(body: object) -> None:
    assert broken("cancel", body, 400) == {"error.shape"}
