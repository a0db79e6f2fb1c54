"""Bounds of the window (the waiting period in days, as a request gives it).

Windows within the bounds are accepted, and windows beyond the bounds are refused without an effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import Raw
from kms_conformance.suite.marks import requirement
from kms_conformance.suite.scenario import Scenario

# More than the tolerance of any profile for dates, and much less than the shortest waiting period.
_PASSING = timedelta(hours=2)


@requirement("schedule.window.start", "schedule.window.exact")
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_window_between_the_bounds_is_dated(kms: Scenario, share: float) -> None:
    key = kms.key(ENABLED)
    days = kms.window.minimum + round((kms.window.maximum - kms.window.minimum) * share)
    asked_at = kms.time.now()
    answer = kms.accepts("schedule.state-after", "schedule", key_id=key, window=days, states=[PENDING])
    kms.must_be_date("schedule.window.start", kms.view(key), asked_at, days, answer)


@pytest.mark.moves_clock
@requirement("schedule.window.{bound}", "schedule.window.start", "schedule.window.exact")
@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_bound_is_accepted_and_dated(kms: Scenario, bound: str) -> None:
    """Some time passes first, where the clock can be moved: days are counted from the request, from nothing earlier."""
    key = kms.key(ENABLED)
    days = getattr(kms.window, bound)
    with suppress(Inconclusive):
        kms.time.advance(_PASSING.total_seconds())
    asked_at = kms.time.now()
    answer = kms.accepts(as_id(f"schedule.window.{bound}"), "schedule", key_id=key, window=days, states=[PENDING])
    kms.must_be_date("schedule.window.start", kms.view(key), asked_at, days, answer)


# What is left of these numbers in integers of 32 or 64 bits, and of fewer, is within the bounds of every document.
_BEYOND_32_BITS, _BEYOND_64_BITS = 2**32 + 10, 2**64 + 10

# name of the requirement -> (the window, written in the dialect's type, and the expected refusal)
_REFUSED = {
    "zero": (0, "window_out_of_range"),
    "negative": (-7, "window_negative"),
    "huge": (_BEYOND_64_BITS, "window_huge"),
    "fraction": (7.5, "window_malformed"),
    "text": ("seven", "window_malformed"),
}


# Texts that are no numbers, but that some parser reads: another base, separators, a unit, a sum.
_NO_NUMBERS = ("0x1e", "1_0", "1,0", "7 days", "7+7")


@requirement("schedule.window.{bound}")
@pytest.mark.parametrize(("bound", "step"), [("below-minimum", -1), ("above-maximum", 1)], ids=["below", "above"])
def test_one_day_beyond_is_refused(kms: Scenario, bound: str, step: int) -> None:
    key = kms.key(ENABLED)
    days = step + (kms.window.minimum if step < 0 else kms.window.maximum)
    requirement_id = as_id(f"schedule.window.{bound}")
    kms.refuses(requirement_id, "window_out_of_range", "schedule", key_id=key, window=days, unchanged=[key])


@requirement("schedule.window.{case}")
@pytest.mark.parametrize("case", _REFUSED)
def test_no_window_at_all_is_refused(kms: Scenario, case: str) -> None:
    window, refusal = _REFUSED[case]
    key = kms.key(ENABLED)
    kms.refuses(as_id(f"schedule.window.{case}"), refusal, "schedule", key_id=key, window=window, unchanged=[key])


@requirement("schedule.window.below-minimum", "schedule.window.above-maximum", "schedule.window.huge")
def test_disabled_key_is_refused_windows_out_of_range_too(kms: Scenario) -> None:
    outside: list[tuple[RequirementId, str, object]] = [
        ("schedule.window.below-minimum", "window_out_of_range", kms.window.minimum - 1),
        ("schedule.window.above-maximum", "window_out_of_range", kms.window.maximum + 1),
        ("schedule.window.huge", "window_huge", _BEYOND_32_BITS),
    ]
    _must_stay_disabled(kms, outside)


@requirement("schedule.window.text")
def test_disabled_key_is_refused_what_some_parser_takes_for_a_number(kms: Scenario) -> None:
    _must_stay_disabled(kms, [("schedule.window.text", "window_malformed", Raw(window)) for window in _NO_NUMBERS])


def _must_stay_disabled(kms: Scenario, rows: Sequence[tuple[RequirementId, str, object]]) -> None:
    """Judge that scheduling with each of these windows is refused, and that the key stays disabled."""
    key = kms.key(DISABLED)
    before = kms.view(key)
    for requirement_id, refusal, window in rows:
        answer = kms.ask("schedule", key_id=key, window=window)
        kms.must_be_refused(requirement_id, refusal, answer)
        if answer.accepted:
            kms.pool.bring(key, DISABLED)
    kms.must_be_unchanged(requirement_id, before, kms.read(key), answer)


@requirement("schedule.window.notation")
def test_notation_is_taken_for_what_it_says(kms: Scenario) -> None:
    """The target may read a window in an odd notation, or refuse it without an effect."""
    key = kms.key(ENABLED)
    before = kms.view(key)
    for window, days in kms.dialect.notations:
        asked_at = kms.time.now()
        answer = kms.ask("schedule", key_id=key, window=window)
        if kms.must_be_refused("schedule.window.notation", "window_notation", answer):
            continue
        view = kms.must_read_back("schedule.window.notation", key, [PENDING], answer)
        kms.must_be_date("schedule.window.notation", view, asked_at, days, answer)
        kms.pool.bring(key, ENABLED)
    kms.must_be_unchanged("schedule.window.notation", before, kms.read(key), answer)


@requirement("schedule.window.default")
def test_without_a_window_the_default_counts(kms: Scenario) -> None:
    """The request before has another window, which must not be taken for that of this request."""
    key = kms.key(ENABLED)
    days = kms.window.default
    assert days is not None
    kms.pool.bring(key, PENDING, kms.window.minimum)
    kms.pool.bring(key, ENABLED)
    asked_at = kms.time.now()
    answer = kms.accepts("schedule.window.default", "schedule", key_id=key, states=[PENDING])
    kms.must_be_date("schedule.window.default", kms.view(key), asked_at, days, answer)


@requirement("schedule.window.open")
def test_window_that_no_page_speaks_of(kms: Scenario) -> None:
    """The target may accept such a window within the bounds, or refuse it without an effect; it must not fail."""
    for window in kms.dialect.open_windows:
        key = kms.key(ENABLED)
        before = kms.view(key)
        asked_at = kms.time.now()
        answer = kms.ask("schedule", key_id=key, window=window)
        fine = answer.status < 500
        kms.judge.that("schedule.window.open", fine, "no server error", answer.summary, (answer.number,))
        if answer.status // 100 != 2:
            kms.must_be_unchanged("schedule.window.open", before, kms.read(key), answer)
        elif answer.accepted:
            view = kms.must_read_back("schedule.window.open", key, [PENDING], answer)
            kms.must_be_within_bounds("schedule.window.open", view, asked_at, answer)


@requirement("schedule.window.{case}")
@pytest.mark.parametrize(
    ("case", "refusal"),
    [("empty", "window_empty"), ("absent", "window_missing"), ("other-type", "window_other_type")],
    ids=["empty", "absent", "other type"],
)
def test_window_that_documents_may_leave_open(kms: Scenario, case: str, refusal: str) -> None:
    """The window must be refused without an effect. If the profile leaves it open, it may also be accepted.

    After an accepted request, the deletion date must be within the bounds.
    """
    key = kms.key(ENABLED)
    before = kms.view(key)
    written: dict[str, dict[str, object]] = {
        "empty": {"window": Raw("")},
        "absent": {},
        "other-type": {
            "window": Raw(kms.window.minimum if kms.window.wire_type == "string" else str(kms.window.minimum))
        },
    }
    requirement_id = as_id(f"schedule.window.{case}")
    asked_at = kms.time.now()
    answer = kms.ask("schedule", key_id=key, **written[case])
    if kms.must_be_refused(requirement_id, refusal, answer, {key: before}):
        return
    view = kms.must_read_back(requirement_id, key, [PENDING], answer)
    if case == "other-type":
        kms.must_be_date(requirement_id, view, asked_at, kms.window.minimum, answer)
    else:
        kms.must_be_within_bounds(requirement_id, view, asked_at, answer)
