"""When a reply says that an operation was carried out, and how a report names it in one line."""

from __future__ import annotations

from dataclasses import replace

import pytest
from exchanges import answered, dialect_of

HUAWEI = dialect_of("huawei")
REFUSED = {"error": {"error_code": "KMS.1501", "error_msg": "no"}}


@pytest.mark.parametrize(
    ("operation", "status", "body", "accepted"),
    [
        ("cancel", 200, {"key_id": "k"}, True),
        ("cancel", 200, REFUSED, True),  # any further field, also one that is called like an error's
        ("cancel", 400, REFUSED, False),
        ("cancel", 201, {"key_id": "k"}, False),
        ("cancel", 302, {}, False),
        (None, 200, {}, True),
        (None, 204, {}, False),
    ],
)
def test_accepted_is_a_documented_success_whatever_its_body_holds(
    operation: str | None, status: int, body: object, accepted: bool
) -> None:
    assert answered(HUAWEI, operation, status, body).accepted is accepted


def test_only_the_statuses_that_are_documented_for_the_operation_are_a_success() -> None:
    answer = answered(HUAWEI, "cancel", 200, {})
    created = replace(answer.operation, replies={201: answer.spec})
    assert not replace(answer, operation=created).accepted
    assert replace(answer, operation=created, reply=replace(answer.reply, status=201)).accepted


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (REFUSED, "400 KMS.1501"),
        (b" <html>no</html> \n", "400 <html>no</html>"),
        (b"x" * 200, "400 " + "x" * 120),
        (b"\xffa", "400 �a"),
        (b" \n", "400, empty body"),
        (b"", "400, empty body"),
    ],
)
def test_summary_is_status_and_code_or_how_the_body_begins(body: object, summary: str) -> None:
    assert answered(HUAWEI, "cancel", 400, body).summary == summary


def test_status_and_code_are_those_of_the_reply() -> None:
    refused, accepted = answered(HUAWEI, "cancel", 403, REFUSED), answered(HUAWEI, "cancel", 200, {"key_id": "k"})
    assert (refused.status, refused.code) == (403, "KMS.1501")
    assert (accepted.status, accepted.code) == (200, None)
