"""The vendors' published vectors, and what signers must keep to whatever they are given to sign."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kms_conformance.auth import acs3, canonical, sdk_hmac
from kms_conformance.auth.acs3 import Acs3Signer
from kms_conformance.auth.rpc import RpcV1Signer
from kms_conformance.auth.scheme import Signer
from kms_conformance.auth.sdk_hmac import SdkHmacSigner
from kms_conformance.auth.token import TokenSigner
from kms_conformance.wire.messages import Request

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FORM = ("Content-Type", "application/x-www-form-urlencoded")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def sdk(**options: object) -> SdkHmacSigner:
    return SdkHmacSigner("FAKEAK", "FAKESK", now=lambda: NEW_YEAR, **options)


def v1(now: datetime = NEW_YEAR, **options: object) -> RpcV1Signer:
    return RpcV1Signer("testid", "testsecret", now=lambda: now, nonce=lambda: "nonce", **options)


def v3(**options: object) -> Acs3Signer:
    return Acs3Signer("testid", "testsecret", now=lambda: NEW_YEAR, nonce=lambda: "nonce", **options)


def credentials(signer: Signer, request: Request) -> str:
    """What the signature depends on: all of a signed request but the request itself."""
    signed = signer.sign(request)
    return signed.header("Authorization") or dict(parse_qsl(signed.query))["Signature"]


def test_sdk_hmac_gives_the_documented_vector() -> None:
    """Huawei Cloud, "API Request Signing Guide", api-sign-algorithm-003 and -005."""
    signer = SdkHmacSigner(
        "QTWAOYTTINDUT2QVKYUC",
        "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc",
        now=lambda: at("2019-11-15T03:36:55+00:00"),
    )
    url = (
        "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs"
        "?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0"
    )
    signed = signer.sign(Request("GET", url, (("Content-Type", "application/json"),)))
    assert signed.url == url
    assert signed.header("X-Sdk-Date") == "20191115T033655Z"
    canonical, _ = sdk_hmac.canonical_request(signed.without_headers("Authorization"))
    expected = "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a"
    assert hashlib.sha256(canonical.encode()).hexdigest() == expected
    assert signed.header("Authorization") == (
        "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "
        "Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    )


def test_sdk_hmac_signs_a_key_operation_as_the_official_client_does() -> None:
    project = "b168fe00ff56492495a7d22974df2d0b"
    request = Request(
        "POST",
        f"https://kms.example.com/v1.0/{project}/kms/cancel-key-deletion",
        (("Content-Type", "application/json;charset=utf-8"),),
        b'{"key_id": "0d0466b0-e727-4d9c-b35d-f84bb474a37f"}',
    )
    signed = sdk(project_id=project).sign(request)
    assert signed.header("X-Project-Id") == project
    canonical, _ = sdk_hmac.canonical_request(signed)
    expected = "952597ff64ac188712e6faf83ca3627ade905fa265c93009bae831297f4fca31"
    assert hashlib.sha256(canonical.encode()).hexdigest() == expected
    assert signed.header("Authorization") == (
        "SDK-HMAC-SHA256 Access=FAKEAK, SignedHeaders=content-type;host;x-project-id;x-sdk-date, "
        "Signature=82ed919f1b9af30dee837550dc288038d0853b96c6da04ce0ff72360715f41f8"
    )


def test_rpc_v1_gives_the_documented_vector() -> None:
    """Alibaba Cloud, "Signature mechanism" of RPC APIs: DescribeRegions."""
    signer = RpcV1Signer(
        "testid",
        "testsecret",
        now=lambda: at("2016-02-23T12:46:24+00:00"),
        nonce=lambda: "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
    )
    signed = signer.sign(Request("GET", "https://h/?Action=DescribeRegions&Format=XML&Version=2014-05-26"))
    assert dict(parse_qsl(urlsplit(signed.url).query)) == {
        "Action": "DescribeRegions",
        "Format": "XML",
        "Version": "2014-05-26",
        "AccessKeyId": "testid",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
    }
    assert signed.url.endswith("&Signature=OLeaidS1JvxuMvnyHOwuJ%2BuX5qY%3D")


def test_acs3_gives_the_documented_vector() -> None:
    """Alibaba Cloud, "Request syntax and signature method V3": RunInstances."""
    signer = Acs3Signer(
        "YourAccessKeyId",
        "YourAccessKeySecret",
        now=lambda: at("2023-10-26T10:22:32+00:00"),
        nonce=lambda: "3156853299f313e23d1673dc12e1703d",
    )
    own = "ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai"
    url = f"https://ecs.cn-shanghai.aliyuncs.com/?Action=RunInstances&{own}&Version=2014-05-26"
    signed = signer.sign(Request("POST", url))
    assert signed.url == f"https://ecs.cn-shanghai.aliyuncs.com/?{own}"
    canonical, _ = acs3.canonical_request(signed)
    expected = "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259"
    assert hashlib.sha256(canonical.encode()).hexdigest() == expected
    assert signed.header("Authorization") == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_token_stands_in_its_header_once() -> None:
    signed = TokenSigner("tok", "p").sign(Request("GET", "https://h/", (("x-auth-token", "other"), ("A", "b"))))
    assert signed.headers == (("A", "b"), ("X-Auth-Token", "tok"))


SIGNERS = [
    sdk(project_id="p"),
    v1(),
    v3(),
    TokenSigner("t", "p"),
    *(each(security_token="STS") for each in (sdk, v1, v3)),
]


@pytest.mark.parametrize("signer", SIGNERS, ids=lambda each: type(each).__name__)
class TestEverySigner:
    request_of_a_fuzzer = Request(
        "POST",
        "https://h:8443/v1.0/p/a%2fb/%zz?Action=A&x=1&x=%20+&y&=z&&Version=V&u=%FF",
        (("X-A", "1"), FORM, ("x-a", "2"), ("X_B", "3"), ("X-C", "caf\xe9")),
        b"b=1&b=%2B&\xff=\xfe&c",
    )

    def test_signing_twice_is_signing_once(self, signer: Signer) -> None:
        once = signer.sign(self.request_of_a_fuzzer)
        again = signer.sign(once)
        assert (again.url, sorted(again.headers)) == (once.url, sorted(once.headers))

    def test_the_body_and_what_is_not_the_signers_own_stay(self, signer: Signer) -> None:
        signed = signer.sign(self.request_of_a_fuzzer)
        assert (signed.method, signed.body) == ("POST", self.request_of_a_fuzzer.body)
        assert signed.url.startswith("https://h:8443/v1.0/p/a%2fb/%zz?")
        assert "x=1&x=%20+&y&=z&" in signed.url
        assert "u=%FF" in signed.url
        assert set(self.request_of_a_fuzzer.headers) <= set(signed.headers)

    def test_no_repr_shows_a_secret(self, signer: Signer) -> None:
        assert "secret" not in repr(signer)
        assert "FAKESK" not in repr(signer)


@pytest.mark.parametrize("signer", [sdk(), v1(), v3()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a=%20b", "a=+b"),
        ("a=%7E", "a=~"),
        ("a=%2f", "a=/"),
        ("a=%c3%b6", "a=%C3%B6"),
        ("a", "a="),
        ("a=1&b=2", "b=2&a=1"),
        ("a=2&a=1", "a=1&a=2"),
        ("a=1&&b=2", "a=1&b=2&"),
        ("a=%", "a=%25"),
    ],
)
def test_what_a_server_reads_alike_is_signed_alike(signer: Signer, one: str, other: str) -> None:
    first, second = (credentials(signer, Request("POST", f"https://h/?{query}")) for query in (one, other))
    assert first == second


@pytest.mark.parametrize("signer", [sdk(), v1(), v3()], ids=lambda each: type(each).__name__)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a=%2B", "a=+"),
        ("a=1", "a=1&a=1"),
        ("a=", ""),
        ("a=1", "A=1"),
        ("a=%FF", "a=%EF%BF%BD"),
        ("a=1%26b=2", "a=1&b=2"),
        ("a=%2520", "a=%20"),
    ],
)
def test_what_a_server_reads_differently_is_signed_differently(signer: Signer, one: str, other: str) -> None:
    first, second = (credentials(signer, Request("POST", f"https://h/?{query}")) for query in (one, other))
    assert first != second


def test_rpc_v1_signs_a_form_like_a_query() -> None:
    query = credentials(v1(), Request("POST", "https://h/?Action=A&KeyId=a+b%2B&D=&D=1"))
    for content_type in ("application/x-www-form-urlencoded", "Application/X-WWW-Form-Urlencoded; charset=UTF-8"):
        form = Request("POST", "https://h/?Action=A", (("content-type", content_type),), b"D=1&KeyId=a%20b%2b&D=")
        assert credentials(v1(), form) == query
    assert credentials(v1(), Request("POST", "https://h/?Action=A", (), b"KeyId=a")) == credentials(
        v1(), Request("POST", "https://h/?Action=A")
    )


def test_all_is_encoded_in_a_signature_but_what_is_unreserved() -> None:
    assert canonical.parameters([(b"a/", b"-._~ *\xff")]) == "a%2F=-._~%20%2A%FF"


def test_methods_are_signed() -> None:
    for signer in (sdk(), v1(), v3()):
        assert credentials(signer, Request("GET", "https://h/")) != credentials(signer, Request("POST", "https://h/"))


def test_bodies_are_signed() -> None:
    for signer in (sdk(), v3()):
        one, other = (credentials(signer, Request("POST", "https://h/", (), body)) for body in (b"{}", b"{} "))
        assert one != other


def test_the_host_is_signed_as_it_is_sent() -> None:
    for signer in (sdk(), v3()):
        explicit = Request("POST", "https://h:8443/", (("Host", "h:8443"),))
        assert credentials(signer, Request("POST", "https://h:8443/")) == credentials(signer, explicit)
        assert credentials(signer, Request("POST", "https://h/")) == credentials(
            signer, Request("POST", "https://h:443/")
        )
        assert credentials(signer, Request("POST", "https://h/")) != credentials(signer, explicit)
        other = Request("POST", "https://h:8443/", (("Host", "other"),))
        assert credentials(signer, other) != credentials(signer, explicit)


def test_headers_that_two_servers_read_differently_are_not_signed() -> None:
    headers = (
        ("X-Once", " a "),
        ("X-Twice", "1"),
        ("x-twice", "2"),
        ("X-Latin", "\xe9"),
        ("X_Under", "1"),
        ("X-Und_er", "1"),
        ("Accept", "*"),
    )
    signed = sdk().sign(Request("POST", "https://h/", headers)).header("Authorization") or ""
    assert "SignedHeaders=host;x-once;x-sdk-date," in signed


def test_sdk_hmac_signs_the_path_with_a_slash_that_it_does_not_send() -> None:
    one, other = Request("POST", "https://h/a/b"), Request("POST", "https://h/a/b/")
    assert credentials(sdk(), one) == credentials(sdk(), other)
    assert sdk().sign(one).path == "/a/b"
    assert credentials(sdk(), Request("POST", "https://h/a%2Fb")) == credentials(sdk(), one)
    assert credentials(sdk(), Request("POST", "https://h/%61/b")) == credentials(sdk(), one)


def test_temporary_credentials_bring_their_token_and_sign_it() -> None:
    request = Request("POST", "https://h/?Action=A")
    signed = sdk(security_token="STS").sign(request)
    assert signed.header("X-Security-Token") == "STS"
    assert "x-security-token" in (signed.header("Authorization") or "")
    signed = v3(security_token="STS").sign(request)
    assert signed.header("x-acs-security-token") == "STS"
    assert signed.header("x-acs-accesskey-id") == "testid"
    assert "x-acs-accesskey-id" in (signed.header("Authorization") or "")
    assert "x-acs-security-token" in (signed.header("Authorization") or "")
    assert dict(parse_qsl(v1(security_token="S+T=").sign(request).query))["SecurityToken"] == "S+T="


def test_another_s_temporary_token_is_not_sent_with_lasting_credentials() -> None:
    request = Request("POST", "https://h/?Action=A", (("X-Security-Token", "S"), ("x-acs-security-token", "S")))
    assert sdk().sign(request).header("X-Security-Token") is None
    assert v3().sign(request).header("x-acs-security-token") is None


def test_sdk_hmac_keeps_a_project_that_the_request_names_itself() -> None:
    signed = sdk(project_id="own").sign(Request("POST", "https://h/", (("X-Project-Id", "other"),)))
    assert signed.header_values("X-Project-Id") == ("other",)


def test_sdk_hmac_signs_the_digest_that_a_request_gives_of_its_body() -> None:
    header = (("X-Sdk-Content-Sha256", "UNSIGNED-PAYLOAD"),)
    one, other = (credentials(sdk(), Request("POST", "https://h/", header, body)) for body in (b"1", b"2"))
    assert one == other


def test_a_clock_of_any_zone_gives_universal_time() -> None:
    local = NEW_YEAR.astimezone(timezone(timedelta(hours=8)))
    assert v1(now=local).sign(Request("GET", "https://h/")) == v1().sign(Request("GET", "https://h/"))


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="a process's own zone can be set on POSIX alone")
def test_the_zone_of_the_machine_makes_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request("GET", "https://h/?Action=A&Version=V")
    elsewhere = [signer.sign(request) for signer in (sdk(), v1(), v3())]
    monkeypatch.setenv("TZ", "XYZ-8")
    time.tzset()
    try:
        assert [signer.sign(request) for signer in (sdk(), v1(), v3())] == elsewhere
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize(
    ("url", "sent", "action"),
    [
        ("https://h/?Action=ListKeys&a=1&Version=2016-01-20", "https://h/?a=1", "ListKeys"),
        ("https://h/?Version=2016-01-20&%41ction=ListKeys", "https://h/", "ListKeys"),
        ("https://h/?Action=A&Action=B&Version=2016-01-20", "https://h/?Action=B", "A"),
        ("https://h/?Action=%C3%B6&Version=2016-01-20", "https://h/?Action=%C3%B6", None),
        ("https://h/?Version=2016-01-20&a=1", "https://h/?a=1", None),
        ("https://h?Version=2016-01-20", "https://h/", None),
        # What a header can carry: all of ASCII that is seen.
        ("https://h/?Action=%21A%7E&Version=2016-01-20", "https://h/", "!A~"),
        ("https://h/?Action=%20A&Version=2016-01-20", "https://h/?Action=%20A", None),
        ("https://h/?Action=A%7F&Version=2016-01-20", "https://h/?Action=A%7F", None),
    ],
)
def test_acs3_moves_action_and_version_into_headers(url: str, sent: str, action: str | None) -> None:
    signed = v3().sign(Request("POST", url))
    assert signed.url == sent
    assert signed.header("x-acs-action") == action
    assert signed.header("x-acs-version") == "2016-01-20"


@pytest.mark.parametrize("url", ["https://h/?a=1&&b", "https://h/?", "https://h/a%2fb"])
def test_acs3_leaves_a_url_alone_from_which_nothing_moves(url: str) -> None:
    assert v3().sign(Request("POST", url)).url == url


def test_acs3_signs_the_content_type() -> None:
    signed = v3().sign(Request("POST", "https://h/", (FORM,)))
    assert "SignedHeaders=content-type;host;x-acs-" in (signed.header("Authorization") or "")


def test_acs3_reads_the_action_of_a_form_and_leaves_the_form_alone() -> None:
    signed = v3().sign(Request("POST", "https://h/?Version=V", (FORM,), b"Action=ListKeys&a=b"))
    assert signed.header("x-acs-action") == "ListKeys"
    assert signed.body == b"Action=ListKeys&a=b"


def test_nonces_and_times_are_fresh_and_real() -> None:
    request = Request("GET", "https://h/?Action=A")
    for signer in (RpcV1Signer("a", "b"), Acs3Signer("a", "b")):
        first, second = signer.sign(request), signer.sign(request)
        assert first != second
        date = first.header("x-acs-date") or dict(parse_qsl(first.query))["Timestamp"]
        assert abs(datetime.fromisoformat(date) - datetime.now(UTC)) < timedelta(minutes=1)


@settings(max_examples=100, deadline=None, database=None)
@given(
    st.text(alphabet="ab%2/?&=+~.;:@", max_size=20),
    st.text(alphabet="ab%2F=&+~;Action", max_size=30),
    st.binary(max_size=30),
    st.sampled_from(["GET", "POST", "QUERY"]),
)
def test_whatever_a_fuzzer_makes_is_signed(path: str, query: str, body: bytes, method: str) -> None:
    request = Request(method, f"https://h/{path}?{query}", (FORM,), body)
    for signer in (sdk(), v1(), v3()):
        signed = signer.sign(request)
        assert signed.body == body
        assert signer.sign(signed).url == signed.url
