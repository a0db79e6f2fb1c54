"""Each verifier against the vendors' published examples, exactly and with one thing changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.emulator import Inbound
from kms_conformance.emulator.alibaba import authenticate as alibaba
from kms_conformance.emulator.alibaba.authenticate import Nonces
from kms_conformance.emulator.alibaba.parameters import of_query
from kms_conformance.emulator.huawei import authenticate as huawei
from kms_conformance.emulator.seed_data import AccessKey

# Huawei, "API signing", algorithm pages 003 and 005.
HUAWEI_KEYS = {"QTWAOYTTINDUT2QVKYUC": "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"}
HUAWEI = Inbound(
    number=1,
    method="GET",
    target="/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0",
    headers=(
        ("Content-Type", "application/json"),
        ("Host", "service.region.example.com"),
        ("X-Sdk-Date", "20191115T033655Z"),
        (
            "Authorization",
            (
                "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "
                "Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
            ),
        ),
    ),
    body=b"",
)
HUAWEI_NOW = datetime(2019, 11, 15, 3, 36, 55, tzinfo=UTC)

# A request of the service at hand, signed by the vendor's own client.
KMS_KEYS = {"FAKEAK": "FAKESK"}
KMS = Inbound(
    number=1,
    method="POST",
    target="/v1.0/b168fe00ff56492495a7d22974df2d0b/kms/cancel-key-deletion",
    headers=(
        ("content-type", "application/json;charset=utf-8"),
        ("host", "kms.example.com"),
        ("x-project-id", "b168fe00ff56492495a7d22974df2d0b"),
        ("x-sdk-date", "20260101T000000Z"),
        (
            "Authorization",
            (
                "SDK-HMAC-SHA256 Access=FAKEAK, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
                "Signature=82ed919f1b9af30dee837550dc288038d0853b96c6da04ce0ff72360715f41f8"
            ),
        ),
    ),
    body=b'{"key_id": "0d0466b0-e727-4d9c-b35d-f84bb474a37f"}',
)
KMS_NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Alibaba, "Request syntax and signature method V3", the RunInstances example.
V3_KEYS = {"YourAccessKeyId": AccessKey("YourAccessKeySecret")}
V3 = Inbound(
    number=1,
    method="POST",
    target="/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai",
    headers=(
        ("host", "ecs.cn-shanghai.aliyuncs.com"),
        ("x-acs-action", "RunInstances"),
        ("x-acs-version", "2014-05-26"),
        ("x-acs-date", "2023-10-26T10:22:32Z"),
        ("x-acs-signature-nonce", "3156853299f313e23d1673dc12e1703d"),
        ("x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            "Authorization",
            (
                "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
                "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
                "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
            ),
        ),
    ),
    body=b"",
)
V3_NOW = datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC)

# Alibaba, "Request signatures" of RPC services, the DescribeRegions example.
V1_KEYS = {"testid": AccessKey("testsecret")}
V1 = (
    "AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0"
    "&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26"
    "&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D"
)
V1_NOW = datetime(2016, 2, 23, 12, 46, 24, tzinfo=UTC)

SKEW = timedelta(minutes=15)
SECOND = timedelta(seconds=1)


def with_header(inbound: Inbound, name: str, value: str | None) -> Inbound:
    """The same request with a header replaced, or (None) without it."""
    others = tuple((n, v) for n, v in inbound.headers if n.lower() != name)
    return replace(inbound, headers=others if value is None else (*others, (name, value)))


@pytest.mark.parametrize(("inbound", "keys", "now"), [(HUAWEI, HUAWEI_KEYS, HUAWEI_NOW), (KMS, KMS_KEYS, KMS_NOW)])
def test_huawei_published(inbound: Inbound, keys: dict[str, str], now: datetime) -> None:
    assert huawei.signature_problem(inbound, keys, now) is None
    assert huawei.signature_problem(inbound, keys, now + SKEW) is None
    assert huawei.signature_problem(inbound, keys, now - SKEW) is None
    assert huawei.signature_problem(inbound, keys, now + SKEW + SECOND) == "stale_signature"
    assert huawei.signature_problem(inbound, keys, now - SKEW - SECOND) == "stale_signature"
    assert huawei.signature_problem(inbound, {}, now) == "unknown_access_key"
    assert huawei.signature_problem(inbound, dict.fromkeys(keys, "other"), now) == "wrong_signature"
    changed = (
        replace(inbound, method="PUT"),
        replace(inbound, target=inbound.target.replace("v1", "v2")),
        replace(inbound, target=inbound.target + "&x=1" if "?" in inbound.target else inbound.target + "?x=1"),
        replace(inbound, body=inbound.body + b" "),
        with_header(inbound, "host", "elsewhere.example.com"),
        with_header(inbound, "host", None),
        with_header(inbound, "content-type", "text/plain"),
        with_header(inbound, "x-sdk-date", (now + SECOND).strftime("%Y%m%dT%H%M%SZ")),
        with_header(inbound, "x-sdk-date", "now"),
        with_header(inbound, "x-sdk-date", None),
        replace(inbound, headers=(*inbound.headers, ("Host", "twice.example.com"))),
    )
    for request in changed:
        assert huawei.signature_problem(request, keys, now) == "wrong_signature"


def test_huawei_unsigned_things_may_differ() -> None:
    for request in (
        with_header(KMS, "accept", "*/*"),
        with_header(KMS, "host", "  kms.example.com "),
        replace(KMS, target="http://kms.example.com" + KMS.target),
        replace(KMS, target=KMS.target.replace("kms/", "k%6ds/")),
    ):
        assert huawei.signature_problem(request, KMS_KEYS, KMS_NOW) is None


def test_huawei_authorization_of_another_form() -> None:
    authorization = KMS.header("authorization") or ""
    for other in (
        "",
        "SDK-HMAC-SHA256",
        authorization[:-1],
        authorization + "0",
        authorization.replace("Access", "Xs"),
    ):
        assert (
            huawei.signature_problem(with_header(KMS, "authorization", other), KMS_KEYS, KMS_NOW) == "wrong_signature"
        )
    # The date is not among the signed headers.
    without = authorization.replace(";x-sdk-date", "")
    assert huawei.signature_problem(with_header(KMS, "authorization", without), KMS_KEYS, KMS_NOW) == "wrong_signature"


def signed_with_payload(declared: str, content_type: str) -> Inbound:
    request = with_header(with_header(KMS, "x-sdk-content-sha256", declared), "content-type", content_type)
    names = ["content-type", "host", "x-sdk-content-sha256", "x-sdk-date"]
    signature = huawei.sign(huawei.canonical_request(request, names, declared), KMS_NOW, "FAKESK")
    value = f"SDK-HMAC-SHA256 Access=FAKEAK, SignedHeaders={';'.join(names)}, Signature={signature}"
    return with_header(request, "authorization", value)


def test_huawei_only_other_bodies_than_json_may_go_unsigned() -> None:
    unsigned = "UNSIGNED-PAYLOAD"
    assert huawei.signature_problem(signed_with_payload(unsigned, "text/plain"), KMS_KEYS, KMS_NOW) is None
    assert (
        huawei.signature_problem(signed_with_payload(unsigned, "application/json"), KMS_KEYS, KMS_NOW)
        == "wrong_signature"
    )
    assert (
        huawei.signature_problem(signed_with_payload("0" * 64, "application/json"), KMS_KEYS, KMS_NOW)
        == "wrong_signature"
    )


def v3_problem(inbound: Inbound, now: datetime = V3_NOW, keys: dict[str, AccessKey] = V3_KEYS) -> str | None:
    return alibaba.problem_v3(inbound, keys, Nonces(), now)


def test_alibaba_v3_published() -> None:
    assert v3_problem(V3) is None
    assert v3_problem(V3, V3_NOW + SKEW) is None
    assert v3_problem(V3, V3_NOW + SKEW + SECOND) == "stale_signature"
    assert v3_problem(V3, V3_NOW - SKEW - SECOND) == "stale_signature"
    assert v3_problem(V3, keys={}) == "unknown_access_key"
    assert v3_problem(V3, keys={"YourAccessKeyId": AccessKey("other")}) == "wrong_signature"
    assert v3_problem(V3, keys={"YourAccessKeyId": AccessKey("YourAccessKeySecret", "token")}) == "unknown_access_key"
    assert v3_problem(with_header(V3, "x-acs-date", "yesterday")) == "stale_signature"
    for missing in ("x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256"):
        assert v3_problem(with_header(V3, missing, None)) == "missing_parameter"
    changed = (
        replace(V3, method="GET"),
        replace(V3, target=V3.target + "x"),
        replace(V3, target=V3.target + "&x="),
        replace(V3, body=b"x"),
        with_header(V3, "x-acs-content-sha256", "0" * 64),
        with_header(V3, "host", "elsewhere.example.com"),
        with_header(V3, "x-acs-action", "StopInstances"),
        with_header(V3, "x-acs-version", None),
        with_header(V3, "x-acs-date", "2023-10-26T10:22:33Z"),
        with_header(V3, "x-acs-signature-nonce", "other"),
    )
    for request in changed:
        assert v3_problem(request) == "wrong_signature"
    assert v3_problem(with_header(V3, "authorization", "ACS3-HMAC-SHA256 nonsense")) == "no_credentials"


def test_alibaba_v3_wants_its_own_headers_signed() -> None:
    names = ["host", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"]
    signature = alibaba.sign_v3(
        alibaba.canonical_request(V3, names, V3.header("x-acs-content-sha256") or ""), "YourAccessKeySecret"
    )
    value = f"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={';'.join(names)},Signature={signature}"
    assert v3_problem(with_header(V3, "authorization", value)) == "wrong_signature"


def test_alibaba_v3_order_and_pluses_do_not_matter() -> None:
    path, _, query = V3.target.partition("?")
    first, second = query.split("&")
    assert v3_problem(replace(V3, target=f"{path}?{second}&{first}")) is None
    names = ["host", *sorted(name for name, _ in V3.headers if name.startswith("x-acs"))]
    spaced = replace(V3, target="/?a=b%20c")
    signature = alibaba.sign_v3(
        alibaba.canonical_request(spaced, names, V3.header("x-acs-content-sha256") or ""), "YourAccessKeySecret"
    )
    value = f"ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders={';'.join(names)},Signature={signature}"
    assert v3_problem(with_header(replace(V3, target="/?a=b+c"), "authorization", value)) is None


def v1_problem(
    query: str, now: datetime = V1_NOW, keys: dict[str, AccessKey] = V1_KEYS, method: str = "GET"
) -> str | None:
    sent = of_query(Inbound(1, method, f"/?{query}", (), b""))
    found = alibaba.problem_v1(method, sent, keys, Nonces(), now)
    return found.refusal if found else None


def test_alibaba_v1_published() -> None:
    assert v1_problem(V1) is None
    assert v1_problem("&".join(reversed(V1.split("&")))) is None
    assert v1_problem(V1, V1_NOW + SKEW) is None
    assert v1_problem(V1, V1_NOW + SKEW + SECOND) == "stale_signature"
    assert v1_problem(V1, V1_NOW - SKEW - SECOND) == "stale_signature"
    assert v1_problem(V1, keys={}) == "unknown_access_key"
    assert v1_problem(V1, keys={"testid": AccessKey("other")}) == "wrong_signature"
    assert v1_problem(V1, keys={"testid": AccessKey("testsecret", "token")}) == "unknown_access_key"
    assert v1_problem(V1, method="POST") == "wrong_signature"
    assert v1_problem(V1.replace("Timestamp", "Stamp")) == "missing_parameter"
    assert v1_problem(V1.replace("2016-02-23T", "2016-02-23%20")) == "stale_signature"
    assert v1_problem(V1.replace("&Signature=", "&Other=")) == "no_credentials"
    assert v1_problem(V1.replace("AccessKeyId=testid", "AccessKeyId=")) == "no_credentials"
    for changed in (V1 + "&x=", V1.replace("XML", "JSON"), V1.replace("qY%3D", "qZ%3D"), V1.replace("%2B", "+")):
        assert v1_problem(changed) == "wrong_signature"
    for changed in (V1.replace("HMAC-SHA1", "HMAC-SHA256"), V1.replace("SignatureVersion=1.0", "SignatureVersion=2.0")):
        assert v1_problem(changed) == "wrong_signature"


def test_a_nonce_counts_once_for_each_access_key() -> None:
    nonces = Nonces()
    assert [nonces.seen("a", "n", V1_NOW), nonces.seen("b", "n", V1_NOW), nonces.seen("a", "n", V1_NOW)] == [
        False,
        False,
        True,
    ]


def test_nonces_are_forgotten_when_no_signature_with_them_is_fresh() -> None:
    nonces = Nonces()
    for number in range(2500):
        nonces.seen("a", str(number), V1_NOW)
    later = V1_NOW + timedelta(hours=1)
    for number in range(2500, 3500):
        nonces.seen("a", str(number), later)
    assert not nonces.seen("a", "0", later)
    assert nonces.seen("a", "3400", later)
