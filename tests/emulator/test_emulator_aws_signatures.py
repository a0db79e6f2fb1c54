"""Signature V4 as the emulator verifies it: AWS's published vectors, and whatever is not quite one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kms_conformance.core import specs
from kms_conformance.emulator.aws import authenticate, credentials
from kms_conformance.emulator.messages import Inbound

if TYPE_CHECKING:
    from emulator_clients import Aws

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
STAMP = "20150830T123600Z"
FORM = "application/x-www-form-urlencoded"
# name -> (service, host, method, target, further headers, body, signed headers, signature)
VECTORS: dict[str, tuple[Any, ...]] = {
    "get-vanilla": (
        *("service", "example.amazonaws.com", "GET", "/", (), b"", "host;x-amz-date"),
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    ),
    "get-vanilla-query-order-key-case": (
        *("service", "example.amazonaws.com", "GET", "/?Param2=value2&Param1=value1", (), b"", "host;x-amz-date"),
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    "get-header-value-trim": (
        *("service", "example.amazonaws.com", "GET", "/"),
        (("My-Header1", " value1"), ("My-Header2", ' "a   b   c"')),
        *(b"", "host;my-header1;my-header2;x-amz-date"),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    "post-vanilla": (
        *("service", "example.amazonaws.com", "POST", "/", (), b"", "host;x-amz-date"),
        "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
    ),
    "post-x-www-form-urlencoded": (
        *("service", "example.amazonaws.com", "POST", "/", (("Content-Type", FORM),), b"Param1=value1"),
        "content-type;host;x-amz-date",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
    "ListUsers": (
        *("iam", "iam.amazonaws.com", "GET", "/?Action=ListUsers&Version=2010-05-08"),
        *((("Content-Type", f"{FORM}; charset=utf-8"),), b"", "content-type;host;x-amz-date"),
        "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    ),
}


@pytest.mark.parametrize(
    ("service", "host", "method", "target", "more", "body", "names", "signature"), VECTORS.values(), ids=VECTORS
)
def test_the_published_vectors(
    service: str,
    host: str,
    method: str,
    target: str,
    more: tuple[tuple[str, str], ...],
    body: bytes,
    names: str,
    signature: str,
) -> None:
    inbound = Inbound(1, method, target, (("Host", host), ("X-Amz-Date", STAMP), *more), body)
    canonical = authenticate.canonical_request(inbound, names.split(";"))
    assert (
        authenticate.sign(canonical, STAMP, authenticate.Scope("20150830", "us-east-1", service), SECRET) == signature
    )


LIST = ("TrentService.ListKeys", b"{}")


def refusals(name: str) -> tuple[int, str]:
    answer = specs.facts("aws")["refusals"][name]["answers"][0]
    return answer["status"], answer["code"]


def test_the_permanent_and_the_temporary_key_are_let_in(aws: Aws) -> None:
    assert aws.post(*LIST).status == 200
    token = {"x-amz-security-token": credentials.STS_SECURITY_TOKEN}
    said = aws.post(
        *LIST, access_key=credentials.STS_ACCESS_KEY_ID, secret=credentials.STS_ACCESS_KEY_SECRET, extra=token
    )
    assert said.status == 200


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no Authorization": ({"unsigned": {"Authorization": ""}}, "no_credentials"),
    "another algorithm": ({"unsigned": {"Authorization": "Basic eDp5"}}, "incomplete_signature"),
    "no signature": (
        {"unsigned": {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host"}},
        "incomplete_signature",
    ),
    "a short scope": (
        {"unsigned": {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0"}},
        "incomplete_signature",
    ),
    "no date": ({"unsigned": {"x-amz-date": ""}}, "incomplete_signature"),
    "nobody's key": ({"access_key": "AKIANOBODYS"}, "unknown_access_key"),
    "a token that nobody asked for": ({"extra": {"x-amz-security-token": "x"}}, "unknown_access_key"),
    "another secret": ({"secret": "WRONG"}, "wrong_signature"),
    "another body": ({"sent_body": b"{} "}, "wrong_signature"),
    "another operation": ({"unsigned": {"x-amz-target": "TrentService.CreateKey"}}, "wrong_signature"),
    "a header that is not signed": ({"unsigned": {"x-amz-more": "1"}}, "wrong_signature"),
    "a scope of another region": ({"scope": ("eu-west-1", "kms")}, "other_region"),
    "a scope of another service": ({"scope": (credentials.REGION, "s3")}, "other_region"),
    "long ago": ({"ago": timedelta(minutes=16)}, "stale_signature"),
    "in the future": ({"ago": -timedelta(minutes=16)}, "stale_signature"),
    "no time at all": ({"unsigned": {"x-amz-date": "yesterday"}}, "stale_signature"),
}


@pytest.mark.parametrize(("options", "refusal"), WRONG.values(), ids=WRONG)
def test_nobody_else_is_let_in(aws: Aws, options: dict[str, Any], refusal: str) -> None:
    key_id = aws.create()
    before = aws.emulator.store.keys
    said = aws.post("TrentService.ScheduleKeyDeletion", json.dumps({"KeyId": key_id}).encode(), **options)
    assert said.refusal == refusals(refusal)
    assert aws.emulator.store.keys == before


def test_a_signature_of_a_quarter_of_an_hour_ago_is_good(aws: Aws) -> None:
    assert aws.post(*LIST, ago=timedelta(minutes=14)).status == 200


def test_the_moved_clock_moves_no_signature(aws: Aws) -> None:
    aws.advance(86400 * 30)
    assert aws.post(*LIST).status == 200


def test_sts_without_its_token_is_nobody(aws: Aws) -> None:
    said = aws.post(*LIST, access_key=credentials.STS_ACCESS_KEY_ID, secret=credentials.STS_ACCESS_KEY_SECRET)
    assert said.refusal == refusals("unknown_access_key")
