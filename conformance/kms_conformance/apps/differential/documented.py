"""Documented answers: compares an answer with the requirements and the profile of its own target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.apps.differential.answers import Aspect, BrokenRequirement
from kms_conformance.apps.differential.facts import REQUEST_ID
from kms_conformance.apps.differential.preparation import PreparedKey
from kms_conformance.apps.differential.question import PENDING_FROM_DISABLED, Question
from kms_conformance.catalogue.profile import Profile
from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Judgement
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, KeyModel, Oracle
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.transitions import is_dated

# Requirements that are judged on every exchange, each with the aspect of the answer that it is about. All other
# requirements that are judged on every exchange are about the body.
_EVERYWHERE: dict[RequirementId, Aspect] = {
    "reply.status": "answer",
    "reply.no-server-error": "answer",
    "reply.content-type": "content type",
    "reply.request-id": "fact",
}
_CHANGES_NOTHING: RequirementId = "refused.changes-nothing"
_DATES: tuple[RequirementId, ...] = ("describe.date-agrees", "cancel.date-cleared")
# The `field` of a broken requirement on the deletion date that does not depend on the request.
_WHOLE_KEY = "the key"
_MOST = 200


@dataclass(frozen=True)
class DocumentedAnswer:
    """Documented answers to one question at one target; `applicable`: the ids of the requirements that apply there."""

    profile: Profile
    question: Question
    applicable: frozenset[str]

    @property
    def has_requirement(self) -> bool:
        """Whether the requirement of the question applies to the target."""
        return self.question.requirement in self.applicable

    def refusal(self, view: KeyView) -> str | None:
        """The name of the documented refusal of the request; None if the request is documented to be accepted."""
        if self.question.refusal is not None:
            return self.question.refusal
        if view.state == GONE and "key_id" in self.question.arguments:
            return "unknown_key"
        return self.profile.refusal_in(self.question.operation, view.state)

    def states(self, view: KeyView, sent_at: datetime) -> tuple[str, ...]:
        """The accepted states of the key after the request, if the request is accepted."""
        question = self.question
        if "key_id" not in question.arguments or view.state == GONE:
            return (view.state,)
        if question.operation == "cancel":
            before = DISABLED if question.state == PENDING_FROM_DISABLED else ENABLED
            return Oracle(self.profile).predict(KeyModel(PENDING, before), "cancel", sent_at).states
        after = {"enable": ENABLED, "disable": DISABLED, "schedule": PENDING}
        return (after.get(question.operation, view.state),)

    def admits(self, view: KeyView, answer: Answer) -> bool:
        """Whether the answer is a documented one for the key as it was before the request."""
        name = self.refusal(view)
        refusal = None if name is None else self.profile.refusal(name)
        if answer.accepted:
            return refusal is None or refusal.or_accepted
        return refusal is not None and refusal.admits(answer.status, answer.code)

    @property
    def judged(self) -> tuple[Aspect, ...]:
        """The aspects that the documents decide.

        If the requirement of the question does not apply to the target, the requirement that a refused request changes
        nothing still decides state and date.
        """
        if self.has_requirement:
            return ("answer", "state", "date")
        return ("state", "date") if _CHANGES_NOTHING in self.applicable else ()

    def breaks(
        self, prepared: PreparedKey, sent_at: datetime, answer: Answer, after: KeyView
    ) -> Iterator[BrokenRequirement]:
        """The requirements that an answer and its effects on the key break."""
        name = self.refusal(prepared.view)
        refusal = None if name is None else self.profile.refusal(name)
        if self.has_requirement and answer.accepted and (refusal is None or refusal.or_accepted):
            yield from self._effect(prepared, sent_at, after)
        elif self.has_requirement and answer.accepted:
            yield self._broken("answer", str(refusal))
        elif self.has_requirement and refusal is None:
            yield self._broken(
                "answer", " or ".join(map(str, answer.operation.success if answer.operation else (200,)))
            )
        elif self.has_requirement and refusal is not None and not refusal.admits(answer.status, answer.code):
            yield self._broken("answer", str(refusal))
        if answer.status >= 400:
            yield from self._unchanged(prepared.view, after)
        yield from self._date_problems(prepared, sent_at, after)

    def _effect(self, prepared: PreparedKey, sent_at: datetime, after: KeyView) -> Iterator[BrokenRequirement]:
        states = self.states(prepared.view, sent_at)
        if after.state not in states:
            yield self._broken("state", f"the key reads back as {' or '.join(states)}")
        elif self.question.days is not None:
            expected = sent_at + timedelta(days=self.question.days)
            date = after.deletion_at
            if date is None or not is_dated(date, expected, self.profile.deletion):
                words = f"a deletion date {self.question.days} days after the request"
                yield BrokenRequirement("date", self._dated, words)

    @property
    def _dated(self) -> RequirementId:
        start: RequirementId = "schedule.window.start"
        return start if start in self.applicable else self.question.requirement

    def _unchanged(self, before: KeyView, after: KeyView) -> Iterator[BrokenRequirement]:
        if not (self.has_requirement or _CHANGES_NOTHING in self.applicable):
            return
        requirement = _CHANGES_NOTHING if _CHANGES_NOTHING in self.applicable else self.question.requirement
        if after.state != before.state:
            yield BrokenRequirement("state", requirement, f"the key stays {before.state}")
        elif after.deletion_at != before.deletion_at:
            yield BrokenRequirement("date", requirement, "the deletion date stays as it is")

    def _date_problems(self, prepared: PreparedKey, sent_at: datetime, after: KeyView) -> Iterator[BrokenRequirement]:
        """The requirements that the deletion date of the key breaks, whatever the request was."""
        date, before = after.deletion_at, prepared.view.deletion_at
        stale = after.state != PENDING and date is not None and date > sent_at
        requirement = next((name for name in _DATES if name in self.applicable), None)
        if stale and requirement is not None:
            yield BrokenRequirement("date", requirement, "no deletion date ahead", _WHOLE_KEY)
        untouched = after.state == PENDING and date is not None and date == before
        if untouched and date is not None and prepared.days is not None and prepared.scheduled is not None:
            expected = prepared.scheduled + timedelta(days=prepared.days)
            if not is_dated(date, expected, self.profile.deletion):
                words = f"a deletion date {prepared.days} days after the request that scheduled it"
                yield BrokenRequirement("date", self._dated, words, _WHOLE_KEY)

    def _broken(self, aspect: Aspect, expected: str) -> BrokenRequirement:
        return BrokenRequirement(aspect, self.question.requirement, expected[:_MOST])


def of_every_exchange(failures: Iterable[Judgement], number: int) -> Iterator[BrokenRequirement]:
    """The requirements, of those that are judged on every exchange, that the exchange with this number breaks."""
    for failure in failures:
        if failure.exchanges[-1:] == (number,):
            aspect = _EVERYWHERE.get(failure.requirement, "body")
            fields = {"body": _fields(failure), "fact": (REQUEST_ID,)}.get(aspect, ("",))
            for field in fields:
                yield BrokenRequirement(aspect, failure.requirement, failure.expected[:_MOST], field)


def _fields(failure: Judgement) -> tuple[str, ...]:
    """The fields that violate the schema, a line each: the missing field, or the last name in the path of the value."""
    told = [line.partition(": ") for line in failure.expected.split("\n") if ": " in line]
    if failure.requirement == "reply.encoding" or not told:
        return ("",)
    named = (
        wanted.removeprefix("a field ")
        if wanted.startswith("a field ")
        else next((part for part in reversed(where.split("/")) if not part.isdigit()), "")
        for where, _, wanted in told
    )
    return tuple(dict.fromkeys(named))
