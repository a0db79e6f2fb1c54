"""The oracle's predictions, state by state, are the facts of the profile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conformance.catalogue.profile import Profile
from conformance.oracle import DISABLED, ENABLED, GONE, PENDING, KeyModel, Oracle

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("dialect", ["huawei", "alibaba"])


def oracle(dialect: str) -> Oracle:
    return Oracle(Profile.load(dialect))


@BOTH
@pytest.mark.parametrize("state", [ENABLED, DISABLED])
def test_schedule_leads_to_pending_with_a_date(dialect: str, state: str) -> None:
    prediction = oracle(dialect).predict(KeyModel(state), "schedule", NOW, 7)
    assert prediction.refusal is None
    assert prediction.after == KeyModel(PENDING, state, NOW + timedelta(days=7))


@pytest.mark.parametrize(("dialect", "maximum"), [("huawei", 1096), ("alibaba", 30)])
def test_windows_beyond_the_bounds_are_refused(dialect: str, maximum: int) -> None:
    for days, refusal in ((6, "window_out_of_range"), (7, None), (maximum, None), (maximum + 1, "window_out_of_range")):
        assert oracle(dialect).predict(KeyModel(ENABLED), "schedule", NOW, days).refusal == refusal


@BOTH
def test_pending_key_is_not_scheduled_again(dialect: str) -> None:
    pending = KeyModel(PENDING, ENABLED, NOW + timedelta(days=7))
    prediction = oracle(dialect).predict(pending, "schedule", NOW, 30)
    assert (prediction.refusal, prediction.after, prediction.requirement) == (
        "already_pending",
        pending,
        "schedule.twice",
    )


@pytest.mark.parametrize(
    ("dialect", "before", "states"),
    [
        ("huawei", ENABLED, (DISABLED,)),
        ("huawei", DISABLED, (DISABLED,)),
        ("alibaba", ENABLED, (ENABLED,)),
        ("alibaba", DISABLED, (ENABLED, DISABLED)),
    ],
)
def test_cancel_leads_where_the_profile_says(dialect: str, before: str, states: tuple[str, ...]) -> None:
    pending = KeyModel(PENDING, before, NOW + timedelta(days=7))
    prediction = oracle(dialect).predict(pending, "cancel", NOW)
    assert (prediction.refusal, prediction.states, prediction.after.deletion_at) == (None, states, None)


@BOTH
@pytest.mark.parametrize("state", [ENABLED, DISABLED])
def test_cancel_of_what_is_not_pending_is_refused(dialect: str, state: str) -> None:
    prediction = oracle(dialect).predict(KeyModel(state), "cancel", NOW)
    assert (prediction.refusal, prediction.requirement) == ("not_pending", f"cancel.not-pending.{state}")


@BOTH
def test_key_is_there_until_its_date_and_gone_from_it_on(dialect: str) -> None:
    date = NOW + timedelta(days=7)
    pending = KeyModel(PENDING, ENABLED, date)
    assert pending.at(date - timedelta(seconds=1)).state == PENDING
    assert pending.at(date).state == GONE
    assert oracle(dialect).predict(pending, "cancel", date).refusal == "unknown_key"


@pytest.mark.parametrize(("dialect", "refusal"), [("huawei", "not_disabled"), ("alibaba", None)])
def test_enabling_an_enabled_key_differs_by_dialect(dialect: str, refusal: str | None) -> None:
    assert oracle(dialect).predict(KeyModel(ENABLED), "enable", NOW).refusal == refusal
