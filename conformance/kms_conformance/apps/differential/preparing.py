"""Brings a key into the state that a question is about: always along the same way, so that answers can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kms_conformance.apps.differential.question import (
    CANCELLED,
    CIPHERTEXT,
    LAST_MINUTE,
    PENDING_FROM_DISABLED,
    Question,
)
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.target_session import TargetSession

# How far before, and after, the end of a waiting period a key is asked for.
_MARGIN_SECONDS = 60.0
_BY_THE_CLOCK = frozenset({GONE, LAST_MINUTE})
# Where a prepared key comes from, for the states that are prepared in several steps.
_FROM = {PENDING: ENABLED, CANCELLED: ENABLED, LAST_MINUTE: ENABLED, GONE: ENABLED, PENDING_FROM_DISABLED: DISABLED}


@dataclass(frozen=True)
class Prepared:
    """A key in the state that a question wants: its id, how it reads, and when its deletion was last asked for.

    `days` is the window of a pending key.
    """

    key: str
    view: KeyView
    scheduled: datetime | None
    ciphertext: str | None = None
    days: int | None = None


@dataclass
class Preparing:
    """The keys of one target, as questions want them. Methods raise `Inconclusive` where there is no way."""

    target_session: TargetSession
    _scheduled: dict[str, datetime] = field(default_factory=dict)
    _untouched: dict[str, str] = field(default_factory=dict)
    _ended: Prepared | None = None

    def lacking(self, question: Question) -> str | None:
        """Why this target is not asked the question: not what it does, but what its user offers. None if it is."""
        if question.state in _BY_THE_CLOCK and not self.target_session.time.offered:
            return "its target file offers no time_control, so the end of the waiting period cannot be reached"
        most = self.target_session.target.limits.max_keys
        if question.keys > most:
            return f"it takes {question.keys} keys, and limits.max_keys is {most}"
        return None

    def prepare(self, question: Question) -> Prepared:
        """A key in the question's state, and a ciphertext of it where the question decrypts."""
        if question.state == GONE:
            return self._over()
        if question.keys > 1:
            first = self._key()
            self._key(first)
        key = self._key()
        ciphertext = None
        if CIPHERTEXT in question.arguments.values():
            self._lead(key, ENABLED)
            ciphertext = self._encrypted(key)
            self._untouched.pop(key, None)
        if self._untouched.get(key) != question.state:
            self._into(key, question.state)
        self._untouched[key] = question.state
        view = self.target_session.pool.read(key)
        days = self.target_session.pool.days if view.state == PENDING else None
        return Prepared(key, view, self._scheduled.get(key), ciphertext, days)

    def asked(
        self, prepared: Prepared, question: Question, at: datetime, answer: Answer | None, after: KeyView
    ) -> None:
        """Take note of what a question did to its key: one that it may have touched is prepared anew."""
        if question.operation == "schedule" and (answer is None or answer.accepted or after.state == PENDING):
            self._scheduled[prepared.key] = at if after != prepared.view else self._scheduled.get(prepared.key, at)
        if answer is None or answer.accepted or after != prepared.view:
            self._untouched.pop(prepared.key, None)

    def _key(self, *besides: str) -> str:
        """The oldest living key, in whatever state, or a new one."""
        pool = self.target_session.pool
        return next((key for key in pool.keys if key not in besides), None) or pool.create()

    def _into(self, key: str, state: str) -> None:
        start = _FROM.get(state, state)
        self._lead(key, start)
        if start == state:
            return
        self._scheduled[key] = self.target_session.time.now()
        self._lead(key, PENDING)
        if state == CANCELLED:
            answer = self.target_session.client.ask("cancel", key_id=key)
            if not answer.accepted:
                raise Inconclusive(f"A key's deletion could not be cancelled: {answer.summary}.")
        if state == LAST_MINUTE:
            self._advance(key, -_MARGIN_SECONDS)

    def _lead(self, key: str, state: str) -> KeyView:
        view = self.target_session.pool.bring(key, state)
        if view is None:
            raise Inconclusive("The key was deleted before its waiting period was over.")
        return view

    def _over(self) -> Prepared:
        """One key is deleted for all questions on deleted keys."""
        if self._ended is None:
            key = self._key()
            for other in [other for other in self.target_session.pool.keys if other != key]:
                # What waits for its deletion would be deleted as well.
                self._lead(other, ENABLED)
            self._lead(key, ENABLED)
            ciphertext = self._encrypted(key)
            self._into(key, GONE)
            self._advance(key, self.target_session.client.profile.deletion.gone_within_seconds + _MARGIN_SECONDS)
            self.target_session.pool.drop_if_gone(key)
            self._ended = Prepared(key, self.target_session.pool.read(key), self._scheduled[key], ciphertext)
        return self._ended

    def _advance(self, key: str, seconds: float) -> None:
        """Move the clock to so long after the end of the waiting period, by the date and by the window."""
        view = self.target_session.pool.read(key)
        end = self._scheduled[key] + timedelta(days=self.target_session.pool.days)
        if seconds > 0 and view.deletion_at is not None:
            end = max(end, view.deletion_at)
        self.target_session.time.advance(max(0.0, (end - self.target_session.time.now()).total_seconds() + seconds))

    def _encrypted(self, key: str) -> str:
        client = self.target_session.client
        answer = client.ask("encrypt", key_id=key, plaintext="text")
        ciphertext = client.dialect.secret_output("encrypt", answer.value)
        if not answer.accepted or ciphertext is None:
            raise Inconclusive(f"Nothing could be encrypted: {answer.summary}.")
        return ciphertext
