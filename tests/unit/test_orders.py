"""Two answers and the state after them are explained by one of two orders, or by none."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from kms_conformance.catalogue.api import CHANGES
from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING, KeyModel, Oracle
from kms_conformance.client.orders import AnsweredRequest, Explanation, explanation

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DIALECTS = ("huawei", "alibaba", "aws")
OLD, SHORT, LONG = 8, 11, 14


def key(state: str, days: int | None = None) -> KeyModel:
    return KeyModel(state, DISABLED, None if days is None else NOW + timedelta(days=days))


def asked(text: str) -> AnsweredRequest:
    """`schedule 11 +` was accepted, `cancel -` was refused."""
    operation, *window, sign = text.split()
    return AnsweredRequest(operation, sign == "+", int(window[0]) if window else None)


def found(dialect: str, before: KeyModel, one: str, other: str, after: KeyModel) -> set[Explanation]:
    """The explanation for both orders in which the two can be given."""
    oracle, pair = Oracle(Profile.load(dialect)), (asked(one), asked(other))

    def shows(model: KeyModel) -> bool:
        return (model.state, model.deletion_at) == (after.state, after.deletion_at)

    return {explanation(oracle, before, each, NOW, shows) for each in (pair, pair[::-1])}


SHORT_AND_LONG = f"schedule {SHORT} +", f"schedule {LONG} +"
# state before, answers, key after, explanation: in every dialect
EVERYWHERE = [
    # Two schedules: one is carried out, and its date is kept.
    (key(ENABLED), f"schedule {SHORT} +", f"schedule {LONG} -", key(PENDING, SHORT), "explained"),
    (key(ENABLED), f"schedule {SHORT} -", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(ENABLED), f"schedule {SHORT} +", f"schedule {LONG} -", key(PENDING, LONG), "lost"),
    (key(ENABLED), *SHORT_AND_LONG, key(PENDING, LONG), "lost"),
    (key(ENABLED), *SHORT_AND_LONG, key(PENDING, SHORT), "lost"),
    (key(ENABLED), *SHORT_AND_LONG, key(ENABLED), "lost"),
    (key(ENABLED), f"schedule {SHORT} -", f"schedule {LONG} -", key(ENABLED), "refused"),
    (key(ENABLED), f"schedule {SHORT} -", f"schedule {LONG} -", key(PENDING, LONG), "lost"),
    # Cancel and schedule of a pending key.
    (key(PENDING, OLD), "cancel +", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(PENDING, OLD), "cancel +", f"schedule {LONG} +", key(PENDING, OLD), "lost"),
    (key(PENDING, OLD), "cancel +", f"schedule {LONG} +", key(DISABLED), "lost"),
    (key(PENDING, OLD), "cancel +", f"schedule {LONG} -", key(PENDING, LONG), "lost"),
    (key(PENDING, OLD), "cancel -", f"schedule {LONG} -", key(PENDING, OLD), "refused"),
    (key(PENDING, OLD), "cancel -", f"schedule {LONG} +", key(PENDING, LONG), "lost"),
    # Two cancels.
    (key(PENDING, OLD), "cancel +", "cancel -", key(PENDING, OLD), "lost"),
    (key(PENDING, OLD), "cancel +", "cancel +", key(PENDING, OLD), "lost"),
    (key(PENDING, OLD), "cancel -", "cancel -", key(PENDING, OLD), "refused"),
    # Enable and schedule of a disabled key.
    (key(DISABLED), "enable +", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(DISABLED), "enable -", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(DISABLED), "enable +", f"schedule {LONG} -", key(ENABLED), "refused"),
    (key(DISABLED), "enable +", f"schedule {LONG} +", key(ENABLED), "lost"),
    (key(DISABLED), "enable +", f"schedule {LONG} +", key(ENABLED, LONG), "lost"),
    (key(DISABLED), "enable +", f"schedule {LONG} +", key(PENDING), "lost"),
    # A use is served or not; the change that was accepted must show.
    (key(ENABLED), "encrypt +", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(ENABLED), "encrypt -", f"schedule {LONG} +", key(PENDING, LONG), "explained"),
    (key(ENABLED), "encrypt +", f"schedule {LONG} +", key(ENABLED), "lost"),
    (key(PENDING, OLD), "generate_data_key +", "cancel -", key(PENDING, OLD), "refused"),
]
AFTER_CANCEL = {"huawei": DISABLED, "alibaba": ENABLED, "aws": DISABLED}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("before", "one", "other", "after", "expected"), EVERYWHERE)
def test_explanations(
    dialect: str, before: KeyModel, one: str, other: str, after: KeyModel, expected: Explanation
) -> None:
    assert found(dialect, before, one, other, after) == {expected}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_after_a_cancel_the_key_is_where_the_profile_says(dialect: str) -> None:
    after, pending = key(AFTER_CANCEL[dialect]), key(PENDING, OLD)
    for before, one, other, expected in (
        (key(ENABLED), f"schedule {LONG} +", "cancel +", "explained"),
        (pending, f"schedule {LONG} -", "cancel +", "explained"),
        (pending, "cancel +", "cancel -", "explained"),
        (pending, "cancel +", "cancel +", "doubled"),
    ):
        assert found(dialect, before, one, other, after) == {expected}
    assert found(dialect, pending, "cancel +", "cancel +", key(after.state, OLD)) == {"lost"}


def test_only_where_a_second_enable_is_refused_it_is_one_too_many() -> None:
    expected = {"huawei": {"doubled"}, "alibaba": {"explained"}, "aws": {"explained"}}
    for dialect in DIALECTS:
        assert found(dialect, key(DISABLED), "enable +", "enable +", key(ENABLED)) == expected[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_the_documents_give_one_after_the_other_is_explained(dialect: str) -> None:
    """Every pair of changes in every state, carried out in either order, is explained."""
    oracle = Oracle(Profile.load(dialect))
    windows = {0: SHORT, 1: LONG}
    for before in (key(ENABLED), key(DISABLED), key(PENDING, OLD)):
        for operations in itertools.product(CHANGES, repeat=2):
            model, answers = before, []
            for place, operation in enumerate(operations):
                window = windows[place] if operation == "schedule" else None
                prediction = oracle.predict(model, operation, NOW, window)
                model = prediction.after
                answers.append(AnsweredRequest(operation, prediction.refusal is None, window))
            end = model

            def shows(other: KeyModel, end: KeyModel = end) -> bool:
                return (other.state, other.deletion_at) == (end.state, end.deletion_at)

            for pair in ((answers[0], answers[1]), (answers[1], answers[0])):
                assert explanation(oracle, before, pair, NOW, shows) == "explained", (before, operations)
