"""What the documents say of an answer, by the facts of the target's own profile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.apps.differential.answers import Aspect, Break
from kms_conformance.apps.differential.facts import REQUEST_ID
from kms_conformance.apps.differential.preparation import Prepared
from kms_conformance.apps.differential.question import PENDING_FROM_DISABLED, Question
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Judgement
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, KeyModel, Oracle
from kms_conformance.dialects.base import KeyView
from kms_conformance.suite.scenario import is_dated

# What is judged on every exchange, and what of an answer it is about; everything else is about its body.
_EVERYWHERE: dict[RequirementId, Aspect] = {
    "reply.status": "answer",
    "reply.no-server-error": "answer",
    "reply.content-type": "content type",
    "reply.request-id": "fact",
}
_CHANGES_NOTHING: RequirementId = "refused.changes-nothing"
_DATES: tuple[RequirementId, ...] = ("describe.date-agrees", "cancel.date-cleared")
# What such a break is about, in place of a field.
_READS = "the key"
_MOST = 200


@dataclass(frozen=True)
class Documented:
    """The documents' say on one question to one target."""

    profile: Profile
    question: Question
    applicable: frozenset[str]

    @property
    def speaks(self) -> bool:
        """Whether a requirement that applies to the target speaks of the question."""
        return self.question.requirement in self.applicable

    def refusal(self, view: KeyView) -> str | None:
        """The name of the refusal that the request meets, or None where it is carried out."""
        if self.question.refusal is not None:
            return self.question.refusal
        if view.state == GONE and "key_id" in self.question.arguments:
            return "unknown_key"
        return self.profile.refusal_in(self.question.operation, view.state)

    def states(self, view: KeyView, asked: datetime) -> tuple[str, ...]:
        """The states that the key may read back in, if the request is carried out."""
        question = self.question
        if "key_id" not in question.arguments or view.state == GONE:
            return (view.state,)
        if question.operation == "cancel":
            before = DISABLED if question.state == PENDING_FROM_DISABLED else ENABLED
            return Oracle(self.profile).predict(KeyModel(PENDING, before), "cancel", asked).states
        after = {"enable": ENABLED, "disable": DISABLED, "schedule": PENDING}
        return (after.get(question.operation, view.state),)

    @property
    def judged(self) -> tuple[Aspect, ...]:
        """The aspects on which the documents have a say; what a refusal must leave alone is the same everywhere."""
        if self.speaks:
            return ("answer", "state", "date")
        return ("state", "date") if _CHANGES_NOTHING in self.applicable else ()

    def breaks(self, prepared: Prepared, asked: datetime, answer: Answer, after: KeyView) -> Iterator[Break]:
        """What the documents do not admit in an answer and in what became of the key."""
        name = self.refusal(prepared.view)
        refusal = None if name is None else self.profile.refusal(name)
        if self.speaks and answer.accepted and (refusal is None or refusal.or_accepted):
            yield from self._effect(prepared, asked, after)
        elif self.speaks and answer.accepted:
            yield self._break("answer", str(refusal))
        elif self.speaks and refusal is None:
            yield self._break("answer", " or ".join(map(str, answer.operation.success if answer.operation else (200,))))
        elif self.speaks and refusal is not None and not refusal.admits(answer.status, answer.code):
            yield self._break("answer", str(refusal))
        if answer.status >= 400:
            yield from self._unchanged(prepared.view, after)
        yield from self._reads(prepared, asked, after)

    def _effect(self, prepared: Prepared, asked: datetime, after: KeyView) -> Iterator[Break]:
        states = self.states(prepared.view, asked)
        if after.state not in states:
            yield self._break("state", f"the key reads back as {' or '.join(states)}")
        elif self.question.days is not None:
            expected = asked + timedelta(days=self.question.days)
            date = after.deletion_at
            if date is None or not is_dated(date, expected, self.profile.deletion):
                words = f"a deletion date {self.question.days} days after the request"
                yield Break("date", self._dated, words)

    @property
    def _dated(self) -> RequirementId:
        start: RequirementId = "schedule.window.start"
        return start if start in self.applicable else self.question.requirement

    def _unchanged(self, before: KeyView, after: KeyView) -> Iterator[Break]:
        if not (self.speaks or _CHANGES_NOTHING in self.applicable):
            return
        requirement = _CHANGES_NOTHING if _CHANGES_NOTHING in self.applicable else self.question.requirement
        if after.state != before.state:
            yield Break("state", requirement, f"the key stays {before.state}")
        elif after.deletion_at != before.deletion_at:
            yield Break("date", requirement, "the deletion date stays as it is")

    def _reads(self, prepared: Prepared, asked: datetime, after: KeyView) -> Iterator[Break]:
        """How the key reads, whatever was asked: no answer is wrong for that."""
        date, before = after.deletion_at, prepared.view.deletion_at
        stale = after.state != PENDING and date is not None and date > asked
        requirement = next((name for name in _DATES if name in self.applicable), None)
        if stale and requirement is not None:
            yield Break("date", requirement, "no deletion date ahead", _READS)
        untouched = after.state == PENDING and date is not None and date == before
        if untouched and date is not None and prepared.days is not None and prepared.scheduled is not None:
            expected = prepared.scheduled + timedelta(days=prepared.days)
            if not is_dated(date, expected, self.profile.deletion):
                words = f"a deletion date {prepared.days} days after the request that scheduled it"
                yield Break("date", self._dated, words, _READS)

    def _break(self, aspect: Aspect, expected: str) -> Break:
        return Break(aspect, self.question.requirement, expected[:_MOST])


def of_every_exchange(failures: Iterable[Judgement], number: int) -> Iterator[Break]:
    """What is broken of that which is judged on every exchange, for the exchange of this number."""
    for failure in failures:
        if failure.exchanges[-1:] == (number,):
            aspect = _EVERYWHERE.get(failure.requirement, "body")
            field = {"body": _field(failure), "fact": REQUEST_ID}.get(aspect, "")
            yield Break(aspect, failure.requirement, failure.expected[:_MOST], field)


def _field(failure: Judgement) -> str:
    """The field that a violation of a schema is about: the missing one, or the last that its place names."""
    if failure.requirement == "reply.encoding":
        return ""
    missing = failure.expected.removeprefix("a field ")
    if missing != failure.expected:
        return missing
    where = failure.received.rpartition(" at ")[2]
    return next((part for part in reversed(where.split("/")) if not part.isdigit()), "")
