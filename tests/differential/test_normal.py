"""Normalization of replies: equal values get equal placeholders; texts that are not words of an API are removed."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.apps.differential.normalizer import Normalizer

ASKED = datetime(2026, 11, 22, 10, 0, 5, tzinfo=UTC)
KEY = "0d0466b0-e727-4d9c-b35d-f84bb474a37f"
OTHER = "1d0466b0-e727-4d9c-b35d-f84bb474a37f"


def normal() -> Normalizer:
    return Normalizer({KEY: "<key>", "kms-conformance-1-0": "<description>"}, ASKED, ASKED)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (KEY, "<key>"),
        (f"arn:aws:kms:eu-west-1:123456789012:key/{KEY}", "arn:aws:kms:<region>:<account>:key/<key>"),
        (f"acs:kms:cn-hangzhou:1234567890123456:key/{KEY}", "acs:kms:<region>:<account>:key/<key>"),
        ("kms-conformance-1-0", "<description>"),
        ("123456789012", "<account>"),
        ("eu-de", "<region>"),
        ("us-east-1", "<region>"),
        ("kms.eu-de.otc.t-systems.com", "<host>"),
        ("127.0.0.1:8080", "<host>"),
        ("https://help.example.com/?q=1", "<url>"),
        ("[redacted:KMS_TOKEN]", "<secret>"),
        ("Bearer [redacted:KMS_TOKEN]", "<secret>"),
        ("Enabled", "Enabled"),
        ("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"),
        ("RSAES_OAEP_SHA_256", "RSAES_OAEP_SHA_256"),
        ("Aliyun_AES_256", "Aliyun_AES_256"),
        ("", ""),
        ("Some words for people.", "<text>"),
        ("f" * 32, "<id 1>"),
        (True, True),
        (7, 7),
        (12345678901234567890, "<number>"),
        (None, None),
    ],
)
def test_values(value: object, expected: object) -> None:
    assert normal().leaf(value) == expected


@pytest.mark.parametrize("size", [15, 16, 24, 32, 64, 200])
def test_no_random_bytes_are_kept(size: int) -> None:
    data = bytes((place * 37 + 11) % 256 for place in range(size))
    for written in (base64.b64encode(data).decode(), data.hex(), base64.urlsafe_b64encode(data).decode()):
        kept = json.dumps(normal().body({"field": written, written: 1}))
        assert written[:12] not in kept


def test_the_same_id_is_the_same_placeholder_and_another_is_not() -> None:
    body = normal().body({"a": OTHER, "b": [KEY, OTHER.upper()], "c": "2" + OTHER[1:]})
    assert body == {"a": "<id 1>", "b": ["<key>", "<id 1>"], "c": "<id 2>"}


def test_a_deletion_date_follows_from_its_scheduling() -> None:
    at = int((ASKED + timedelta(days=8)).timestamp())
    assert normal().body({"DeletionDate": at})["DeletionDate"]["<time>"]["days"] == 8


def test_messages_are_never_kept_and_codes_stand_beside() -> None:
    body = {"error": {"error_code": "KMS.1402", "error_msg": f"{KEY} is pending", "more": ["Enabled"], "n": 3}}
    assert normal().error(body, "KMS.1402", body["error"]["error_msg"]) == {  # type: ignore[arg-type]
        "error": {"error_code": "<code>", "error_msg": "<text>", "more": ["<text>"], "n": 3}
    }


def test_a_page_tells_its_shape_and_only_of_our_keys() -> None:
    page = {
        "Keys": [{"KeyId": OTHER, "Odd": 1}, {"KeyId": KEY, "KeyArn": "arn"}, {"KeyId": OTHER}],
        "Truncated": True,
        "NextMarker": "abc",
        "Total": 3,
    }
    assert normal().listing(page, "abc") == {
        "Keys": [{"KeyId": "<string>", "KeyArn": "<string>"}],
        "Truncated": "<boolean>",
        "Total": "<number>",
    }


def test_a_reason_keeps_its_words_and_not_what_was_quoted() -> None:
    quoted = f'Could not disable a key: 500 {{"CiphertextBlob": "AQICAHi0m8" , "x"}} of {KEY}'
    assert normal().words(quoted) == "Could not disable a key: 500 <text> of <key>"
