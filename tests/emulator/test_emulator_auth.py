from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from emulator_clients import Huawei

from kms_conformance.emulator import Emulator
from kms_conformance.emulator.alibaba import credentials as alibaba_credentials
from kms_conformance.emulator.huawei import credentials

if TYPE_CHECKING:
    from emulator_clients import Alibaba, Said

LIST = b'{"limit": "1"}'


@pytest.mark.parametrize(
    ("token", "refusal"),
    [
        (None, (403, "KMS.0301")),
        ("", (403, "KMS.0301")),
        ("nonsense", (403, "KMS.0302")),
        ("\xff" * 5000, (403, "KMS.0302")),
        (credentials.EXPIRED_TOKEN, (403, "KMS.0303")),
        (credentials.OTHER_PROJECT_TOKEN, (403, "KMS.0321")),
    ],
)
def test_tokens(huawei: Huawei, token: str | None, refusal: tuple[int, str]) -> None:
    key_id = huawei.create()
    assert huawei.call("schedule-key-deletion", key_id=key_id, pending_days="7", token=token).refusal == refusal
    assert huawei.state(key_id) == "2"


def test_a_token_opens_its_own_project_only(huawei: Huawei) -> None:
    target = huawei.target("list-keys", credentials.OTHER_PROJECT_ID)
    said = huawei.send("POST", target, b"{}", {"X-Auth-Token": credentials.TOKEN})
    assert said.refusal == (403, "KMS.0321")


def test_credentials_are_judged_before_everything_else(huawei: Huawei) -> None:
    assert huawei.post("schedule-key-deletion", b"{", token=None).refusal == (403, "KMS.0301")
    assert huawei.call("nothing", token=None).status == 403
    assert huawei.call("list-keys", method="GET", token=None).status == 403


def test_tokens_live_on_real_time(huawei: Huawei) -> None:
    huawei.advance(400 * 86400)
    assert huawei.call("list-keys").status == 200


def password(**changes: object) -> dict[str, Any]:
    domain = {"name": credentials.DOMAIN}
    user = {"name": credentials.USERNAME, "password": credentials.PASSWORD, "domain": domain} | changes
    identity = {"methods": ["password"], "password": {"user": user}}
    return {"auth": {"identity": identity, "scope": {"project": {"name": credentials.REGION, "domain": domain}}}}


def ask(huawei: Huawei, body: object) -> Said:
    return huawei.send("POST", "/v3/auth/tokens", json.dumps(body).encode())


def test_a_token_by_password(huawei: Huawei) -> None:
    said = ask(huawei, password())
    assert said.status == 201
    token = said.body["token"]
    assert token["project"]["id"] == credentials.PROJECT_ID
    (address,) = [entry["endpoints"][0]["url"] for entry in token["catalog"] if entry["type"] == "kms"]
    assert address == f"{huawei.emulator.base_url}/v1.0/{credentials.PROJECT_ID}"
    assert token["expires_at"] > token["issued_at"]
    assert huawei.call("list-keys", token=said.headers["x-subject-token"]).status == 200
    by_id = password(domain={"id": credentials.DOMAIN_ID})
    by_id["auth"]["scope"] = {"project": {"id": credentials.PROJECT_ID}}
    assert ask(huawei, by_id).status == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (password(password="wrong"), 401),
        (password(password=None), 401),
        (password(password="\u00e9"), 401),
        (password(name="nobody"), 401),
        (password(domain="x"), 401),
        ({"auth": {**password()["auth"], "scope": {"project": {"name": "other"}}}}, 401),
        ({"auth": {"identity": password()["auth"]["identity"]}}, 401),
        ({"auth": {"identity": {"methods": ["token"]}}}, 400),
        ({}, 400),
        ([], 400),
        (None, 400),
        ({"auth": {"identity": {"methods": ["password"], "password": {"user": 1}}}}, 400),
    ],
)
def test_no_token(huawei: Huawei, body: object, status: int) -> None:
    said = ask(huawei, body)
    assert (said.status, said.body["error"]["code"]) == (status, status)
    assert "x-subject-token" not in said.headers


def test_other_addresses_of_the_identity_service(huawei: Huawei) -> None:
    assert huawei.send("GET", "/v3").body["version"]["id"] == "v3.14"
    assert huawei.send("GET", "/v3/auth/tokens").headers["allow"] == "POST"
    assert huawei.send("GET", "/v3/users").status == 404
    assert huawei.send("POST", "/v3/auth/tokens", b"{").status == 400
    assert huawei.send("GET", "/v3/projects?name=eu-example").status == 401
    said = huawei.send("GET", "/v3/projects?name=eu-example", headers={"X-Auth-Token": credentials.TOKEN})
    assert [project["id"] for project in said.body["projects"]] == [credentials.PROJECT_ID]
    said = huawei.send("GET", "/v3/projects?name=other", headers={"X-Auth-Token": credentials.TOKEN})
    assert said.body["projects"] == []


def test_huawei_signatures(huawei: Huawei) -> None:
    assert huawei.signed("list-keys", LIST).status == 200
    assert huawei.signed("list-keys", LIST, extra={"x-project-id": credentials.PROJECT_ID}).status == 200
    assert huawei.signed("list-keys", LIST, ago=timedelta(minutes=14)).status == 200
    gateway = (401, "APIGW.0301")
    assert huawei.signed("list-keys", LIST, access_key="NOBODY").refusal == gateway
    assert huawei.signed("list-keys", LIST, secret="wrong").refusal == gateway
    assert huawei.signed("list-keys", LIST, ago=timedelta(minutes=16)).refusal == gateway
    assert huawei.signed("list-keys", LIST, ago=-timedelta(minutes=16)).refusal == gateway
    said = huawei.signed("list-keys", LIST, sent_body=b'{"limit": "2"}')
    assert said.refusal == gateway
    assert said.body["request_id"] == said.headers["x-request-id"]
    wrong_project = (403, "KMS.0321")
    assert huawei.signed("list-keys", LIST, project_id=credentials.OTHER_PROJECT_ID).refusal == wrong_project
    extra = {"x-project-id": credentials.OTHER_PROJECT_ID}
    assert huawei.signed("list-keys", LIST, extra=extra).refusal == wrong_project


def test_other_authorizations_are_none(huawei: Huawei) -> None:
    for value in ("Basic eDp5", "Bearer x", "SDK-HMAC-SM3 Access=x", ""):
        said = huawei.send("POST", huawei.target("list-keys"), b"{}", {"Authorization": value})
        assert said.refusal == (403, "KMS.0301")


def test_huawei_signatures_live_on_real_time(huawei: Huawei) -> None:
    huawei.advance(86400)
    assert huawei.signed("list-keys", LIST).status == 200


def test_alibaba_v1(alibaba: Alibaba) -> None:
    assert alibaba.v1("ListKeys", {}).status == 200
    # No page of the service lists a nonce.
    assert alibaba.v1("ListKeys", {}, without=("SignatureNonce",)).status == 200
    missing = (400, "MissingParameter")
    for name in ("Signature", "AccessKeyId", "Timestamp"):
        assert alibaba.v1("ListKeys", {}, without=(name,)).refusal == missing
    unknown = (404, "InvalidAccessKeyId.NotFound")
    assert alibaba.v1("ListKeys", {}, AccessKeyId="nobody").refusal == unknown
    expired = (400, "InvalidTimeStamp.Expired")
    assert alibaba.v1("ListKeys", {}, ago=timedelta(minutes=16)).refusal == expired
    assert alibaba.v1("ListKeys", {}, ago=-timedelta(minutes=16)).refusal == expired
    assert alibaba.v1("ListKeys", {}, Timestamp="now").refusal == expired
    wrong = (400, "SignatureDoesNotMatch")
    assert alibaba.v1("ListKeys", {}, after={"PageSize": "1"}).refusal == wrong
    assert alibaba.v1("ListKeys", {}, SignatureMethod="HMAC-SHA256").refusal == wrong
    said = alibaba.v1("ListKeys", {}, secret="wrong")
    assert said.refusal == wrong
    # What the vendor's first client for Python takes apart.
    assert said.body["Message"].split(":")[1].startswith("POST&%2F&AccessKeyId%3D")
    nonce = uuid.uuid4().hex
    assert alibaba.v1("ListKeys", {}, SignatureNonce=nonce).status == 200
    assert alibaba.v1("ListKeys", {}, SignatureNonce=nonce).refusal == (400, "SignatureNonceUsed")


def test_alibaba_v3(alibaba: Alibaba) -> None:
    assert alibaba.v3("ListKeys", {}).status == 200
    assert alibaba.v3("ListKeys", {}, extra={"accept": "application/json", "user-agent": "x"}).status == 200
    assert alibaba.v3("ListKeys", {}, access_key="nobody").refusal == (404, "InvalidAccessKeyId.NotFound")
    expired = (400, "InvalidTimeStamp.Expired")
    assert alibaba.v3("ListKeys", {}, ago=timedelta(minutes=16)).refusal == expired
    assert alibaba.v3("ListKeys", {}, ago=-timedelta(minutes=16)).refusal == expired
    wrong = (400, "SignatureDoesNotMatch")
    assert alibaba.v3("ListKeys", {}, secret="wrong").refusal == wrong
    assert alibaba.v3("ListKeys", {"PageSize": 1}, after={"PageSize": 2}).refusal == wrong
    assert alibaba.v3("ListKeys", {"PageSize": 1}, after={"PageSize": 2}, form=True).refusal == wrong
    assert alibaba.v3("ListKeys", {}, unsigned={"x-acs-action": "CreateKey"}).refusal == wrong
    assert alibaba.v3("ListKeys", {}, unsigned={"x-acs-content-sha256": "0" * 64}).refusal == wrong
    missing = (400, "MissingParameter")
    assert alibaba.v3("ListKeys", {}, unsigned={"Authorization": "ACS3-HMAC-SHA256 x"}).refusal == missing
    assert alibaba.v3("ListKeys", {}, unsigned={"Authorization": "Basic x"}).refusal == missing
    nonce = uuid.uuid4().hex
    assert alibaba.v3("ListKeys", {}, nonce=nonce).status == 200
    assert alibaba.v3("ListKeys", {}, nonce=nonce).refusal == (400, "SignatureNonceUsed")


def test_alibaba_temporary_keys(alibaba: Alibaba) -> None:
    token = {"x-acs-security-token": alibaba_credentials.STS_SECURITY_TOKEN}
    sts = {
        "access_key": alibaba_credentials.STS_ACCESS_KEY_ID,
        "secret": alibaba_credentials.STS_ACCESS_KEY_SECRET,
    }
    unknown = (404, "InvalidAccessKeyId.NotFound")
    assert alibaba.v3("ListKeys", {}, extra=token, **sts).status == 200
    assert alibaba.v3("ListKeys", {}, **sts).refusal == unknown
    assert alibaba.v3("ListKeys", {}, extra=token).refusal == unknown
    assert alibaba.v3("ListKeys", {}, unsigned=token, **sts).refusal == (400, "SignatureDoesNotMatch")
    named = {"AccessKeyId": sts["access_key"]}
    shown = {"SecurityToken": alibaba_credentials.STS_SECURITY_TOKEN}
    assert alibaba.v1("ListKeys", {}, secret=sts["secret"], **named, **shown).status == 200
    assert alibaba.v1("ListKeys", {}, secret=sts["secret"], **named).refusal == unknown
    other = alibaba.v1("ListKeys", {}, secret=sts["secret"], **named, SecurityToken="other").refusal
    assert other == (400, "InvalidSecurityToken.Malformed")


def test_alibaba_without_credentials(alibaba: Alibaba) -> None:
    assert alibaba.send("GET", "/?Action=ListKeys&Version=2016-01-20").refusal == (400, "MissingParameter")
    assert alibaba.send("GET", "/").refusal == (400, "MissingParameter")
    assert alibaba.send("PUT", "/nowhere").refusal == (400, "MissingParameter")


def test_alibaba_signatures_live_on_real_time(alibaba: Alibaba) -> None:
    alibaba.advance(86400)
    assert alibaba.v1("ListKeys", {}).status == alibaba.v3("ListKeys", {}).status == 200


def test_huawei_gateway_answers_are_flat() -> None:
    with Emulator("huawei", profile="otc") as emulator:
        client = Huawei(emulator)
        assert set(client.signed("list-keys", LIST, secret="x").body) == {"error_code", "error_msg", "request_id"}
        assert set(client.call("list-keys", token="x").body) == {"error"}
        client.close()
