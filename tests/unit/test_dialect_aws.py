"""What the AWS adapter makes of replies, and which names it gives to keys that are not ours."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.dialects.aws import Aws, moment
from kms_conformance.dialects.base import Raw
from kms_conformance.wire.messages import Reply, Request

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:us-east-2:111122223333:key/{KEY}"


@pytest.fixture
def aws() -> Aws:
    return Aws("https://kms.example.com", "", Profile.load("aws"))


def reply(body: bytes, content_type: str = "application/x-amz-json-1.1") -> Reply:
    return Reply(200, "OK", (("Content-Type", content_type),), body, 0.0)


def sent(request: Request) -> dict[str, object]:
    return json.loads(request.body)


def test_null_is_as_good_as_absent(aws: Aws) -> None:
    decoded = aws.decode(reply(b'{"a": null, "b": [{"c": null, "d": 1}], "e": {"f": null}}'), None)
    assert (decoded.value, decoded.problems) == ({"b": [{"d": 1}], "e": {}}, ())


def test_an_empty_body_is_no_problem_and_half_a_body_is(aws: Aws) -> None:
    assert (aws.decode(reply(b""), None).value, aws.decode(reply(b""), None).problems) == (None, ())
    assert aws.decode(reply(b'{"a":'), None).problems


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1443532800, datetime(2015, 9, 29, 13, 20, tzinfo=UTC)),
        (1443532800.5, datetime(2015, 9, 29, 13, 20, 0, 500000, tzinfo=UTC)),
        (1.4435328e9, datetime(2015, 9, 29, 13, 20, tzinfo=UTC)),
    ],
)
def test_times_are_seconds_since_1970(value: float, expected: datetime) -> None:
    assert moment(value) == (expected, None)


@pytest.mark.parametrize("value", ["2015-09-29T13:20:00Z", "1443532800", True, -1, 1443532800000, [], {}])
def test_what_is_no_such_time_is_a_problem(value: object) -> None:
    date, problem = moment(value)
    assert date is None
    assert problem


def test_no_time_is_no_problem() -> None:
    assert moment(None) == (None, None)


def test_a_reply_by_arn_speaks_of_the_key(aws: Aws) -> None:
    assert aws.echo({"KeyId": ARN, "KeyState": "PendingDeletion"}) == (KEY, "pending_deletion")
    assert aws.echo({"KeyId": ARN}) == (KEY, None)
    assert aws.echo({}) == (None, None)


def test_names_elsewhere_keep_the_id_and_name_another_place(aws: Aws) -> None:
    names = aws.arns_elsewhere(ARN)
    assert set(names) == {"another region", "another account"}
    assert all(name.endswith(f":key/{KEY}") and name != ARN for name in names.values())
    assert aws.arns_elsewhere("key") == {}


def test_an_alias_and_a_principal_belong_to_the_account_of_the_key(aws: Aws) -> None:
    assert aws.alias_arn(ARN, "alias/a") == "arn:aws:kms:us-east-2:111122223333:alias/a"
    assert aws.principal(ARN) == "arn:aws:iam::111122223333:root"


def test_windows_are_numbers_unless_they_are_meant_to_be_odd(aws: Aws) -> None:
    assert sent(aws.request("schedule", {"key_id": KEY, "window": 7})) == {"KeyId": KEY, "PendingWindowInDays": 7}
    odd = [sent(aws.request("schedule", {"window": window}))["PendingWindowInDays"] for window in aws.open_windows]
    assert not any(type(value) is int for value in odd)
    assert sent(aws.request("schedule", {"window": Raw("7")}))["PendingWindowInDays"] == "7"


def test_the_key_stands_where_the_operation_wants_it(aws: Aws) -> None:
    assert sent(aws.request("set_alias", {"key_id": KEY, "alias": "alias/a"})) == {
        "TargetKeyId": KEY,
        "AliasName": "alias/a",
    }
    assert sent(aws.request("re_encrypt", {"key_id": KEY})) == {"DestinationKeyId": KEY}
    assert sent(aws.request("tag", {"tags": {"a": "b"}})) == {"Tags": [{"TagKey": "a", "TagValue": "b"}]}
