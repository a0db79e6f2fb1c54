from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast
from urllib.parse import parse_qsl

import pytest

from kms_conformance.auth import (
    AccessKeyAuth,
    PasswordAuth,
    RpcAuth,
    Sabotage,
    SignerFactory,
    SigV4Auth,
    TokenAuth,
    project_of,
    sabotages,
    signer_for,
)
from kms_conformance.auth.sabotage import Changed, without_credentials
from kms_conformance.auth.scheme import Signer, utc_now
from kms_conformance.core import specs
from kms_conformance.target.auth import Auth
from kms_conformance.target.model import Limits, Target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

PROJECT = "0123456789abcdef0123456789abcdef"
TOKEN = TokenAuth("good-token", PROJECT, "old-token")
KEY = AccessKeyAuth("AK0123456789", "secret-key", PROJECT, "STS")
RPC = RpcAuth("LTAI0123456789", "secret-key", "STS", "v1")
SIGV4 = SigV4Auth("AKIA0123456789", "secret-key", "eu-central-1", "STS")
REST = Request(
    "POST",
    f"https://h/v1.0/{PROJECT}/kms/describe-key",
    (("Content-Type", "application/json"),),
    b'{"key_id": "k"}',
)
CALL = Request("POST", "https://h/?Action=DescribeKey&Version=2016-01-20&Format=JSON&KeyId=k")


def factory() -> SignerFactory:
    return SignerFactory(Session(Limits(), ["https://h"]))


def of(auth: Auth, dialect: str = "huawei") -> dict[str, Sabotage]:
    found = sabotages(Target("t", dialect, "https://h", auth), factory())
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


def good(auth: Auth, request: Request) -> Request:
    return factory()(auth).sign(request)


@pytest.mark.parametrize(
    ("auth", "dialect"),
    [(TOKEN, "huawei"), (KEY, "huawei"), (RPC, "alibaba"), (replace(RPC, signature="v3"), "alibaba")],
)
def test_every_sabotage_has_a_documented_refusal(auth: Auth, dialect: str) -> None:
    refusals = specs.facts(dialect)["refusals"]
    for sabotage in of(auth, dialect).values():
        assert all(refusals[name]["answers"] for name in sabotage.refusal.split(" or "))


@pytest.mark.parametrize(
    ("auth", "dialect"),
    [(TOKEN, "huawei"), (KEY, "huawei"), (RPC, "alibaba"), (SIGV4, "aws")],
)
def test_every_sabotage_says_what_is_wrong(auth: Auth, dialect: str) -> None:
    told = {name: each.wrong for name, each in of(auth, dialect).items()}
    assert all(sentence.endswith(".") for sentence in told.values()), told
    assert len({*told.values()}) == len(told)


def test_tokens_are_left_out_wrong_old_and_for_another_project() -> None:
    found = of(TOKEN)
    assert [(name, each.refusal) for name, each in found.items()] == [
        ("missing", "no_credentials"),
        ("garbage", "bad_token"),
        ("expired", "expired_token"),
        ("other_project", "wrong_project"),
        ("altered_token_longer", "bad_token"),
        ("altered_token_half", "bad_token"),
        ("altered_token_case", "bad_token"),
    ]
    assert found["missing"].signer.sign(good(TOKEN, REST)) == REST
    garbage = found["garbage"].signer.sign(REST)
    assert garbage.header("X-Auth-Token") not in (None, "", "good-token", "old-token")
    assert garbage.without_headers("X-Auth-Token") == REST
    assert found["expired"].signer.sign(REST) == REST.with_header("X-Auth-Token", "old-token")
    other = found["other_project"].signer.sign(REST)
    project = other.path.split("/")[2]
    assert other.url == REST.url.replace(PROJECT, project)
    assert project != PROJECT
    assert len(project) == 32
    assert int(project, 16) >= 0
    assert other.header("X-Auth-Token") == "good-token"


def test_another_project_is_asked_for_wherever_the_path_names_it_and_with_the_same_query() -> None:
    signer = of(TOKEN)["other_project"].signer
    twice = signer.sign(replace(REST, url=f"https://h/v1.0/{PROJECT}/x/{PROJECT}?limit=1&marker={PROJECT}"))
    assert PROJECT not in twice.path
    assert twice.query == f"limit=1&marker={PROJECT}"
    assert signer.sign(replace(REST, url=f"{REST.url}?")).url.endswith("/kms/describe-key?")
    assert not signer.sign(REST).url.endswith("?")


def test_only_tokens_of_the_target_s_project_are_sabotaged() -> None:
    for name in ("garbage", "expired"):
        assert project_of(of(TOKEN)[name].signer) == PROJECT


def test_without_an_expired_token_there_is_no_such_sabotage() -> None:
    assert "expired" not in of(replace(TOKEN, expired_token=None))


def test_a_request_that_names_no_project_cannot_name_another() -> None:
    with pytest.raises(ValueError, match=r"^the request's path contains no project id$"):
        of(TOKEN)["other_project"].signer.sign(replace(REST, url="https://h/"))


def test_passwords_have_the_sabotages_of_tokens_and_need_no_token_for_most() -> None:
    found = of(PasswordAuth("u", "p", "d", "p", "https://iam", "old-token"))
    altered = [f"altered_token_{name}" for name in ("longer", "half", "case")]
    assert list(found) == ["missing", "garbage", "expired", "other_project", *altered]
    for name in ("missing", "garbage", "expired"):
        found[name].signer.sign(REST)


def authorization(request: Request) -> str:
    return request.header("Authorization") or ""


def test_access_keys_are_left_out_unknown_wrong_and_old() -> None:
    found = of(KEY)
    assert {(name, each.refusal) for name, each in found.items()} == {
        ("missing", "no_credentials"),
        ("unknown_access_key", "unknown_access_key"),
        ("wrong_secret", "wrong_signature"),
        ("stale", "stale_signature"),
        ("early", "stale_signature"),
        ("tampered_method", "wrong_signature"),
        ("tampered_signature", "wrong_signature"),
        ("tampered_body", "wrong_signature"),
        ("tampered_query", "wrong_signature"),
        ("tampered_operation", "wrong_signature"),
    }
    missing = found["missing"].signer.sign(REST)
    assert {name for name, _ in missing.headers} == {"Content-Type", "X-Project-Id", "X-Sdk-Date"}
    assert missing.body == REST.body
    assert "Access=AK0123456789," not in authorization(found["unknown_access_key"].signer.sign(REST))
    assert "Access=AK0123456789," in authorization(found["wrong_secret"].signer.sign(REST))
    date = found["stale"].signer.sign(REST).header("X-Sdk-Date") or ""
    age = datetime.now(UTC) - datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert timedelta(minutes=19) < age < timedelta(minutes=21)
    date = found["early"].signer.sign(REST).header("X-Sdk-Date") or ""
    ahead = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) - datetime.now(UTC)
    assert timedelta(minutes=39) < ahead < timedelta(minutes=41)


def test_an_altered_token_is_never_the_token() -> None:
    found = of(TOKEN)
    sent = [
        found[f"altered_token_{name}"].signer.sign(REST).header("X-Auth-Token") for name in ("longer", "half", "case")
    ]
    assert sent == ["good-token00000000", "good-", "GOOD-TOKEN"]
    digits = of(replace(TOKEN, token="1234567890"))["altered_token_case"].signer.sign(REST)
    assert digits.header("X-Auth-Token") == "0987654321"


@pytest.mark.parametrize(
    ("auth", "dialect", "request_"),
    [(KEY, "huawei", REST), (RPC, "alibaba", CALL), (replace(RPC, signature="v3"), "alibaba", CALL)],
)
@pytest.mark.parametrize("name", ["tampered_method", "tampered_operation"])
def test_a_signature_of_another_request_is_sent_with_the_one_that_was_meant(
    auth: Auth, dialect: str, request_: Request, name: str
) -> None:
    right, sent = good(auth, request_), of(auth, dialect)[name].signer.sign(request_)
    assert (sent.method, sent.path, sent.body) == (right.method, right.path, right.body)
    assert sent.header("x-acs-action") == right.header("x-acs-action")
    assert dict(parse_qsl(sent.query)).get("Action") == dict(parse_qsl(right.query)).get("Action")


def test_a_temporary_key_comes_without_its_token_or_with_another() -> None:
    found = of(replace(RPC, signature="v3"), "alibaba")
    assert found["unknown_access_key_token_absent"].signer.sign(CALL).header("x-acs-security-token") is None
    other = found["unknown_access_key_token_wrong"].signer.sign(CALL).header("x-acs-security-token")
    assert other not in (None, "", "STS")
    assert "unknown_access_key_token_absent" not in of(replace(RPC, security_token=None), "alibaba")


@pytest.mark.parametrize("name", ["unknown_access_key", "wrong_secret", "stale"])
def test_only_one_thing_is_wrong(name: str) -> None:
    signed = of(KEY)[name].signer.sign(REST)
    assert (signed.method, signed.url, signed.body) == (REST.method, REST.url, REST.body)
    assert {known.lower() for known, _ in signed.headers} == {known.lower() for known, _ in good(KEY, REST).headers}


def test_a_wrong_signature_really_is_wrong() -> None:
    class Frozen(SignerFactory):
        def __call__(self, auth: Auth, **options: object) -> object:
            options.setdefault("now", lambda: datetime(2026, 1, 1, tzinfo=UTC))
            options.setdefault("nonce", lambda: "n")
            return super().__call__(auth, **options)

    frozen = Frozen(Session(Limits(), ["https://h"]))
    for auth, request in ((KEY, REST), (RPC, CALL), (replace(RPC, signature="v3"), CALL)):
        right = cast("Request", frozen(auth).sign(request))
        for sabotage in sabotages(Target("t", "huawei", "https://h", auth), frozen):
            if sabotage.name in ("unknown_access_key", "wrong_secret", "stale"):
                assert sabotage.signer.sign(request) != right


def test_a_tampered_body_means_the_same() -> None:
    tampered = of(KEY)["tampered_body"].signer.sign(REST)
    assert tampered.body != REST.body
    assert json.loads(tampered.body) == json.loads(REST.body)
    query = of(KEY)["tampered_query"].signer.sign(REST)
    assert query.url == f"{REST.url}?Tampered=1"


@pytest.mark.parametrize("signature", ["v1", "v3"])
def test_rpc_calls_are_sabotaged_in_both_versions(signature: str) -> None:
    auth = replace(RPC, signature=signature)
    found = of(auth, "alibaba")
    of_v1 = set() if signature == "v3" else {("tampered_form", "wrong_signature or missing_key", 0)}
    assert {(name, each.refusal, each.valid_first) for name, each in found.items()} == of_v1 | {
        ("missing", "no_credentials", 0),
        ("unknown_access_key", "unknown_access_key", 0),
        ("wrong_secret", "wrong_signature", 0),
        ("stale", "stale_signature", 0),
        ("early", "stale_signature", 0),
        ("tampered", "wrong_signature", 0),
        ("tampered_method", "wrong_signature", 0),
        ("tampered_signature", "wrong_signature", 0),
        ("tampered_operation", "wrong_signature", 0),
        ("unknown_access_key_token_absent", "unknown_access_key", 0),
        ("unknown_access_key_token_wrong", "bad_token", 0),
        ("replayed_nonce", "replayed_nonce", 1),
    }
    missing = found["missing"].signer.sign(CALL)
    said = {name.lower() for name, _ in (*missing.headers, *parse_qsl(missing.query))}
    assert not said & {
        "authorization",
        "signature",
        "accesskeyid",
        "securitytoken",
        "x-acs-security-token",
        "x-acs-accesskey-id",
    }
    assert "KeyId=k" in missing.query
    assert "LTAI0123456789" not in repr(found["unknown_access_key"].signer.sign(CALL))
    assert "LTAI0123456789" in repr(found["wrong_secret"].signer.sign(CALL))
    tampered = found["tampered"].signer.sign(CALL)
    assert parse_qsl(tampered.query)[-1] == ("Tampered", "1")
    assert "KeyId=k" in tampered.query


@pytest.mark.parametrize("signature", ["v1", "v3"])
def test_a_replayed_request_is_the_same_to_the_byte(signature: str) -> None:
    signer = of(replace(RPC, signature=signature), "alibaba")["replayed_nonce"].signer
    assert signer.sign(CALL) == signer.sign(CALL)
    other = of(replace(RPC, signature=signature), "alibaba")["replayed_nonce"].signer
    assert other.sign(CALL) != signer.sign(CALL)


def test_a_replayed_request_keeps_the_time_of_the_first_however_late_it_is_sent() -> None:
    times = iter([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)])
    found = sabotages(Target("t", "alibaba", "https://h", RPC), factory(), lambda: next(times))
    signer = next(each.signer for each in found if each.name == "replayed_nonce")
    first = signer.sign(CALL)
    assert "Timestamp=2026-01-01T00%3A00%3A00Z" in first.query
    assert signer.sign(CALL) == first


def test_what_identifies_nobody_stays_in_the_query_as_it_stood() -> None:
    query = "KeyId=%6B&Signature=a%2B&&B=+&AccessKeyId=i&SecurityToken=t&C"
    assert without_credentials(replace(CALL, url=f"https://h/?{query}")).query == "KeyId=%6B&B=+&C"


@pytest.mark.parametrize("known", ["X" * 200, "LTAI0123456789"])
def test_an_unknown_access_key_is_as_long_as_the_known_one_and_differs_in_every_character(known: str) -> None:
    signed = of(replace(RPC, access_key_id=known), "alibaba")["unknown_access_key"].signer.sign(CALL)
    unknown = dict(parse_qsl(signed.query))["AccessKeyId"]
    assert re.fullmatch(f"[A-Z0-9]{{{len(known)}}}", unknown)
    assert not [pair for pair in zip(known, unknown, strict=True) if len(set(pair)) == 1]


@pytest.mark.parametrize("auth", [TOKEN, KEY, RPC])
def test_a_target_s_signer_is_that_of_its_own_credentials(auth: Auth) -> None:
    signer = signer_for(Target("t", "huawei", "https://h", auth), Session(Limits(), ["https://h"]))
    assert at_no_time(signer) == at_no_time(factory()(auth))


def at_no_time(signer: Signer) -> Signer:
    """The signer without its clock, which asks the session of its factory."""
    return replace(signer, now=utc_now) if hasattr(signer, "now") else signer


@pytest.mark.parametrize(
    ("auth", "dialect", "request_"),
    [
        (KEY, "huawei", REST),
        (SIGV4, "aws", REST),
        (RPC, "alibaba", CALL),
        (replace(RPC, signature="v3"), "alibaba", CALL),
    ],
)
def test_an_altered_signature_begins_as_the_right_one(auth: Auth, dialect: str, request_: Request) -> None:
    signer = of(auth, dialect)["tampered_signature"].signer
    assert isinstance(signer, Changed)
    right = signer.signer.sign(request_)
    wrong = signer.change(right)
    before, after = (f"{each.header('Authorization') or ''}{each.query}" for each in (right, wrong))
    assert before != after
    assert len(before) == len(after)
    assert before[: before.index("Signature=") + 20] == after[: before.index("Signature=") + 20]
