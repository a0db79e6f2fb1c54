"""A failure's short name stays the same over nights, and differs between failures."""

from __future__ import annotations

import pytest

from kms_conformance.client.judge import Judgement
from kms_conformance.verdict.results import CheckResult, failure_id


def name(expected: str, target: str = "t", check: str = "window::a", requirement: str = "cancel.effect") -> str:
    return failure_id(target, check, requirement, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a deletion date of 2026-01-22T09:30:15Z", "a deletion date of 2027-12-01T00:00:00.123Z"),
        ("the key 0d0466b0-e727-4d9c-b35d-f84bb474a37f", "the key 11111111-e727-4d9c-b35d-f84bb474a37f"),
        ("the key key-hzz65f3a68554gk5x8v3l", "the key key-hzz65f3a68559zzzzzzz1"),
        ("a date of 1769126400000", "a date of 1769126400001"),
    ],
    ids=["date", "uuid", "other id", "milliseconds"],
)
def test_keys_and_dates_do_not_change_the_name(one: str, other: str) -> None:
    assert name(one) == name(other)


def test_all_else_does() -> None:
    names = {
        name("400 KMS.0309"),
        name("400 KMS.0310"),
        name("404 KMS.0309"),
        name("400 KMS.0309", target="u"),
        name("400 KMS.0309", check="window::b"),
        name("400 KMS.0309", requirement="cancel.uri"),
        name("400 UnsupportedOperationException"),
        name("400 InvalidSignatureException"),
    }
    assert len(names) == 8
    assert all(len(each) == 6 for each in names)


def test_a_stored_failure_carries_its_name_and_comes_back_without() -> None:
    failure = Judgement("cancel.effect", False, "400", "200", (1, 2))
    result = CheckResult("t", "window", "window::a", "a", "failed", 0.1, failures=(failure,))
    stored = result.to_json()
    assert stored["failures"][0]["id"] == result.failure_id(failure) == name("400")
    assert CheckResult.from_json(stored) == result
