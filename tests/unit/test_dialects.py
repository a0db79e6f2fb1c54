"""Adapters: abstract operations to wire, and hostile replies to views without a crash."""

from __future__ import annotations

import json

import pytest

from kms_conformance.catalogue.api import Api
from kms_conformance.catalogue.profile import Profile
from kms_conformance.dialects import adapter
from kms_conformance.dialects.alibaba import typed
from kms_conformance.dialects.base import Dialect, Raw
from kms_conformance.wire.messages import Reply, Request

BASE = "http://127.0.0.1:1"


@pytest.fixture
def huawei() -> Dialect:
    return adapter(Profile.load("huawei"), BASE, "project")


@pytest.fixture
def alibaba() -> Dialect:
    return adapter(Profile.load("alibaba"), BASE, "")


def test_huawei_writes_the_window_as_a_string_and_raw_values_as_they_are(huawei: Dialect) -> None:
    request = huawei.request("schedule", {"key_id": "k", "window": 7})
    assert request.url == f"{BASE}/v1.0/project/kms/schedule-key-deletion"
    assert json.loads(request.body) == {"key_id": "k", "pending_days": "7"}
    assert json.loads(huawei.request("schedule", {"window": Raw(7)}).body) == {"pending_days": 7}


def test_alibaba_writes_everything_into_the_query(alibaba: Dialect) -> None:
    request = alibaba.request("schedule", {"key_id": "a b*~", "window": 7})
    expected = "Action=ScheduleKeyDeletion&Version=2016-01-20&Format=JSON&KeyId=a%20b%2A~&PendingWindowInDays=7"
    assert (request.method, request.query, request.body) == ("POST", expected, b"")


def test_alibaba_form_moves_parameters_and_leaves_the_action(alibaba: Dialect) -> None:
    form = alibaba.protocol_cases["form"].change(alibaba.request("describe", {"key_id": "k"}))
    assert (form.query, form.body) == ("Action=DescribeKey&Version=2016-01-20&Format=JSON", b"KeyId=k")


def test_generated_request_gets_its_action(alibaba: Dialect) -> None:
    generated = Request("POST", f"{BASE}/ScheduleKeyDeletion?KeyId=%2B&KeyId=")
    sent = alibaba.from_fuzzer("ScheduleKeyDeletion", generated)
    assert sent.url == f"{BASE}/?Action=ScheduleKeyDeletion&Version=2016-01-20&KeyId=%2B&KeyId="


@pytest.mark.parametrize("dialect", ["huawei", "alibaba"])
@pytest.mark.parametrize(
    "value", [None, [], "", 7, {}, {"key_info": []}, {"KeyMetadata": "x"}, {"Keys": {"Key": 1}}, {"error": "x"}]
)
def test_no_reply_breaks_an_adapter(dialect: str, value: object) -> None:
    found = adapter(Profile.load(dialect), BASE, "")
    view = found.key(value)
    assert (view.id, view.deletion_at, view.state.startswith("unknown")) == (None, None, True)
    assert (found.created_id(value), found.page(value).ids, found.page(value).cursor) == (None, (), None)
    assert found.error(value) is None or value == {"error": "x"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"error_code": "KMS.1501", "error_msg": "m"}}, "KMS.1501"),
        ({"error_code": "APIGW.0301", "error_msg": "m", "request_id": "r"}, "APIGW.0301"),
        ({"error": {"code": 401, "message": "m", "title": "t"}}, "401"),
        ({"key_id": "k", "key_state": "3"}, None),
    ],
)
def test_huawei_errors_are_found_in_all_three_forms(huawei: Dialect, body: object, code: str | None) -> None:
    error = huawei.error(body)
    assert (None if error is None else error.code) == code


def test_xml_is_read_by_the_types_of_the_schema(alibaba: Dialect) -> None:
    spec = Api.load(Profile.load("alibaba"))["list"].replies[200]
    body = b"<KMS><TotalCount>1</TotalCount><PageNumber>1</PageNumber><PageSize>10</PageSize><RequestId>r</RequestId>"
    body += b"<Keys><Key><KeyId>k</KeyId><KeyArn>a</KeyArn></Key></Keys></KMS>"
    decoded = alibaba.decode(Reply(200, "OK", (("Content-Type", "text/xml"),), body, 0.0), spec)
    assert decoded.problems == ()
    assert spec.violations(decoded.value) == ()
    assert alibaba.page(decoded.value).ids == ("k",)


def test_unknown_xml_root_is_a_problem(alibaba: Dialect) -> None:
    spec = Api.load(Profile.load("alibaba"))["schedule"].replies[200]
    reply = Reply(200, "OK", (("Content-Type", "text/xml"),), b"<Other><RequestId>r</RequestId></Other>", 0.0)
    assert any("root" in problem for problem in alibaba.decode(reply, spec).problems)


def test_text_that_is_no_number_stays_text() -> None:
    assert typed({"a": "x"}, {"type": "object", "properties": {"a": {"type": "integer"}}}) == {"a": "x"}
