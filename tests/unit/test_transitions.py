"""What a key must show after a step: the deletion date that was asked for, and the fields that no step changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import is_grave
from kms_conformance.keys.transitions import Transition

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = {"KeyUsage": "ENCRYPT_DECRYPT", "Description": "ours"}
KEY = KeyView("k", ENABLED, None, None, "ours", FIELDS)
PENDING_KEY = replace(KEY, state=PENDING, deletion_at=NOW + timedelta(days=8))
AWS = Profile.load("aws", "documents")
HUAWEI = Profile.load("huawei", "documents")


def broken(after: KeyView, profile: Profile = AWS, *, took: float = 0.0, days: int | None = 8) -> set[str]:
    operation = "disable" if days is None else "schedule"
    transition = Transition(operation, KEY, NOW, NOW + timedelta(seconds=took), days)
    return {found.requirement for found in transition.mismatches(after, profile)}


def test_the_date_that_was_asked_for_and_the_same_fields_are_right() -> None:
    assert broken(PENDING_KEY) == set()
    assert broken(replace(KEY, state=DISABLED), days=None) == set()


@pytest.mark.parametrize("date", [None, NOW, NOW + timedelta(days=7), NOW + timedelta(days=10)])
def test_another_date_is_wrong(date: datetime | None) -> None:
    assert broken(replace(PENDING_KEY, deletion_at=date)) == {"schedule.window.start"}


def test_the_window_begins_at_any_moment_of_a_long_request() -> None:
    late = replace(PENDING_KEY, deletion_at=NOW + timedelta(days=8, seconds=4023))
    assert broken(late, HUAWEI) == {"schedule.window.start"}
    assert broken(late, HUAWEI, took=4023) == set()


def test_without_a_known_time_no_date_is_judged() -> None:
    transition = Transition("schedule", KEY, None, None, 8)
    assert not list(transition.mismatches(replace(PENDING_KEY, deletion_at=NOW), AWS))


def test_a_fixed_field_must_stay_and_a_description_is_judged_elsewhere() -> None:
    other = replace(PENDING_KEY, fields={"KeyUsage": "SIGN_VERIFY", "Description": "lost"})
    found = list(Transition("schedule", KEY, NOW, NOW, 8).mismatches(other, AWS))
    assert [each.requirement for each in found] == ["schedule.keeps.fields"]
    assert found[0].received == "KeyUsage is 'SIGN_VERIFY' instead of 'ENCRYPT_DECRYPT'"


@pytest.mark.parametrize(
    ("now", "grave"),
    [
        (replace(KEY, state=DISABLED), False),
        (replace(KEY, description="another", fields={**FIELDS, "Description": "another"}), False),
        (replace(KEY, fields={**FIELDS, "Description": "kms-conformance-1-0"}), True),
        (PENDING_KEY, True),
        (replace(KEY, state=GONE), True),
    ],
)
def test_a_change_that_concerns_the_deletion_of_a_key_of_others_is_grave(now: KeyView, grave: bool) -> None:
    assert is_grave(KEY, now) is grave
    assert is_grave(now, KEY) is (grave and now.state != ENABLED)
