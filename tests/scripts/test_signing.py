"""The signers of scripts give the signatures of the suite's own signers, which published vectors prove."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from kms_conformance.apps.replay.script import signing
from kms_conformance.auth import Signer
from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.rpc import RpcV1Signer
from kms_conformance.auth.sdk_hmac import SdkHmacSigner
from kms_conformance.auth.sigv4 import SigV4Signer
from kms_conformance.auth.token import TokenSigner
from kms_conformance.wire.messages import Request

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NONCE = "0123456789abcdef" * 2
JSON = (("Content-Type", "application/json"),)
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
REQUESTS = {
    "json": Request("POST", "http://127.0.0.1:8080/v1.0/p/kms/x", JSON, b'{"a": "\xc3\xa9"}'),
    "query": Request("POST", "https://h/?Action=A&KeyId=a%2Fb%20c&Empty=&b=~*&a=1&a=%C3%A9", (), b""),
    "form": Request("POST", "https://h/?Action=A", FORM, b"KeyId=a%2Bb+c&x="),
    "get": Request("GET", "https://h/a%20b/c?x=1"),
    "headers": Request("POST", "https://h/", (*JSON, ("X-Other", " a  b "), ("x_under", "1"), ("x-acs-y", "z")), b"{}"),
}
Way = tuple[Callable[..., signing.Signed], Callable[[str | None], Signer]]
KEY = {"access_key_id": "AKIAID", "access_key_secret": "s3cr/et", "region": "eu-central-1", "project_id": "p"}
WAYS: dict[str, Way] = {
    "aksk": (signing.sign_aksk, lambda token: SdkHmacSigner("AKIAID", "s3cr/et", "p", token, lambda: NOW)),
    "v1": (signing.sign_rpc_v1, lambda token: RpcV1Signer("AKIAID", "s3cr/et", token, lambda: NOW, lambda: NONCE)),
    "v3": (signing.sign_rpc_v3, lambda token: Acs3Signer("AKIAID", "s3cr/et", token, lambda: NOW, lambda: NONCE)),
    "sigv4": (signing.sign_sigv4, lambda token: SigV4Signer("AKIAID", "s3cr/et", "eu-central-1", token, lambda: NOW)),
}


@pytest.mark.parametrize("token", [None, "session-token"])
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
@pytest.mark.parametrize("way", WAYS)
def test_a_signature_is_that_of_the_suite(way: str, request_: Request, token: str | None) -> None:
    sign, signer = WAYS[way]
    if way == "v3":
        # The suite moves the action of a request into headers when it signs; recorded requests have these headers.
        request_ = Request(request_.method, request_.url.replace("Action=A&", ""), request_.headers, request_.body)
        request_ = Request(request_.method, request_.url.replace("?Action=A", ""), request_.headers, request_.body)
    expected = signer(token).sign(request_)
    auth = KEY | ({} if token is None else {"security_token": token})
    url, headers = sign(request_.method, request_.url, list(request_.headers), request_.body, auth, NOW, NONCE)
    assert _signature(url, headers) == _signature(expected.url, list(expected.headers))
    # The order of other headers is free.
    assert sorted(headers) == sorted(expected.headers)


def _signature(url: str, headers: list[tuple[str, str]]) -> str:
    written = f"{url} {dict(headers).get('Authorization', '')}"
    found = re.search(r"Signature=([^&\s]+)", written)
    assert found is not None
    return found[1]


def test_a_token_is_sent_as_it_is() -> None:
    request = REQUESTS["json"]
    url, headers = signing.sign_token(request.method, request.url, list(JSON), b"", {"token": "t" * 20}, NOW, NONCE)
    expected = TokenSigner("t" * 20, "p").sign(request)
    assert (url, headers) == (expected.url, list(expected.headers))
