"""Comparisons of emulators: no difference from itself; a fault is found as a difference."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from emulator_recordings import emulator, recorded, target_of

from kms_conformance.apps import differential as comparing
from kms_conformance.apps.differential import AnswerComparison, AnswerRecording, compare_recordings
from kms_conformance.apps.selftest.faults import FAULTS
from kms_conformance.emulator import Decisions, Emulator

NOW = datetime.now(UTC)
FAULT = {fault.name: fault for fault in FAULTS if "huawei" in fault.dialects}


@pytest.mark.sampled(1)
@pytest.mark.parametrize(
    ("dialect", "seed"), [("huawei", 0), ("huawei", 1), ("alibaba", 2), ("alibaba", 3), ("aws", 4)]
)
def test_the_same_service_does_not_differ(dialect: str, seed: int) -> None:
    """Two accounts of the emulator, on two ports, with other keys in them."""
    with emulator(dialect, foreign_keys=1) as one, emulator(dialect, foreign_keys=4) as two:
        first, second = recorded(one, seed), recorded(two, seed)
    found = compare_recordings(first, second, NOW)
    assert found.differences == ()
    assert found.not_compared == ()
    assert found.compared == len(first.entries) >= 79
    assert found.exit_code == 0
    # The documents support every answer of the emulator.
    assert [broken for entry in first.entries for broken in entry.answer.breaks] == []
    assert all(entry.answer.judged for entry in first.entries)


@contextmanager
def faulty(name: str) -> Iterator[Emulator]:
    fault = FAULT[name]
    decisions = type("Deviating", fault.decisions or (Decisions,), {})
    with emulator("huawei", decisions=decisions, filters=fault.filters) as served:
        yield served


def against(faultless: AnswerRecording, name: str) -> AnswerComparison:
    with faulty(name) as served:
        return compare_recordings(faultless, recorded(served), NOW)


def outcomes(found: AnswerComparison) -> set[tuple[str, str, str, str]]:
    return {(one.question, one.aspect, one.a, one.b) for one in found.differences}


def test_a_key_that_can_be_scheduled_twice(faultless: AnswerRecording) -> None:
    found = against(faultless, "schedule-twice-accepted")
    answers = "400 KMS.1402", "200, then pending_deletion until 8 days after scheduling"
    assert outcomes(found) == {("schedule.pending-deletion", "answer", *answers)}
    [difference] = found.differences
    assert difference.supports == "a"
    assert difference.documents_b.requirements == ("schedule.twice",)


def test_another_code(faultless: AnswerRecording) -> None:
    found = against(faultless, "cancel-refused-wrong-code")
    questions = {"cancel.enabled", "cancel.disabled", "cancel.cancelled"}
    assert {one.question for one in found.differences} == questions
    assert {one.aspect for one in found.differences} == {"answer"}
    assert {one.supports for one in found.differences} == {"a"}
    assert {name for one in found.differences for name in one.documents_b.requirements} == {
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        "cancel.not-pending.cancelled",
    }


def test_a_date_in_local_time(faultless: AnswerRecording) -> None:
    found = against(faultless, "date-in-local-time")
    assert {one.aspect for one in found.differences} == {"date"}
    assert all(" h 00 min after scheduling" in one.b for one in found.differences)
    # Also for questions that only read the key, and for dates in replies.
    assert {one.supports for one in found.differences} == {"a"}
    assert {one.field for one in found.differences} == {"", "key_info.scheduled_deletion_date"}
    dated = {one.question for one in found.differences}
    assert {"schedule.minimum", "schedule.maximum", "describe.pending-deletion"} <= dated
    by_question = {one.question: one for one in found.differences if not one.field}
    assert by_question["schedule.minimum"].supports == "a"
    assert by_question["schedule.minimum"].documents_b.requirements == ("schedule.window.start",)


def test_a_reply_that_lacks_a_field(faultless: AnswerRecording) -> None:
    found = against(faultless, "error-without-message")
    assert {(one.aspect, one.b) for one in found.differences} == {("body", "absent")}
    assert {one.supports for one in found.differences} == {"a"}
    assert {name for one in found.differences for name in one.documents_b.requirements} == {"error.shape"}


def test_a_state_that_cannot_be_reached_is_told_and_the_rest_is_asked(faultless: AnswerRecording) -> None:
    """The endpoint schedules no enabled key: pending keys cannot be prepared, and keys cannot be released."""
    with faulty("schedule-refuses-enabled-keys") as served:
        other = comparing.record(target_of(served))
    found = compare_recordings(faultless, other, NOW)
    aspects = {one.question: one.aspect for one in found.differences}
    assert aspects["schedule.minimum"] == "answer"
    assert aspects["describe.pending-deletion"] == "preparation"
    assert "describe.enabled" not in aspects
    assert found.exit_code == 1
    assert len(other.left) == other.keys_created


def test_keys_that_are_deleted_at_once_are_no_more_than_may_be_created(faultless: AnswerRecording) -> None:
    with faulty("schedule-deletes-at-once") as served:
        other = comparing.record(target_of(served))
    assert other.keys_created <= 2
    found = compare_recordings(faultless, other, NOW)
    assert found.exit_code == 1
    first = next(one for one in found.differences if one.aspect in ("answer", "state", "preparation"))
    assert "pending" in first.title
