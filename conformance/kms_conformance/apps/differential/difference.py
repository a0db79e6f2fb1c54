"""Differences between two recordings, question by question, each with the side that the documents support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kms_conformance.apps.differential.answers import BrokenRequirement, NormalizedAnswer
from kms_conformance.apps.differential.recording import AnswerRecording, RecordedAnswer
from kms_conformance.apps.differential.timestamps import SCHEDULING, RelativeTime
from kms_conformance.client.oracle import PENDING
from kms_conformance.core.text import shortened

FORMAT = 1
KIND = "kms-conformance comparison"
# A comparison warns of recordings that are older than this number of days, because clouds change.
MOST_DAYS = 90
Supports = Literal["a", "b", "both", "neither", "open"]
_EFFECTS = frozenset({"state", "date"})
_ABSENT = "absent"
_MOST = 160


@dataclass(frozen=True)
class AnswerSide:
    """Judgement of the answer of one side, by the documents of its own target, about the aspect that differs.

    - `judged`: whether the documents decide the aspect.
    - `requirements`: the ids of the requirements that the answer breaks.
    - `expected`: the documented values, in words.
    """

    judged: bool
    requirements: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One difference between the answers of target A and target B to the same question.

    - `question`, `title`: the id of the question, and its title.
    - `aspect`: the part of the answers that differs, such as "state" or "body"; or "preparation": the key could be
      brought into the state of the question at only one of the targets.
    - `field`: for a value in the body, its path; for a fact, its name; "" for any other value.
    - `a`, `b`: the value of A and the value of B, as text.
    - `documents_a`, `documents_b`: the judgement of each value by the documents of its target.
    """

    question: str
    title: str
    aspect: str
    field: str
    a: str
    b: str
    documents_a: AnswerSide
    documents_b: AnswerSide

    @property
    def supports(self) -> Supports:
        """The answers that the documents support; "open" unless the documents decide the aspect for both sides."""
        if not (self.documents_a.judged and self.documents_b.judged):
            return "open"
        wrong = bool(self.documents_a.requirements), bool(self.documents_b.requirements)
        return {(False, False): "both", (True, True): "neither", (False, True): "a", (True, False): "b"}[wrong]  # type: ignore[return-value]  # each value is one of the literals


@dataclass(frozen=True)
class NotCompared:
    """Question that could not be compared; `a` and `b` are the reasons on side A and on side B, "" for none."""

    question: str
    title: str
    a: str
    b: str
    unanswered: bool


@dataclass(frozen=True)
class AnswerComparison:
    """Comparison of the recordings `a` and `b` at the time `at` (aware, UTC).

    `compared` counts the questions that both targets answered, or that one answered and the other could not prepare.
    """

    a: AnswerRecording
    b: AnswerRecording
    at: datetime
    compared: int
    differences: tuple[Difference, ...]
    not_compared: tuple[NotCompared, ...]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """The exit code: 1 for any difference; else 3 if a reply is missing or no question was compared; else 0."""
        if self.differences:
            return 1
        return 3 if not self.compared or any(skipped.unanswered for skipped in self.not_compared) else 0

    def age_days(self, recording: AnswerRecording) -> int:
        """The age of a recording at the time of the comparison, in days."""
        return (self.at - recording.recorded).days


def compare_recordings(a: AnswerRecording, b: AnswerRecording, at: datetime) -> AnswerComparison:
    """Compare two recordings of one dialect at the time `at` (aware, UTC). Questions are compared if they are equal."""
    answers = {entry.question: entry for entry in b.entries}
    differences: list[Difference] = []
    skipped: list[NotCompared] = []
    compared = 0
    for entry in a.entries:
        other = answers.get(entry.question)
        if other is None or other.asked != entry.asked:
            skipped.append(NotCompared(entry.question, entry.title, "", "its question was different", unanswered=False))
            continue
        reason = _not_compared(entry, other)
        if reason is not None:
            skipped.append(reason)
            continue
        compared += 1
        differences += _differences(entry, entry.answer, other.answer)
    return AnswerComparison(a, b, at, compared, tuple(differences), tuple(skipped), tuple(_warnings(a, b, at)))


def _not_compared(a: RecordedAnswer, b: RecordedAnswer) -> NotCompared | None:
    outcomes = {a.answer.outcome, b.answer.outcome}
    if outcomes in ({"answered"}, {"answered", "unprepared"}):
        return None
    return NotCompared(a.question, a.title, a.answer.reason, b.answer.reason, "unanswered" in outcomes)


def _differences(entry: RecordedAnswer, a: NormalizedAnswer, b: NormalizedAnswer) -> Iterator[Difference]:
    for aspect, field, left, right in _different_values(a, b):
        sides = (_side(answer, aspect, field) for answer in (a, b))
        yield Difference(entry.question, entry.title, aspect, field, left[:_MOST], right[:_MOST], *sides)


_Values = tuple[str, str, str, str]


def _different_values(a: NormalizedAnswer, b: NormalizedAnswer) -> Iterator[_Values]:
    """(aspect, field, value of A, value of B) for every difference between two answers."""
    if a.outcome != b.outcome:
        yield "preparation", "", _prepared(a), _prepared(b)
        return
    if (a.accepted, a.status, a.code) != (b.accepted, b.status, b.code):
        yield "answer", "", _answered(a), _answered(b)
    # The effects and the bodies are compared only if both targets accepted the request or both refused it.
    if a.accepted == b.accepted:
        yield from _effects(a, b)
        yield from _bodies(a.body, b.body, "")


def _effects(a: NormalizedAnswer, b: NormalizedAnswer) -> Iterator[_Values]:
    if a.content_type != b.content_type:
        yield "content type", "", a.content_type or "none", b.content_type or "none"
    if a.after != b.after:
        yield "state", "", str(a.after), str(b.after)
    elif not _same(a.date, b.date):
        yield "date", "", _shown(a.date), _shown(b.date)
    for name in sorted({*a.facts, *b.facts}):
        left, right = (_shown(answer.facts.get(name)) for answer in (a, b))
        if left != right:
            yield "fact", name, left, right


def _side(answer: NormalizedAnswer, aspect: str, field: str) -> AnswerSide:
    if aspect == "preparation":
        return AnswerSide(judged=False)
    found = [broken for broken in answer.breaks if _is_about(broken, answer, aspect, field)]
    judged = (field if aspect == "fact" else aspect) in answer.judged or bool(found)
    requirements = tuple(dict.fromkeys(broken.requirement for broken in found))
    return AnswerSide(judged, requirements, tuple(dict.fromkeys(broken.expected for broken in found)))


def _is_about(broken: BrokenRequirement, answer: NormalizedAnswer, aspect: str, field: str) -> bool:
    """Whether a broken requirement is about the difference in this aspect and field."""
    if aspect == "answer":
        # A wrong effect (state or date) makes the answer wrong too: if only one target accepted the request, the
        # effects are not compared on their own.
        return broken.aspect == "answer" or (broken.aspect in _EFFECTS and not broken.field)
    if aspect in _EFFECTS and broken.aspect == "answer":
        # If the target accepted a request that it had to refuse, the effects of the request are wrong too.
        return answer.accepted
    if broken.aspect != aspect:
        return False
    if aspect == "body":
        parts = [part.partition("[")[0] for part in field.split(".")]
        return broken.field in ("", "body", *parts)
    return aspect != "fact" or broken.field == field


def _answered(answer: NormalizedAnswer) -> str:
    reply = f"{answer.status} {answer.code}" if answer.code else f"{answer.status}"
    if not answer.accepted:
        return reply
    date = RelativeTime.from_json(answer.date)
    return f"{reply}, then {answer.after}" + (f" until {date}" if date and answer.after == PENDING else "")


def _prepared(answer: NormalizedAnswer) -> str:
    return "can be prepared" if answer.outcome == "answered" else answer.reason


def _same(a: Any, b: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two values of a body are equivalent."""
    left, right = RelativeTime.from_json(a), RelativeTime.from_json(b)
    if left is not None and right is not None:
        return left.agrees(right)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def _bodies(a: Any, b: Any, path: str) -> Iterator[_Values]:  # noqa: ANN401 - JSON
    """The differences between two bodies, or between the values at the same `path` in two bodies."""
    moments = [RelativeTime.from_json(value) for value in (a, b)]
    if isinstance(a, Mapping) and isinstance(b, Mapping) and not any(moments):
        for name in dict.fromkeys([*a, *b]):
            place = f"{path}.{name}" if path else name
            if name in a and name in b:
                yield from _bodies(a[name], b[name], place)
            else:
                left, right = (_shown(body[name]) if name in body else _ABSENT for body in (a, b))
                yield "body", shortened(place), left, right
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for number, (left, right) in enumerate(zip(a, b, strict=True)):
            yield from _bodies(left, right, f"{path}[{number}]")
    elif not _same(a, b):
        # A time relative to the scheduling is judged as the deletion date, whatever the name of its field is.
        dates = all(moment is not None and moment.since == SCHEDULING for moment in moments)
        yield "date" if dates else "body", shortened(path) or "the whole", _shown(a), _shown(b)


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as text; long texts are shortened so that different values stay different."""
    return shortened(_worded(value))


def _worded(value: Any) -> str:  # noqa: ANN401 - JSON
    found = RelativeTime.from_json(value)
    if found is not None:
        return str(found)
    if isinstance(value, Mapping):
        return "{" + ", ".join(value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_worded, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return {None: "none", "": '""'}.get(value, str(value))


def _warnings(a: AnswerRecording, b: AnswerRecording, at: datetime) -> Iterator[str]:
    for recording in (a, b):
        days = (at - recording.recorded).days
        if days > MOST_DAYS:
            yield f"{recording.name} was recorded {days} days ago; its answers may have changed. Record it again."
        if days < 0:
            yield f"{recording.name} was recorded in the future: one of the two clocks is wrong."
    if a.digest != b.digest:
        yield "The questions differ (other seed, profile or version): only equal questions are compared."
    for what, first, second in (("profiles", a.profile, b.profile), ("suite versions", a.version, b.version)):
        if first != second:
            yield f"The {what} differ ({first} and {second}): each side is judged by its own."
    if a.version == b.version and a.specs_digest != b.specs_digest:
        yield "The specs differ: requirements of the same id may have different contents."
