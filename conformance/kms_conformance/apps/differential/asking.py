"""Puts the questions to one target, one after the other, and lets go of every key at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from kms_conformance.apps.differential.answers import Given
from kms_conformance.apps.differential.documented import Documented, of_every_exchange
from kms_conformance.apps.differential.facts import Fact, breaks_of, facts_of, judged_of
from kms_conformance.apps.differential.normal import OTHER_KEY, Normal
from kms_conformance.apps.differential.preparing import Prepared, Preparing
from kms_conformance.apps.differential.question import CIPHERTEXT, DESCRIPTION, KEY, UNKNOWN_KEY, Question
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Judge
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target

# One key for the questions, and one that stands beside it.
KEYS = 2
# A target that gives no usable reply to so many questions in a row is not there any more.
_MOST_IN_VAIN = 3
_LONGEST_REASON = 300


@dataclass(frozen=True)
class AskingResult:
    """What came of asking one target: its answers by the ids of the questions, and what that took.

    `left` are keys that could not be scheduled for deletion.
    """

    answers: Mapping[str, Given]
    requests: int
    keys_created: int
    left: tuple[str, ...]


def ask(
    target: Target, questions: Sequence[Question], progress: Callable[[Question], None] = lambda _: None
) -> AskingResult:
    """Put the questions to a target. Raises `Inconclusive` where it cannot be asked at all.

    Its keys are in the ledger of the target, as those of a run are, and are scheduled for deletion at the end.
    """
    target_session = TargetSession(target, Ledger.of(target), KEYS)
    asking = _Asking(target_session)
    answers: dict[str, Given] = {}
    try:
        target_session.open()
        for question in questions:
            progress(question)
            answers[question.id] = asking.answer(question)
    except BaseException as error:
        left = target_session.end()
        if left and isinstance(error, Inconclusive):
            next_step = "run `kms-conformance sweep --target FILE`."
            hint = f"{len(left)} key(s) could not be scheduled for deletion either: {next_step}"
            raise Inconclusive(error.reason, hint) from error
        raise
    return AskingResult(
        answers,
        target_session.client.requests,
        target_session.pool.created,
        tuple(left.key for left in target_session.end()),
    )


@dataclass
class _Asking:
    target_session: TargetSession
    _in_vain: int = 0
    _preparing: Preparing = field(init=False)
    _judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self._preparing = Preparing(self.target_session)

    def answer(self, question: Question) -> Given:
        """The answer to one question. Raises `Inconclusive` where the target is not to be asked any further."""
        if question.operation == "create":
            return self._created(question)
        # Once, and after the first key was created: without memory no answer of a target says anything.
        self.target_session.require_state()
        lacking = self._preparing.lacking(question)
        if lacking is not None:
            return Given("left_out", lacking)
        try:
            prepared = self._preparing.prepare(question)
        except Inconclusive as error:
            return Given("unprepared", self._told(error))
        return self._tried(lambda: self._put(question, prepared))

    def _tried(self, put: Callable[[], Given]) -> Given:
        try:
            given = put()
        except Inconclusive as error:
            self._in_vain += 1
            if self._in_vain == _MOST_IN_VAIN:
                raise
            return Given("unanswered", self._told(error))
        self._in_vain = 0
        return given

    def _created(self, question: Question) -> Given:
        """A new key, by the ledger; it is the one that the other questions are about."""
        pool = self.target_session.pool
        if pool.room <= 0:
            return Given("left_out", "limits.max_keys leaves no room for a new key")
        asked = self.target_session.time.now()
        answer, key = self._create()
        view = KeyView(None, GONE, None, None, None, {}) if key is None else pool.read(key)
        prepared = Prepared(key or "", view, None)
        return self._given(question, prepared, asked, answer, view)

    def _create(self) -> tuple[Answer, str | None]:
        pool, client = self.target_session.pool, self.target_session.client
        self._begin_judging()
        answer, key = pool.attempt(lambda marker: client.ask("create", **client.dialect.naming(marker)))
        if key is not None:
            pool.keys.append(key)
        return answer, key

    def _put(self, question: Question, prepared: Prepared) -> Given:
        arguments = self._arguments(question, prepared)
        client = self.target_session.client
        request = client.dialect.request(question.operation, arguments)
        if question.variation:
            request = client.dialect.protocol_cases[question.variation].change(request)
        # Ids that must be nobody's are looked up here, so that what is judged below is the question's own exchange.
        with suppress(Inconclusive):
            client.look_up_unknown(request)
        asked = self.target_session.time.now()
        self._begin_judging()
        try:
            answer = client.send(request, client.api[question.operation])
        except Inconclusive:
            self._preparing.asked(prepared, question, asked, None, prepared.view)
            raise
        after = self._after(question, prepared, asked, answer)
        self._preparing.asked(prepared, question, asked, answer, after)
        return self._given(question, prepared, asked, answer, after, unknown=arguments.get("key_id"))

    def _begin_judging(self) -> None:
        """A judge of its own for each question: it sees what is wrong with every exchange."""
        client, target_session = self.target_session.client, self.target_session
        take = client.start_findings().take
        self._judge = Judge(
            target_session.catalogue, target_session.applicable, clean=client.recorder.redactor.text, take=take
        )

    def _arguments(self, question: Question, prepared: Prepared) -> dict[str, object]:
        meant = {
            KEY: prepared.key,
            UNKNOWN_KEY: self.target_session.client.dialect.unknown_key(),
            DESCRIPTION: prepared.view.description or "",
            CIPHERTEXT: prepared.ciphertext or "",
        }
        return {
            name: meant.get(value, value) if isinstance(value, str) else value
            for name, value in question.arguments.items()
        }

    def _after(self, question: Question, prepared: Prepared, asked: datetime, answer: Answer) -> KeyView:
        """The key as it reads afterwards, within the time that reads may lag behind what was carried out."""
        pool = self.target_session.pool
        if not answer.accepted:
            return pool.read_stable(prepared.key)
        states = Documented(self.target_session.client.profile, question, frozenset()).states(prepared.view, asked)
        return pool.read_until(
            prepared.key,
            lambda view: view.state in states and (view.state != PENDING or view.deletion_at is not None),
        )

    def _given(
        self,
        question: Question,
        prepared: Prepared,
        asked: datetime,
        answer: Answer,
        after: KeyView,
        unknown: object = None,
    ) -> Given:
        client, target_session = self.target_session.client, self.target_session
        # What is asked from here on is not about the question.
        client.stop_findings()
        facts: dict[str, Fact] = dict(facts_of(question, target_session, prepared, answer))
        documented = Documented(client.profile, question, target_session.applicable)
        everywhere = of_every_exchange(self._judge.failures, answer.number)
        breaks = (
            *documented.breaks(prepared, asked, answer, after),
            *everywhere,
            *breaks_of(question, target_session, facts),
        )
        scheduled = asked if question.operation == "schedule" and after != prepared.view else prepared.scheduled
        normal = Normal(self._names(prepared, unknown, answer), asked, scheduled, fresh=question.operation == "create")
        return Given(
            "answered",
            accepted=answer.accepted,
            status=answer.status,
            code=None if answer.code is None else normal.text(answer.code),
            content_type=answer.reply.media_type,
            body=self._body(question, answer, normal),
            after=normal.text(after.state) if after.state.startswith("unknown") else after.state,
            date=None if after.deletion_at is None else normal.date(after.deletion_at),
            facts=facts,
            judged=(
                *documented.judged,
                *(("content type", "body") if answer.spec is not None and answer.spec.schema is not None else ()),
                *judged_of(facts),
            ),
            breaks=tuple(dict.fromkeys(breaks)),
        )

    def _body(self, question: Question, answer: Answer, normal: Normal) -> Any:  # noqa: ANN401 - JSON
        """The body, read again from the reply as it may be stored: without secrets."""
        client = self.target_session.client
        if not answer.reply.body:
            return "<empty>"
        if answer.problems:
            return "<unreadable>"
        value = client.dialect.decode(client.recorder.redactor.reply(answer.reply), answer.spec).value
        if question.shape_only:
            return normal.listing(value, client.dialect.page(value).cursor)
        if answer.error is not None:
            return normal.error(value, answer.error.code, answer.error.message)
        return normal.body(value)

    def _names(self, prepared: Prepared, unknown: object, answer: Answer) -> dict[str, str]:
        client = self.target_session.client
        known: list[tuple[object, str]] = [
            (client.dialect.request_id(answer.reply, answer.value), "<request id>"),
            (client.dialect.scope, "<project>"),
            (urlsplit(client.target.base_url).netloc, "<host>"),
            (prepared.view.description, "<description>"),
            *((key, OTHER_KEY) for key in self.target_session.pool.held),
            (unknown if unknown != prepared.key else None, "<the key asked for>"),
            (prepared.key, KEY),
        ]
        return {text: name for text, name in known if isinstance(text, str) and len(text) > 1}

    def _told(self, error: Inconclusive) -> str:
        """Why there is no answer, without what the target may have put into it."""
        clean = self.target_session.client.recorder.redactor.text(error.reason)
        names = dict.fromkeys(self.target_session.pool.held, KEY)
        return Normal(names, self.target_session.time.now()).words(clean)[:_LONGEST_REASON]
