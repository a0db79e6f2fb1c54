"""The oracle's predictions, state by state, are the facts of the profile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT, KeyModel, Oracle, Prediction

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


def pending(before: str = ENABLED) -> KeyModel:
    return KeyModel(PENDING, before, NOW + timedelta(days=7))


def test_key_that_is_gone_remembers_what_it_was_and_one_without_a_date_stays() -> None:
    assert pending(DISABLED).at(NOW + timedelta(days=7)) == KeyModel(GONE, DISABLED)
    assert KeyModel(ENABLED).at(NOW) == KeyModel(ENABLED)


@BOTH
@pytest.mark.parametrize(
    ("operation", "state", "requirement", "after"),
    [
        ("schedule", ENABLED, "schedule.state-after", PENDING),
        ("encrypt", ENABLED, "state.enabled", ENABLED),
        ("decrypt", ENABLED, "state.enabled", ENABLED),
        ("generate_data_key", ENABLED, "state.enabled", ENABLED),
        ("disable", ENABLED, "lifecycle.sequence", DISABLED),
        ("enable", DISABLED, "lifecycle.sequence", ENABLED),
        ("describe", DISABLED, "lifecycle.sequence", DISABLED),
    ],
)
def test_what_is_accepted_leads_to_one_state_and_is_some_requirement_s(
    dialect: str, operation: str, state: str, requirement: str, after: str
) -> None:
    prediction = oracle(dialect).predict(KeyModel(state), operation, NOW, 7)
    assert (prediction.refusal, prediction.requirement, prediction.states) == (None, requirement, (after,))
    assert prediction.after.state == after


@BOTH
def test_cancelling_is_the_requirement_of_its_effect_and_leaves_nothing_scheduled(dialect: str) -> None:
    prediction = oracle(dialect).predict(pending(), "cancel", NOW)
    assert (prediction.requirement, prediction.refusal) == ("cancel.effect", None)
    assert prediction.after == KeyModel(Profile.load(dialect).after_cancel)


@BOTH
@pytest.mark.parametrize(
    ("operation", "key", "requirement"),
    [
        ("encrypt", pending(), "pending.encrypt"),
        ("generate_data_key", pending(), "pending.generate-data-key"),
        ("enable", pending(), "pending.enable"),
        ("schedule", pending(), "schedule.twice"),
        ("encrypt", KeyModel(DISABLED), "state.disabled"),
        ("cancel", KeyModel(PENDING_IMPORT), "cancel.not-pending.pending_import"),
    ],
)
def test_what_a_state_refuses_changes_nothing_and_breaks_the_requirement_of_that_state(
    dialect: str, operation: str, key: KeyModel, requirement: str
) -> None:
    prediction = oracle(dialect).predict(key, operation, NOW, 7)
    refusal = Profile.load(dialect).refusal_in(operation, key.state)
    assert refusal is not None
    assert prediction == Prediction(refusal, key, requirement, (key.state,))


def test_enabling_twice_and_disabling_twice_are_the_sequence_s_affair() -> None:
    for operation, state in (("enable", ENABLED), ("disable", DISABLED)):
        prediction = oracle("huawei").predict(KeyModel(state), operation, NOW)
        assert (prediction.refusal is None, prediction.requirement) == (False, "lifecycle.sequence")


@BOTH
@pytest.mark.parametrize(
    ("operation", "requirement"),
    [("cancel", "expiry.no-cancel"), ("schedule", "expiry.gone"), ("describe", "expiry.gone")],
)
def test_key_that_is_gone_is_unknown_to_every_operation(dialect: str, operation: str, requirement: str) -> None:
    gone = KeyModel(GONE)
    assert oracle(dialect).predict(gone, operation, NOW, 7) == Prediction("unknown_key", gone, requirement, (GONE,))


@BOTH
def test_no_window_is_never_valid_and_a_bad_one_is_refused_in_every_state(dialect: str) -> None:
    for key, days, requirement in (
        (KeyModel(ENABLED), None, "lifecycle.sequence"),
        (KeyModel(DISABLED), 6, "lifecycle.sequence"),
        (pending(), 6, "schedule.twice"),
    ):
        prediction = oracle(dialect).predict(key, "schedule", NOW, days)
        assert prediction == Prediction("window_out_of_range", key, requirement, (key.state,))


@BOTH
def test_window_is_of_no_account_to_other_operations(dialect: str) -> None:
    assert oracle(dialect).predict(KeyModel(DISABLED), "enable", NOW, 1).after == KeyModel(ENABLED)
    assert oracle(dialect).predict(KeyModel(ENABLED), "encrypt", NOW, 1).refusal is None
