"""AWS's published vectors, and what else the signer must keep to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kms_conformance.auth import SignerFactory, sabotages
from kms_conformance.auth.sigv4 import SigV4Signer
from kms_conformance.core import specs
from kms_conformance.emulator import Emulator, Inbound
from kms_conformance.emulator.aws import authenticate, credentials
from kms_conformance.target import Target, parse_target
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

# AWS's Signature Version 4 test suite, and the worked example of its user guide (ListUsers): one key, one moment.
ACCESS_KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
MOMENT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
# name -> (service, request, names of the signed headers, signature)
VECTORS = {
    "get-vanilla": (
        "service",
        Request("GET", "https://example.amazonaws.com/"),
        "host;x-amz-date",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-query-order-key-case": (
        "service",
        Request("GET", "https://example.amazonaws.com/?Param2=value2&Param1=value1"),
        "host;x-amz-date",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-header-value-trim": (
        "service",
        Request(
            "GET",
            "https://example.amazonaws.com/",
            (("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
        ),
        "host;my-header1;my-header2;x-amz-date",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": (
        "service",
        Request("POST", "https://example.amazonaws.com/"),
        "host;x-amz-date",
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-x-www-form-urlencoded": (
        "service",
        Request("POST", "https://example.amazonaws.com/", (("Content-Type", FORM),), b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "ListUsers": (
        "iam",
        Request(
            "GET",
            "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
            (("Content-Type", f"{FORM}; charset=utf-8"),),
        ),
        "content-type;host;x-amz-date",
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
}
PLAIN = Request("POST", "http://127.0.0.1:8080/", (("X-Amz-Target", "TrentService.ListKeys"),), b"{}")


def signer(**options: object) -> SigV4Signer:
    return SigV4Signer(ACCESS_KEY, SECRET, "us-east-1", **{"now": lambda: MOMENT, **options})


@pytest.mark.parametrize(("service", "request_", "names", "signature"), VECTORS.values(), ids=VECTORS)
def test_the_published_vectors(service: str, request_: Request, names: str, signature: str) -> None:
    signed = signer(service=service).sign(request_)
    assert signed.header("X-Amz-Date") == "20150830T123600Z"
    assert signed.header("Authorization") == (
        f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20150830/us-east-1/{service}/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )


def test_nothing_but_credentials_is_added() -> None:
    signed = signer().sign(PLAIN)
    assert signed.without_headers("X-Amz-Date", "Authorization") == PLAIN


def test_signing_twice_is_signing_once_later() -> None:
    early, late = signer(now=lambda: MOMENT - timedelta(hours=1)), signer()
    assert late.sign(early.sign(PLAIN)) == late.sign(PLAIN)


def test_times_are_written_in_utc() -> None:
    elsewhere = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert signer(now=lambda: elsewhere).sign(PLAIN) == signer().sign(PLAIN)


def test_a_temporary_key_shows_its_token_and_signs_it() -> None:
    signed = signer(security_token="TOKEN").sign(PLAIN)
    assert signed.header("X-Amz-Security-Token") == "TOKEN"
    assert "x-amz-security-token" in (signed.header("Authorization") or "")
    assert signer().sign(signed).header("X-Amz-Security-Token") is None


@pytest.mark.parametrize(
    "changed",
    [
        PLAIN.with_header("X-Amz-Target", "TrentService.CreateKey"),
        PLAIN.with_target("/", "x=1"),
        PLAIN.with_target("/other", None),
        Request(PLAIN.method, PLAIN.url, PLAIN.headers, b"{} "),
        Request("PUT", PLAIN.url, PLAIN.headers, PLAIN.body),
    ],
    ids=["header", "query", "path", "body", "method"],
)
def test_every_part_of_a_request_is_signed(changed: Request) -> None:
    assert signer().sign(changed).header("Authorization") != signer().sign(PLAIN).header("Authorization")


def test_no_secret_is_shown() -> None:
    assert SECRET not in repr(signer())


# What the authentication family asks with


@pytest.fixture
def target() -> Target:
    with Emulator("aws") as emulator:
        return parse_target(emulator.target_yaml(), "emulator.yaml")


def test_each_sabotage_has_one_thing_wrong_and_the_emulator_says_which(target: Target) -> None:
    request = Request("POST", f"{target.base_url}/", (("X-Amz-Target", "TrentService.ListKeys"),), b"{}")
    session = Session(target.limits, target.urls)
    found = {}
    for sabotage in sabotages(target, SignerFactory(session)):
        signed = sabotage.signer.sign(request)
        headers = (("Host", signed.authority), *signed.headers)
        inbound = Inbound(1, signed.method, signed.target, headers, signed.body)
        here = (credentials.REGION, "kms")
        found[sabotage.name] = authenticate.signature_problem(inbound, credentials.ACCESS_KEYS, here, datetime.now(UTC))
        assert found[sabotage.name] == sabotage.refusal
        assert sabotage.refusal in specs.facts("aws")["refusals"]
    session.close()
    assert set(found) == {
        *("missing", "incomplete", "unknown_access_key", "wrong_secret", "stale", "other_region"),
        *("tampered_body", "tampered_hashed_body", "tampered_query", "tampered_method", "tampered_operation"),
        "tampered_signature",
        *("early", "other_scope_service", "other_scope_day"),
    }
