"""Relative times, and their comparison within the tolerance of clocks and roundings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.apps.differential.timestamps import RelativeTime, relative_time, time_of

ASKED = datetime(2026, 11, 22, 10, 0, 5, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1795341605, "seconds"),
        (1795341605.25, "seconds"),
        (1795341605000, "milliseconds"),
        ("1795341605000", "milliseconds as text"),
        ("1795341605", "seconds as text"),
        ("2026-11-22T10:00:05Z", "ISO 8601"),
    ],
)
def test_every_form_of_a_time_is_read(value: object, written: str) -> None:
    found = time_of(value)
    assert found is not None
    at, how = found
    assert how == written
    assert abs(at - ASKED) < timedelta(seconds=1)


@pytest.mark.parametrize(
    "value",
    [
        True,
        7,
        1096,
        "7",
        "",
        "2026",
        "123456789012",
        "987654321098",
        10**20,
        float("inf"),
        None,
        "2026-13-40T00:00:00Z",
    ],
)
def test_numbers_and_accounts_are_no_times(value: object) -> None:
    assert time_of(value) is None


def told(ahead: timedelta, since: datetime = ASKED, **options: bool) -> RelativeTime:
    return relative_time(since + ahead, "seconds", ASKED, since, fresh=options.get("fresh", False))


def test_what_lies_ahead_follows_from_the_scheduling() -> None:
    earlier = ASKED - timedelta(hours=3)
    assert str(told(8 * DAY, earlier)) == "8 days after scheduling (seconds)"


def test_what_lies_behind_is_an_accident_unless_it_is_fresh() -> None:
    assert str(told(-400 * DAY)) == "earlier (seconds)"
    assert told(-400 * DAY).agrees(told(-1 * DAY))
    assert str(told(timedelta(hours=-3.5), fresh=True)) == "0 days - 3 h 30 min after the request (seconds)"
    assert not told(timedelta(hours=-3.5), fresh=True).agrees(told(timedelta(), fresh=True))


def test_another_zone_is_another_date() -> None:
    late = told(8 * DAY + timedelta(hours=5.5))
    assert str(late) == "8 days + 5 h 30 min after scheduling (seconds)"
    assert not late.agrees(told(8 * DAY))


def test_seconds_are_no_difference_and_minutes_are() -> None:
    assert told(8 * DAY).agrees(told(8 * DAY + timedelta(seconds=100)))
    assert not told(8 * DAY).agrees(told(8 * DAY + timedelta(minutes=10)))


def test_dates_rounded_to_days_agree_whatever_the_hour() -> None:
    """Two requests, in the morning and at night: both dates are rounded up to midnight."""
    night = ASKED + timedelta(hours=13)
    midnight = datetime(2026, 12, 1, tzinfo=UTC)
    first, second = (relative_time(midnight, "seconds", at, at, fresh=False) for at in (ASKED, night))
    assert first.agrees(second)
    assert not first.agrees(told(8 * DAY))


def test_another_way_to_write_a_time_is_a_difference() -> None:
    other = RelativeTime(**(vars(told(8 * DAY)) | {"written": "ISO 8601"}))
    assert not other.agrees(told(8 * DAY))


def test_moments_survive_json() -> None:
    assert RelativeTime.from_json(told(8 * DAY).to_json()) == told(8 * DAY)
    assert RelativeTime.from_json({"a": 1}) is None
