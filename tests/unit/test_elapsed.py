"""What time alone changes in a key of others between two reads, and what it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT
from kms_conformance.client.time_control import Moment, TimeControl
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import EndedKey, Isolation
from kms_conformance.keys.elapsed import Elapsed

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
DATE = START + timedelta(days=20)
AHEAD = timedelta(days=3)


class Time:
    """The part of `TimeControl` that is used: real time, and a clock of keys that was ahead before the run moved it."""

    def __init__(self, moved: timedelta, passed: timedelta = timedelta(minutes=1)) -> None:
        self.moved, self.passed = moved, passed

    def mark(self) -> Moment:
        return Moment(START - AHEAD + self.passed, self.moved)

    def at(self, moment: Moment) -> datetime:
        return moment.real + AHEAD + moment.moved


def elapsed(**moved: float) -> Elapsed:
    """The time since the first read at START, on the clock of keys; the run has moved this clock."""
    time = cast("TimeControl", Time(timedelta(**moved)))
    return Elapsed(time, Moment(START - AHEAD, timedelta()), timedelta(seconds=120))


def key(state: str = PENDING, date: datetime | None = DATE, **fields: Any) -> KeyView:
    return KeyView("k", state, date if state == PENDING else None, None, "theirs", fields)


def test_the_moved_clock_ends_a_key_whose_date_it_has_passed() -> None:
    assert elapsed(days=21).ended(key(), key(GONE)) == "clock"
    assert elapsed(days=21).explains(key(), key(GONE))


def test_a_date_that_was_reached_anyway_is_not_put_down_to_the_clock() -> None:
    assert elapsed(days=21).ended(key(date=START + timedelta(seconds=30)), key(GONE)) == "date"


@pytest.mark.parametrize("days", [0, 1, 19.9])
def test_a_key_that_is_gone_before_its_date_is_not_explained(days: float) -> None:
    assert elapsed(days=days).ended(key(), key(GONE)) is None
    assert not elapsed(days=days).explains(key(), key(GONE))
    assert elapsed(days=days).died(key(), key(GONE))


@pytest.mark.parametrize("state", [ENABLED, DISABLED, PENDING_IMPORT])
def test_a_key_that_was_not_pending_is_never_ended_by_time(state: str) -> None:
    late = elapsed(days=400)
    assert not late.explains(key(state), key(GONE))
    assert late.died(key(state), key(GONE))


def test_a_key_that_is_enabled_after_its_date_is_a_change() -> None:
    assert not elapsed(days=21).explains(key(), key(ENABLED))


def test_a_pending_key_without_a_date_is_neither_ended_nor_called_dead() -> None:
    late = elapsed(days=400)
    assert not late.explains(key(date=None), key(GONE))
    assert not late.died(key(date=None), key(GONE))


@pytest.mark.parametrize(
    ("first", "second"), [("20", "10"), (20, 10), ("21", "11"), (480, 240), (28800, 14400), (1728000, 864000)]
)
def test_days_hours_minutes_and_seconds_left_count_down(first: object, second: object) -> None:
    assert elapsed(days=10).explains(key(left=first), key(left=second))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("20", "5"),  # too few days left
        ("20", "18"),  # too many
        ("7", "3"),  # never the days left
        ("10", "20"),  # counts up
        ("20", "ten"),
        ("20", None),
        (True, False),
        ("20", "9999999999999"),
    ],
)
def test_another_change_of_a_number_is_a_change(first: object, second: object) -> None:
    assert elapsed(days=10).unexplained(key(left=first), key(left=second)) == ("left",)


def test_nothing_counts_down_where_the_date_itself_changed_or_the_key_is_not_pending() -> None:
    moved = elapsed(days=10)
    assert not moved.explains(key(left=20), key(date=DATE + timedelta(days=1), left=10))
    assert not moved.explains(key(ENABLED, left=20), key(ENABLED, left=10))


def test_a_field_beside_the_one_that_counts_is_a_change() -> None:
    assert elapsed(days=10).unexplained(key(left=20, alias="a"), key(left=10, alias="b")) == ("alias",)


def test_a_field_that_moves_by_itself_is_no_change_and_another_is() -> None:
    time = cast("TimeControl", Time(timedelta()))
    known = Elapsed(time, Moment(START - AHEAD, timedelta()), timedelta(seconds=120), {"read"})
    assert known.explains(key(read="1"), key(read="2"))
    assert known.unexplained(key(read="1", alias="a"), key(read="2", alias="b")) == ("alias",)


def isolation(before: dict[str, KeyView], after: dict[str, KeyView], **moved: float) -> Isolation:
    listed = [name for name, view in after.items() if view.state != GONE]
    return Isolation.of(
        before, after, (list(before), listed), 200, elapsed(**moved), denied=0, moved=timedelta(**moved)
    )


def test_the_comparison_tells_ended_keys_from_changed_ones() -> None:
    before = {
        "ended": key(),
        "early": key(date=DATE + timedelta(days=90)),
        "counts": key(date=START + 30 * (DATE - START), left=600),
    }
    after = {"ended": key(GONE), "early": key(GONE), "counts": key(date=START + 30 * (DATE - START), left=570)}
    found = isolation(before, after, days=30)
    assert [(each.date, each.cause) for each in found.ended] == [(DATE.isoformat(), "clock")]
    assert found.vanished == ("early",)
    assert [change.after for change in found.changed] == ['{"state": "gone"}']
    assert found.clock_days == 30


def test_ended_keys_and_fields_that_count_down_are_no_part_of_the_digests() -> None:
    before = {"ended": key(), "counts": key(date=START + 30 * (DATE - START), left=600, alias="a")}
    after = {"ended": key(GONE), "counts": key(date=START + 30 * (DATE - START), left=570, alias="a")}
    found = isolation(before, after, days=30)
    assert (found.digest_before == found.digest_after, found.changed, found.vanished) == (True, (), ())
    changed = isolation(before, after | {"counts": key(date=START + 30 * (DATE - START), left=570, alias="b")}, days=30)
    assert changed.digest_before != changed.digest_after


def test_secrets_in_ids_are_hidden() -> None:
    found = isolation({"k": key()}, {"k": key(GONE)}, days=30).cleaned(lambda text: text.replace("k", "*"))
    assert found.ended == (EndedKey("*", DATE.isoformat(), "clock"),)
