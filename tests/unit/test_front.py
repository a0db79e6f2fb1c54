"""Replies in front of the service are recognised with the next step, and no reply of the service is taken for one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from exchanges import BASE, answered, dialect_of

from kms_conformance.client.answer import Answer
from kms_conformance.client.exchange_rules import ExchangeRules
from kms_conformance.client.front import NotReached, stands_for
from kms_conformance.dialects.base import Dialect

DIALECTS = {name: dialect_of(name) for name in ("huawei", "alibaba", "aws")}
ERRORS: Mapping[str, object] = {
    "huawei": {"error": {"error_code": "KMS.0306", "error_msg": "no"}},
    "alibaba": {"HttpStatus": 403, "Code": "Forbidden.NoPermission", "Message": "no", "RequestId": "r"},
    "aws": {"__type": "AccessDeniedException", "message": "no"},
}
HTML = "text/html"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Blocked</title></head></html>"
each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


def paged(dialect: Dialect, status: int, page: bytes = PAGE) -> Answer:
    return answered(dialect, "cancel", status, page, content_type=HTML)


def redirected(location: str, url: str = f"{BASE}/v1.0/p/kms/list-keys", status: int = 301) -> Answer:
    answer = answered(DIALECTS["huawei"], "list", status, b"", headers={"Location": location})
    return replace(answer, request=replace(answer.request, url=url))


@each_dialect
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (403, "firewall"),
        (406, "firewall"),
        (418, "firewall"),
        (413, "size"),
        (414, "size"),
        (431, "size"),
        (494, "size"),
        (429, "unavailable"),
        (502, "unavailable"),
        (503, "unavailable"),
        (504, "unavailable"),
    ],
)
def test_a_page_of_a_firewall_or_a_proxy_judges_no_requirement(dialect: Dialect, status: int, kind: str) -> None:
    answer = paged(dialect, status)
    assert answer.front is not None
    assert answer.front.kind == kind
    assert str(status) in answer.front.text
    assert answer.front.next_step.endswith(".")
    assert list(ExchangeRules(dialect).judge(answer)) == []


@each_dialect
@pytest.mark.parametrize("status", [200, 201, 204, 400, 401, 404, 405, 409, 500, 501])
def test_a_page_with_another_status_may_be_of_the_service(dialect: Dialect, status: int) -> None:
    assert paged(dialect, status).front is None


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 406, 413, 418, 429, 500, 503])
@pytest.mark.parametrize("content_type", ["application/json", HTML])
def test_a_reply_with_an_error_of_the_dialect_is_of_the_service(name: str, status: int, content_type: str) -> None:
    answer = answered(DIALECTS[name], "cancel", status, ERRORS[name], content_type=content_type)
    assert answer.error is not None
    assert answer.front is None


@pytest.mark.parametrize("body", [b"", b"{}", b"Forbidden", b'{"error": "no"}', b"<a>no</a>"])
def test_a_refusal_without_a_page_is_no_firewall(body: bytes) -> None:
    assert paged(DIALECTS["huawei"], 403, body).front is None


@pytest.mark.parametrize(
    ("name", "status", "body", "recognised"),
    [
        ("huawei", 403, {"message": "Forbidden"}, True),
        ("aws", 403, {"message": "Forbidden"}, True),
        ("alibaba", 403, {"message": "Forbidden", "request_id": "r"}, True),
        ("huawei", 404, {"message": "no Route matched", "request_id": "r"}, True),
        # Without a request id, this may be an error of the service that lacks its code.
        ("aws", 404, {"message": "no such key"}, False),
        ("aws", 400, {"message": "no such key", "request_id": "r"}, False),
        ("huawei", 503, {"message": "down", "request_id": "r"}, True),
        ("huawei", 403, {"message": "no", "request_id": "r", "key_id": "k"}, False),
    ],
)
def test_the_flat_form_of_gateways(name: str, status: int, body: object, recognised: bool) -> None:
    assert (answered(DIALECTS[name], "cancel", status, body).front is not None) == recognised


@pytest.mark.parametrize("prefix", ["APIGW", "APIG"])
def test_codes_of_the_gateway_tell_the_size_and_not_who_may_call(prefix: str) -> None:
    def answer(status: int, number: str) -> Answer:
        body = {"error_code": f"{prefix}.{number}", "error_msg": "no", "request_id": "r"}
        return answered(DIALECTS["huawei"], "cancel", status, body)

    assert [answer(status, "0201").front is not None for status in (413, 414, 494, 502, 504)] == [True] * 5
    assert [answer(401, "0301").front, answer(404, "0101").front, answer(403, "0302").front] == [None] * 3


@pytest.mark.parametrize(
    ("location", "step"),
    [
        ("https://127.0.0.1:1/v1.0/p/kms/list-keys", "Write https://127.0.0.1:1 in place of http://127.0.0.1:1 in"),
        ("https://127.0.0.1/v1.0/p/kms/list-keys/", "Write https://127.0.0.1 in place of http://127.0.0.1:1 in"),
        ("//kms.example.com/v1.0/p/kms/list-keys", "If http://kms.example.com is the address of the API"),
        ("https://login.example.com/?next=/v1.0", "If https://login.example.com is the address of the API"),
        ("/api/v1.0/p/kms/list-keys", "Write the path that the redirect names"),
        ("https://[", "Write the address of the API itself"),
    ],
)
def test_a_redirect_tells_what_to_write_in_base_url(location: str, step: str) -> None:
    front = redirected(location).front
    assert front is not None
    assert front.kind == "redirect"
    assert front.next_step.startswith(step)
    assert "base_url" in front.next_step


def test_a_redirect_is_told_without_its_query() -> None:
    front = redirected("https://login.example.com/in?token=secret#part").front
    assert front is not None
    assert front.text == "it redirects to https://login.example.com/in (301)"


def test_a_document_of_the_service_with_the_status_of_a_redirect_is_a_wrong_status() -> None:
    body = json.dumps({"keys": [], "total": 0}).encode()
    for dialect in DIALECTS.values():
        assert answered(dialect, "list", 302, body, headers={"Location": "http://127.0.0.1:1/"}).front is None
    assert answered(DIALECTS["huawei"], "list", 302, b"").front is None
    assert answered(DIALECTS["huawei"], "list", 304, b"", headers={"Location": "http://127.0.0.1:1/"}).front is None


@pytest.mark.parametrize(
    "words",
    [
        b"<html><h1>400 Bad Request</h1><center>The plain HTTP request was sent to HTTPS port</center></html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
)
def test_plain_http_at_a_port_of_tls_is_told(words: bytes) -> None:
    front = paged(DIALECTS["aws"], 400, words).front
    assert front is not None
    assert "https://" in front.next_step


def test_a_firewall_stands_for_the_service_only_where_the_form_is_refused() -> None:
    blocked = paged(DIALECTS["aws"], 418)
    assert stands_for(blocked, "malformed_key")
    assert not stands_for(paged(DIALECTS["aws"], 400), "malformed_key")
    for refusal in ("unknown_key", "already_pending", "window_out_of_range", "wrong_signature", "not_permitted"):
        with pytest.raises(NotReached, match="418"):
            stands_for(blocked, refusal)
    with pytest.raises(NotReached):
        stands_for(paged(DIALECTS["aws"], 503), "malformed_key")
