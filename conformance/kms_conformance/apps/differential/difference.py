"""Where two recordings differ, question by question, and which side the documents support."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from kms_conformance.apps.differential.answers import Break, Given
from kms_conformance.apps.differential.recording import AnswerRecording, RecordedAnswer
from kms_conformance.apps.differential.timestamps import SCHEDULING, Moment
from kms_conformance.client.oracle import PENDING
from kms_conformance.core.text import shortened

FORMAT = 1
KIND = "kms-conformance comparison"
# Clouds change; what was recorded in the last quarter is taken to hold.
MOST_DAYS = 90
Supports = Literal["a", "b", "both", "neither", "open"]
_EFFECTS = frozenset({"state", "date"})
_ABSENT = "absent"
_MOST = 160


@dataclass(frozen=True)
class AnswerSide:
    """Whether the documents have a say on what one target answers, and the requirements that it breaks there."""

    judged: bool
    requirements: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Difference:
    """One thing that two targets answer differently: to which question, what it is about, and what either answers.

    `field` is the path in the body or the name of the fact. A target that could not be brought into a question's state
    differs in its `preparation` from one that could.
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
        """Whom the documents support; `open` where they have no say on one of the two."""
        if not (self.documents_a.judged and self.documents_b.judged):
            return "open"
        wrong = bool(self.documents_a.requirements), bool(self.documents_b.requirements)
        return {(False, False): "both", (True, True): "neither", (False, True): "a", (True, False): "b"}[wrong]  # type: ignore[return-value]  # a literal each


@dataclass(frozen=True)
class NotCompared:
    """A question that says nothing of the two: why, for either that did not answer it."""

    question: str
    title: str
    a: str
    b: str
    unanswered: bool


@dataclass(frozen=True)
class AnswerComparison:
    """Two recordings compared. `compared` counts the questions that both were asked and answered."""

    a: AnswerRecording
    b: AnswerRecording
    at: datetime
    compared: int
    differences: tuple[Difference, ...]
    not_compared: tuple[NotCompared, ...]
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where they differ, else 3 where one did not answer what it was asked, or nothing was compared, else 0."""
        if self.differences:
            return 1
        return 3 if not self.compared or any(skipped.unanswered for skipped in self.not_compared) else 0

    def age_days(self, recording: AnswerRecording) -> int:
        """How old the evidence of one side is."""
        return (self.at - recording.recorded).days


def compare_recordings(a: AnswerRecording, b: AnswerRecording, at: datetime) -> AnswerComparison:
    """Compare two recordings of one dialect, at a time (aware, UTC). Only what both were asked alike is compared."""
    answers = {entry.question: entry for entry in b.entries}
    differences: list[Difference] = []
    skipped: list[NotCompared] = []
    compared = 0
    for entry in a.entries:
        other = answers.get(entry.question)
        if other is None or other.asked != entry.asked:
            skipped.append(
                NotCompared(entry.question, entry.title, "", "it was asked something else", unanswered=False)
            )
            continue
        reason = _not_compared(entry, other)
        if reason is not None:
            skipped.append(reason)
            continue
        compared += 1
        differences += _differences(entry, entry.given, other.given)
    return AnswerComparison(a, b, at, compared, tuple(differences), tuple(skipped), tuple(_warnings(a, b, at)))


def _not_compared(a: RecordedAnswer, b: RecordedAnswer) -> NotCompared | None:
    outcomes = {a.given.outcome, b.given.outcome}
    if outcomes in ({"answered"}, {"answered", "unprepared"}):
        return None
    return NotCompared(a.question, a.title, a.given.reason, b.given.reason, "unanswered" in outcomes)


def _differences(entry: RecordedAnswer, a: Given, b: Given) -> Iterator[Difference]:
    for aspect, field, left, right in _told(a, b):
        sides = (_side(given, aspect, field) for given in (a, b))
        yield Difference(entry.question, entry.title, aspect, field, left[:_MOST], right[:_MOST], *sides)


_Told = tuple[str, str, str, str]


def _told(a: Given, b: Given) -> Iterator[_Told]:
    """(aspect, field, what A answers, what B answers) for everything in which two answers differ."""
    if a.outcome != b.outcome:
        yield "preparation", "", _prepared(a), _prepared(b)
        return
    if (a.accepted, a.status, a.code) != (b.accepted, b.status, b.code):
        yield "answer", "", _answered(a), _answered(b)
    # What follows from another answer is no difference of its own.
    if a.accepted == b.accepted:
        yield from _effects(a, b)
        yield from _bodies(a.body, b.body, "")


def _effects(a: Given, b: Given) -> Iterator[_Told]:
    if a.content_type != b.content_type:
        yield "content type", "", a.content_type or "none", b.content_type or "none"
    if a.after != b.after:
        yield "state", "", str(a.after), str(b.after)
    elif not _same(a.date, b.date):
        yield "date", "", _shown(a.date), _shown(b.date)
    for name in sorted({*a.facts, *b.facts}):
        left, right = (_shown(given.facts.get(name)) for given in (a, b))
        if left != right:
            yield "fact", name, left, right


def _side(given: Given, aspect: str, field: str) -> AnswerSide:
    if aspect == "preparation":
        return AnswerSide(judged=False)
    found = [broken for broken in given.breaks if _is_about(broken, given, aspect, field)]
    judged = (field if aspect == "fact" else aspect) in given.judged or bool(found)
    requirements = tuple(dict.fromkeys(broken.requirement for broken in found))
    return AnswerSide(judged, requirements, tuple(dict.fromkeys(broken.expected for broken in found)))


def _is_about(broken: Break, given: Given, aspect: str, field: str) -> bool:
    """Whether a requirement is broken by what differs."""
    if aspect == "answer":
        # An answer is also wrong by what it led to, which is not told separately.
        return broken.aspect == "answer" or (broken.aspect in _EFFECTS and not broken.field)
    if aspect in _EFFECTS and broken.aspect == "answer":
        # Nothing that follows from a request is right where it had to be refused.
        return given.accepted
    if broken.aspect != aspect:
        return False
    if aspect == "body":
        parts = [part.partition("[")[0] for part in field.split(".")]
        return broken.field in ("", "body", *parts)
    return aspect != "fact" or broken.field == field


def _answered(given: Given) -> str:
    reply = f"{given.status} {given.code}" if given.code else f"{given.status}"
    if not given.accepted:
        return reply
    date = Moment.from_json(given.date)
    return f"{reply}, then {given.after}" + (f" until {date}" if date and given.after == PENDING else "")


def _prepared(given: Given) -> str:
    return "can be asked" if given.outcome == "answered" else given.reason


def _same(a: Any, b: Any) -> bool:  # noqa: ANN401 - JSON
    """Whether two values of a body mean the same."""
    left, right = Moment.from_json(a), Moment.from_json(b)
    if left is not None and right is not None:
        return left.agrees(right)
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return bool(a == b)


def _bodies(a: Any, b: Any, path: str) -> Iterator[_Told]:  # noqa: ANN401 - JSON
    """What is told of each place where two bodies differ; `field` is its path."""
    moments = [Moment.from_json(value) for value in (a, b)]
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
        # A date that follows from the scheduling is judged as the deletion date, wherever it stands.
        dates = all(moment is not None and moment.since == SCHEDULING for moment in moments)
        yield "date" if dates else "body", shortened(path) or "the whole", _shown(a), _shown(b)


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value in words; what is too long for a line still differs from what is not the same."""
    return shortened(_worded(value))


def _worded(value: Any) -> str:  # noqa: ANN401 - JSON
    found = Moment.from_json(value)
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
            yield f"{recording.name} was recorded {days} days ago; it may answer otherwise by now. Record it again."
        if days < 0:
            yield f"{recording.name} was recorded in the future: one of the two clocks is wrong."
    if a.digest != b.digest:
        yield "The questions differ (other seed, profile or version): only those that are the same are compared."
    for what, first, second in (("profiles", a.profile, b.profile), ("suite versions", a.version, b.version)):
        if first != second:
            yield f"The {what} differ, {first} and {second}: what the documents say is told by each side's own."
    if a.version == b.version and a.specs_digest != b.specs_digest:
        yield "The specs differ: a requirement of the same name may demand something else."
