"""Which deletion dates are right: tolerance and rounding up, and nothing earlier, later or in another zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.dialects.alibaba import Alibaba
from kms_conformance.dialects.huawei import Huawei
from kms_conformance.keys.transitions import is_dated

DELETION = Profile.load("huawei").deletion
EXPECTED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("date", "right"),
    [
        (EXPECTED, True),
        (EXPECTED + timedelta(seconds=119), True),
        (EXPECTED - timedelta(seconds=119), True),
        (EXPECTED + timedelta(seconds=130), False),
        (EXPECTED - timedelta(seconds=130), False),
        (datetime(2026, 3, 4, 6, tzinfo=UTC), True),
        (datetime(2026, 3, 5, tzinfo=UTC), True),
        (datetime(2026, 3, 4, tzinfo=UTC), False),
        (datetime(2026, 3, 6, tzinfo=UTC), False),
        (EXPECTED + timedelta(hours=8), False),
        (EXPECTED - timedelta(hours=1), False),
        (EXPECTED + timedelta(days=1), False),
        (EXPECTED - timedelta(days=1), False),
    ],
)
def test_date_is_the_request_plus_the_window_or_rounded_up_from_there(date: datetime, right: bool) -> None:
    assert is_dated(date, EXPECTED, DELETION) is right


@pytest.mark.parametrize(
    ("written", "date", "problem"),
    [
        ("1502799822000", datetime(2017, 8, 15, 12, 23, 42, tzinfo=UTC), False),
        ("", None, False),
        (None, None, False),
        (1502799822000, datetime(2017, 8, 15, 12, 23, 42, tzinfo=UTC), True),
        (True, None, True),
        ("2017-08-15T12:23:42Z", None, True),
        ("-1", None, True),
        ("9" * 40, None, True),
    ],
)
def test_huawei_dates_are_strings_of_milliseconds(written: object, date: datetime | None, problem: bool) -> None:
    dialect = Huawei("http://127.0.0.1", "p", Profile.load("huawei"))
    view = dialect.key({"key_info": {"key_id": "k", "key_state": "4", "scheduled_deletion_date": written}})
    assert (view.deletion_at, view.date_problem is not None) == (date, problem)


@pytest.mark.parametrize(
    ("written", "date", "problem"),
    [
        ("2021-05-26T18:22:03Z", datetime(2021, 5, 26, 18, 22, 3, tzinfo=UTC), False),
        ("", None, False),
        (None, None, False),
        ("2021-05-26 18:22:03", None, True),
        (1622053323, None, True),
    ],
)
def test_alibaba_dates_are_iso_in_utc(written: object, date: datetime | None, problem: bool) -> None:
    dialect = Alibaba("http://127.0.0.1", "", Profile.load("alibaba"))
    view = dialect.key({"KeyMetadata": {"KeyId": "k", "KeyState": "PendingDeletion", "DeleteDate": written}})
    assert (view.deletion_at, view.date_problem is not None) == (date, problem)
