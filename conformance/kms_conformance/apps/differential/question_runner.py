"""Sends the questions to one target, one after the other, and schedules its keys for deletion at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from kms_conformance.apps.differential.answers import NormalizedAnswer
from kms_conformance.apps.differential.documented import DocumentedAnswer, of_every_exchange
from kms_conformance.apps.differential.facts import Fact, breaks_of, facts_of, judged_of
from kms_conformance.apps.differential.normalizer import OTHER_KEY, Normalizer
from kms_conformance.apps.differential.preparation import KeyPreparer, PreparedKey
from kms_conformance.apps.differential.question import CIPHERTEXT, DESCRIPTION, KEY, UNKNOWN_KEY, Question
from kms_conformance.catalogue.api import USES
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Judge
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.target_session import TargetSession
from kms_conformance.target import Target
from kms_conformance.wire.messages import Request

# Number of keys: most questions share one key, and questions about several keys need another one.
KEYS_NEEDED = 2
# After this number of unanswered questions in a row, the target is taken to be unreachable.
_MOST_UNANSWERED = 3
_LONGEST_REASON = 300


@dataclass(frozen=True)
class TargetAnswers:
    """Answers of one target by question id, with the numbers of requests and of created keys.

    `left` holds the ids of the keys that could not be scheduled for deletion.
    """

    answers: Mapping[str, NormalizedAnswer]
    requests: int
    keys_created: int
    left: tuple[str, ...]


def run_questions(
    target: Target, questions: Sequence[Question], progress: Callable[[Question], None] = lambda _: None
) -> TargetAnswers:
    """Send the questions to a target. Raises `Inconclusive` if the target cannot be queried at all.

    Created keys are recorded in the ledger of the target, as in a run, and scheduled for deletion at the end.
    """
    target_session = TargetSession(target, Ledger.of(target), KEYS_NEEDED)
    runner = _QuestionRunner(target_session)
    answers: dict[str, NormalizedAnswer] = {}
    try:
        target_session.open()
        for question in questions:
            progress(question)
            answers[question.id] = runner.answer(question)
    except BaseException as error:
        left = target_session.end()
        if left and isinstance(error, Inconclusive):
            next_step = "run `kms-conformance sweep --target FILE`."
            hint = f"{len(left)} key(s) could not be scheduled for deletion: {next_step}"
            raise Inconclusive(error.reason, hint) from error
        raise
    return TargetAnswers(
        answers,
        target_session.client.requests,
        target_session.pool.created,
        tuple(left.key for left in target_session.end()),
    )


@dataclass
class _QuestionRunner:
    target_session: TargetSession
    _unanswered: int = 0
    _preparer: KeyPreparer = field(init=False)
    _judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        self._preparer = KeyPreparer(self.target_session)

    def answer(self, question: Question) -> NormalizedAnswer:
        """The answer to one question. Raises `Inconclusive` if the target cannot be queried any further."""
        self.target_session.client.session.trace.begin(f"question {question.id}")
        if question.operation == "create":
            return self._answer_to_create(question)
        # The first call tests whether the target keeps state, because the answers of a target without state prove
        # nothing. By then, the question `create` has created a key.
        self.target_session.require_state()
        lacking = self._preparer.reason_to_leave_out(question)
        if lacking is not None:
            return NormalizedAnswer("left_out", lacking)
        try:
            prepared = self._preparer.prepare(question)
        except Inconclusive as error:
            return NormalizedAnswer("unprepared", self._reason(error))
        return self._counting_unanswered(lambda: self._send(question, prepared))

    def _counting_unanswered(self, put: Callable[[], NormalizedAnswer]) -> NormalizedAnswer:
        try:
            given = put()
        except Inconclusive as error:
            self._unanswered += 1
            if self._unanswered == _MOST_UNANSWERED:
                raise
            return NormalizedAnswer("unanswered", self._reason(error))
        self._unanswered = 0
        return given

    def _answer_to_create(self, question: Question) -> NormalizedAnswer:
        """Create a key, which is recorded in the ledger first; the other questions use this key."""
        pool = self.target_session.pool
        if pool.room <= 0:
            return NormalizedAnswer("left_out", "limits.max_keys allows no further key")
        sent_at = self.target_session.time.now()
        answer, key = self._create()
        view = KeyView(None, GONE, None, None, None, {}) if key is None else pool.read(key)
        prepared = PreparedKey(key or "", view, None)
        return self._normalized(question, prepared, sent_at, answer, view)

    def _create(self) -> tuple[Answer, str | None]:
        pool, client = self.target_session.pool, self.target_session.client
        self._start_judging()
        answer, key = pool.attempt(lambda marker: client.ask("create", **client.dialect.naming(marker)))
        if key is not None:
            pool.keys.append(key)
        return answer, key

    def _send(self, question: Question, prepared: PreparedKey) -> NormalizedAnswer:
        arguments = self._arguments(question, prepared)
        client = self.target_session.client
        request = client.dialect.request(question.operation, arguments)
        if question.variation:
            request = client.dialect.protocol_cases[question.variation].change(request)
        # The requests that confirm unknown ids are sent before the judge is replaced, so that they are not judged.
        with suppress(Inconclusive):
            client.look_up_unknown(request)
        sent_at = self.target_session.time.now()
        self._start_judging()
        try:
            sent_at, answer = self._settled(question, prepared, request)
        except Inconclusive:
            self._preparer.note_effect(prepared, question, sent_at, None, prepared.view)
            raise
        after = self._after(question, prepared, sent_at, answer)
        self._preparer.note_effect(prepared, question, sent_at, answer, after)
        return self._normalized(question, prepared, sent_at, answer, after, unknown=arguments.get("key_id"))

    def _settled(self, question: Question, prepared: PreparedKey, request: Request) -> tuple[datetime, Answer]:
        """The answer, and when its request was sent.

        An answer that is not documented, and that may follow the state before the last change, is asked for again until
        the settle time is over.
        """
        client = self.target_session.client
        operation = client.api[question.operation]
        documented = DocumentedAnswer(client.profile, question, self.target_session.applicable)

        def look() -> tuple[datetime, Answer]:
            return self.target_session.time.now(), client.send(request, operation)

        def stands(found: tuple[datetime, Answer]) -> bool:
            return documented.admits(prepared.view, found[1]) or not client.may_be_late(found[1])

        changes = question.operation not in client.api.harmless
        return client.patience.until(question.operation, look, stands, use=question.operation in USES, once=changes)

    def _start_judging(self) -> None:
        """Use a new judge for each question; it collects the failures of every exchange."""
        client, target_session = self.target_session.client, self.target_session
        take = client.start_findings().take
        self._judge = Judge(
            target_session.catalogue, target_session.applicable, clean=client.exchange_log.redactor.text, take=take
        )

    def _arguments(self, question: Question, prepared: PreparedKey) -> dict[str, object]:
        values = {
            KEY: prepared.key,
            UNKNOWN_KEY: self.target_session.client.dialect.unknown_key(),
            DESCRIPTION: prepared.view.description or "",
            CIPHERTEXT: prepared.ciphertext or "",
        }
        return {
            name: values.get(value, value) if isinstance(value, str) else value
            for name, value in question.arguments.items()
        }

    def _after(self, question: Question, prepared: PreparedKey, sent_at: datetime, answer: Answer) -> KeyView:
        """The key, read after the request.

        After an accepted request, the key is read until it has a documented state (and a deletion date if pending), or
        until the settle time of the profile is over: reads may lag behind a change for that time.
        """
        pool = self.target_session.pool
        if not answer.accepted:
            return pool.read_stable(prepared.key)
        states = DocumentedAnswer(self.target_session.client.profile, question, frozenset()).states(
            prepared.view, sent_at
        )
        return pool.read_until(
            prepared.key,
            lambda view: view.state in states and (view.state != PENDING or view.deletion_at is not None),
        )

    def _normalized(
        self,
        question: Question,
        prepared: PreparedKey,
        sent_at: datetime,
        answer: Answer,
        after: KeyView,
        unknown: object = None,
    ) -> NormalizedAnswer:
        client, target_session = self.target_session.client, self.target_session
        # The requests that follow, such as those of `facts_of`, are not judged.
        client.stop_findings()
        facts: dict[str, Fact] = dict(facts_of(question, target_session, prepared, answer))
        documented = DocumentedAnswer(client.profile, question, target_session.applicable)
        everywhere = of_every_exchange(self._judge.failures, answer.number)
        breaks = (
            *documented.breaks(prepared, sent_at, answer, after),
            *everywhere,
            *breaks_of(question, target_session, facts),
        )
        scheduled = sent_at if question.operation == "schedule" and after != prepared.view else prepared.scheduled
        normal = Normalizer(
            self._names(prepared, unknown, answer), sent_at, scheduled, fresh=question.operation == "create"
        )
        return NormalizedAnswer(
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

    def _body(self, question: Question, answer: Answer, normal: Normalizer) -> Any:  # noqa: ANN401 - JSON
        """The normalized body, decoded again from the redacted reply."""
        client = self.target_session.client
        if not answer.reply.body:
            return "<empty>"
        if answer.problems:
            return "<unreadable>"
        value = client.dialect.decode(client.exchange_log.redactor.reply(answer.reply), answer.spec).value
        if question.shape_only:
            return normal.listing(value, client.dialect.page(value).cursor)
        if answer.error is not None:
            return normal.error(value, answer.error.code, answer.error.message)
        return normal.body(value)

    def _names(self, prepared: PreparedKey, unknown: object, answer: Answer) -> dict[str, str]:
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

    def _reason(self, error: Inconclusive) -> str:
        """The reason for a missing answer, normalized, because it may quote a text of the target."""
        clean = self.target_session.client.exchange_log.redactor.text(error.reason)
        names = dict.fromkeys(self.target_session.pool.held, KEY)
        return Normalizer(names, self.target_session.time.now()).words(clean)[:_LONGEST_REASON]
