"""Dates that an endpoint wrote so as to break whoever reckons with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from kms_conformance.client.backoff import retry_after
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.time_control import TimeControl, skew
from kms_conformance.dialects.alibaba import _date as alibaba_date
from kms_conformance.dialects.aws import moment as aws_date
from kms_conformance.dialects.huawei import _date as huawei_date
from kms_conformance.wire.dates import bounded, epoch_date, http_date, iso_date
from kms_conformance.wire.messages import Reply

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NO_DATES = [
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 2026 00:00:00 +999999999999999999999999",
    "Mon, 01 Jan 2026 00:00:00 -99999999",
    "Mon, 99 Jan 2026 99:99:99 GMT",
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "9" * 400,
    "1" * 60_000,
    "\x1b[2J",
    "",
    ",",
    ", , , :",
    "a b c d e f g",
]


@pytest.mark.parametrize("text", NO_DATES)
def test_a_hostile_date_is_no_date(text: str) -> None:
    assert http_date(text) is None
    assert skew(text, NOW, NOW) is None
    reply = Reply(503, "", (("Retry-After", text),), b"", 0.1)
    # A number of many digits is none that anybody waits for.
    assert retry_after(reply, NOW) is None


def test_a_date_is_read_as_it_was() -> None:
    assert http_date("Thu, 01 Jan 2026 00:00:00 GMT") == NOW
    assert http_date("Thu, 01 Jan 2026 02:00:00 +0200") == NOW
    assert http_date(None) is None
    assert iso_date("2026-01-01T00:00:00Z") == iso_date("2026-01-01T00:00:00") == NOW
    assert skew("Thu, 01 Jan 2026 00:01:00 GMT", NOW, NOW) == 60
    assert retry_after(Reply(503, "", (("Retry-After", "Thu, 01 Jan 2026 00:01:00 GMT"),), b"", 0.1), NOW) == 60


@pytest.mark.parametrize(
    "text",
    ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+23:59", "3000-01-01T00:00:00Z", "2026-W01", "x", "", "2" * 100_000],
)
def test_a_hostile_time_is_no_time(text: str) -> None:
    assert iso_date(text) is None or text == "2026-W01"


@pytest.mark.parametrize("year", [1899, 3000, 9999])
def test_years_beyond_all_calendars_are_out_of_bounds(year: int) -> None:
    assert bounded(datetime(year, 6, 1)) is None  # noqa: DTZ001 - what endpoints write may have no zone
    assert bounded(datetime(year, 6, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize("seconds", [1e300, -1e300, float("inf"), float("nan"), 253402300799, 10**400])
def test_seconds_beyond_all_calendars_are_out_of_bounds(seconds: float) -> None:
    assert epoch_date(seconds) is None


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (huawei_date, "99999999999999"),
        (huawei_date, "253402300799999"),
        (alibaba_date, "9999-12-31T23:59:59Z"),
        (alibaba_date, "0001-01-01T00:00:00Z"),
        (aws_date, 253402300799),
        (aws_date, 1e300),
        (aws_date, 10**300),
    ],
)
def test_a_deletion_date_that_nobody_can_reckon_with_is_a_problem(read: Any, value: object) -> None:
    date, problem = read(value)
    assert date is None
    assert problem


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"now": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"now": "9999-12-31T23:59:59Z"}',
        b'{"now": "0001-01-01T00:00:00+23:59"}',
        b'{"now": ' + b"9" * 5_000 + b"}",
        b'{"now": null}',
        b'{"now": {"now": 1}}',
        b"[]",
        b"",
        b"\xff",
    ],
)
def test_a_clock_that_tells_no_time_leaves_its_check_open(body: bytes) -> None:
    reply = Reply(200, "OK", (), body, 0.1)
    session: Any = SimpleNamespace(
        send=lambda _: SimpleNamespace(reply=reply, failure=None),
        world=SimpleNamespace(clock=SimpleNamespace(now=lambda: NOW)),
    )
    with pytest.raises(Inconclusive, match="has no valid time"):
        TimeControl(session, "http://h/").advance(1)


def test_a_date_within_bounds_can_be_moved_by_a_window_and_more() -> None:
    latest = epoch_date(32503679999)
    assert latest is not None
    assert latest + timedelta(days=100_000) > latest
