"""Differences between answers, ignored differences, and the side that the documents support."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kms_conformance.apps.differential.answers import BrokenRequirement, NormalizedAnswer
from kms_conformance.apps.differential.difference import AnswerComparison, compare_recordings
from kms_conformance.apps.differential.recording import AnswerRecording, RecordedAnswer
from kms_conformance.apps.differential.table import show
from kms_conformance.report.text.screen import Screen

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
ASKED = {"operation": "schedule", "state": "pending_deletion", "arguments": {"key_id": "<key>"}, "variation": ""}
JUDGED = ("answer", "state", "date", "content type", "body")
REFUSED = NormalizedAnswer(
    "answered",
    status=400,
    code="AlreadyPending",
    content_type="application/json",
    body={"Code": "<code>"},
    after="pending_deletion",
    judged=JUDGED,
)
ACCEPTED = replace(
    REFUSED,
    accepted=True,
    status=200,
    code=None,
    body={"KeyId": "<key>"},
    breaks=(BrokenRequirement("answer", "schedule.twice", "400 AlreadyPending"),),
)


def recording(*given: NormalizedAnswer, name: str = "one", **changed: Any) -> AnswerRecording:
    entries = tuple(
        RecordedAnswer(f"question-{place}", f"ask number {place}", ASKED | {"variation": f"{place}"}, answer)
        for place, answer in enumerate(given)
    )
    made = AnswerRecording(name, "aws", "documents", "https://kms", NOW, "1", "sha256:" + "0" * 64, 0, entries, 1, 1)
    return replace(made, **changed)


def compared(a: NormalizedAnswer, b: NormalizedAnswer) -> AnswerComparison:
    return compare_recordings(recording(a), recording(b, name="two"), NOW)


def shown(comparison: AnswerComparison, width: int) -> str:
    console = Screen(width=width)
    with console.capture() as captured:
        show(comparison, console)
    return captured.get()


def test_the_same_answers_are_no_difference() -> None:
    found = compared(REFUSED, REFUSED)
    assert (found.differences, found.not_compared, found.warnings, found.compared, found.exit_code) == (
        (),
        (),
        (),
        1,
        0,
    )
    assert "No difference in 1 question." in shown(found, 80)


def test_the_documents_support_one_side() -> None:
    found = compared(ACCEPTED, REFUSED)
    [difference] = found.differences
    assert (difference.aspect, difference.a, difference.b) == (
        "answer",
        "200, then pending_deletion",
        "400 AlreadyPending",
    )
    assert (difference.supports, found.exit_code) == ("b", 1)
    assert difference.documents_a.requirements == ("schedule.twice",)


@pytest.mark.parametrize("width", [50, 79, 120, 200])
def test_the_difference_can_be_read_at_every_width(width: int) -> None:
    text = shown(compared(ACCEPTED, REFUSED), width)
    words = " ".join(text.replace("│", " ").split())
    assert "ask number 0" in words
    for said in ("AlreadyPending", "schedule.twice", "documented", "1 with different outcomes"):
        assert said in words
    assert max(map(len, text.splitlines()[3:])) <= width


def test_what_documents_leave_open_is_told_and_nobody_is_accused() -> None:
    for other, supports in (
        (replace(REFUSED, code="Pending"), "both"),
        (replace(REFUSED, code="P", judged=()), "open"),
    ):
        [difference] = compared(REFUSED, other).differences
        assert difference.supports == supports


def test_an_effect_of_a_wrong_answer_is_never_as_documented() -> None:
    dated = {"<time>": {"since": "scheduling", "days": 8, "late_seconds": 0, "whole": None, "written": ""}}
    [difference] = compared(ACCEPTED, replace(ACCEPTED, date=dated)).differences
    assert (difference.aspect, difference.b) == ("date", "8 days after scheduling")
    assert difference.supports == "neither"


def test_fields_that_are_missing_or_other_are_named() -> None:
    broken = BrokenRequirement("body", "schedule.reply.key-state", "a field KeyState", "KeyState")
    a = replace(ACCEPTED, breaks=(broken,), body={"KeyId": "<key>", "Same": [1, {"x": True}]})
    b = replace(a, breaks=(), body={"KeyId": "arn:<key>", "KeyState": "P", "Same": [1, {"x": True}]})
    found = {difference.field: difference for difference in compared(a, b).differences}
    assert set(found) == {"KeyId", "KeyState"}
    assert (found["KeyState"].a, found["KeyState"].b, found["KeyState"].supports) == ("absent", "P", "b")
    assert found["KeyId"].supports == "both"


def test_true_is_not_one() -> None:
    [difference] = compared(replace(REFUSED, body={"n": 1}), replace(REFUSED, body={"n": True})).differences
    assert (difference.a, difference.b) == ("1", "yes")


def test_a_state_that_only_one_can_be_brought_into_is_a_difference() -> None:
    [difference] = compared(NormalizedAnswer("unprepared", "Could not disable."), REFUSED).differences
    assert (difference.aspect, difference.a, difference.supports) == ("preparation", "Could not disable.", "open")


@pytest.mark.parametrize(
    ("a", "b", "code"),
    [
        (NormalizedAnswer("left_out", "no time_control"), REFUSED, 3),
        (NormalizedAnswer("unprepared", "no"), NormalizedAnswer("unprepared", "no"), 3),
        (NormalizedAnswer("unanswered", "No reply"), REFUSED, 3),
    ],
)
def test_nothing_compared_is_no_agreement(a: NormalizedAnswer, b: NormalizedAnswer, code: int) -> None:
    found = compared(a, b)
    assert (found.differences, found.compared, found.exit_code) == ((), 0, code)
    assert "Nothing could be compared." in shown(found, 80)
    assert a.reason in shown(found, 80)


def test_what_the_user_does_not_offer_is_told_and_does_not_spoil_the_rest() -> None:
    a, b = recording(REFUSED, NormalizedAnswer("left_out", "no time_control")), recording(REFUSED, REFUSED)
    found = compare_recordings(a, b, NOW)
    assert (found.compared, found.exit_code, len(found.not_compared)) == (1, 0, 1)


def test_an_unanswered_question_leaves_the_whole_open() -> None:
    a, b = recording(REFUSED, NormalizedAnswer("unanswered", "No reply")), recording(REFUSED, REFUSED)
    assert compare_recordings(a, b, NOW).exit_code == 3


def test_old_evidence_warns() -> None:
    old = recording(REFUSED, name="cloud", recorded=NOW - timedelta(days=91))
    found = compare_recordings(old, recording(REFUSED), NOW)
    assert len(found.warnings) == 1
    assert "cloud was recorded 91 days ago" in shown(found, 200)
    assert "recorded 91 days ago" in shown(found, 200)
    recent = recording(REFUSED, recorded=NOW - timedelta(days=89))
    assert compare_recordings(recent, recording(REFUSED), NOW).warnings == ()


def test_other_questions_are_not_compared() -> None:
    a, b = recording(ACCEPTED, REFUSED), recording(REFUSED, REFUSED)
    other = replace(b.entries[0], asked=ASKED | {"arguments": {"window": 9}})
    found = compare_recordings(a, replace(b, entries=(other, b.entries[1])), NOW)
    assert (found.compared, found.differences) == (1, ())
    assert "questions differ" in found.warnings[0]


def test_alike_differences_are_told_once() -> None:
    html = replace(REFUSED, content_type="text/html")
    text = shown(compare_recordings(recording(*[html] * 5), recording(*[REFUSED] * 5, name="two"), NOW), 120)
    assert text.count("text/html") == 1
    assert "and 4 more" in text
