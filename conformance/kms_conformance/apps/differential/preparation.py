"""Preparation of keys: brings a key into the state of a question, by the same requests on every target."""

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

# Time in seconds from a question to the end of the waiting period, or from this end to a question. In the second case,
# the time that the profile allows for the deletion is added.
_MARGIN_SECONDS = 60.0
_NEED_CLOCK = frozenset({GONE, LAST_MINUTE})
# For each state that takes several steps: the state that the key is brought into first.
_FROM = {PENDING: ENABLED, CANCELLED: ENABLED, LAST_MINUTE: ENABLED, GONE: ENABLED, PENDING_FROM_DISABLED: DISABLED}


@dataclass(frozen=True)
class PreparedKey:
    """Key in the state of a question.

    - `key`: the id of the key.
    - `view`: the fields of the key, as the target returns them.
    - `scheduled`: the time when the deletion of the key was last scheduled, if ever.
    - `ciphertext`: a ciphertext of the key, if the question decrypts.
    - `days`: the waiting period of a pending key, as requested.
    """

    key: str
    view: KeyView
    scheduled: datetime | None
    ciphertext: str | None = None
    days: int | None = None


@dataclass
class KeyPreparer:
    """Prepares the keys of one target. Methods raise `Inconclusive` if a state cannot be reached."""

    target_session: TargetSession
    _scheduled: dict[str, datetime] = field(default_factory=dict)
    _prepared_state: dict[str, str] = field(default_factory=dict)
    _deleted: PreparedKey | None = None

    def reason_to_leave_out(self, question: Question) -> str | None:
        """The reason why the target file does not allow the question, or None."""
        if question.state in _NEED_CLOCK and not self.target_session.time.offered:
            return "the target file has no time_control, so the end of the waiting period cannot be reached"
        most = self.target_session.target.limits.max_keys
        if question.keys > most:
            return f"the question needs {question.keys} keys, and limits.max_keys is {most}"
        return None

    def prepare(self, question: Question) -> PreparedKey:
        """Prepare a key in the state that the question needs, and a ciphertext if the question sends one."""
        if question.state == GONE:
            return self._deleted_key()
        if question.keys > 1:
            first = self._living_key()
            self._living_key(first)
        key = self._living_key()
        ciphertext = None
        if CIPHERTEXT in question.arguments.values():
            self._bring(key, ENABLED)
            ciphertext = self._encrypted(key)
            self._prepared_state.pop(key, None)
        if self._prepared_state.get(key) != question.state:
            self._prepare_state(key, question.state)
        self._prepared_state[key] = question.state
        view = self.target_session.pool.read_known(key)
        days = self.target_session.pool.days if view.state == PENDING else None
        return PreparedKey(key, view, self._scheduled.get(key), ciphertext, days)

    def note_effect(
        self, prepared: PreparedKey, question: Question, at: datetime, answer: Answer | None, after: KeyView
    ) -> None:
        """Record what a question did to its key; a key that may have changed is prepared again for the next question.

        `at` is the time of the request, `answer` None if no reply came, `after` the key as read after the request.
        """
        if question.operation == "schedule" and (answer is None or answer.accepted or after.state == PENDING):
            self._scheduled[prepared.key] = at if after != prepared.view else self._scheduled.get(prepared.key, at)
        if answer is None or answer.accepted or after != prepared.view:
            self._prepared_state.pop(prepared.key, None)

    def _living_key(self, *besides: str) -> str:
        """The oldest key of the pool, in any state, other than the keys `besides`; a new key if there is none."""
        pool = self.target_session.pool
        return next((key for key in pool.keys if key not in besides), None) or pool.create()

    def _prepare_state(self, key: str, state: str) -> None:
        start = _FROM.get(state, state)
        self._bring(key, start)
        if start == state:
            return
        self._scheduled[key] = self.target_session.time.now()
        self._bring(key, PENDING)
        if state == CANCELLED:
            answer = self.target_session.client.ask("cancel", key_id=key)
            if not answer.accepted:
                raise Inconclusive(f"The deletion of a key could not be cancelled: {answer.summary}.")
        if state == LAST_MINUTE:
            self._advance(key, -_MARGIN_SECONDS)

    def _bring(self, key: str, state: str) -> KeyView:
        view = self.target_session.pool.bring(key, state)
        if view is None:
            raise Inconclusive("The key was deleted before the end of its waiting period.")
        return view

    def _deleted_key(self) -> PreparedKey:
        """The deleted key, which all questions on deleted keys share."""
        if self._deleted is None:
            key = self._living_key()
            for other in [other for other in self.target_session.pool.keys if other != key]:
                # The other keys must not be pending, because moving the clock would delete them too.
                self._bring(other, ENABLED)
            self._bring(key, ENABLED)
            ciphertext = self._encrypted(key)
            self._prepare_state(key, GONE)
            self._advance(key, self.target_session.client.profile.deletion.gone_within_seconds + _MARGIN_SECONDS)
            view = self.target_session.pool.read_until(key, lambda view: view.state == GONE)
            self.target_session.pool.drop_if_gone(key)
            self._deleted = PreparedKey(key, view, self._scheduled[key], ciphertext)
        return self._deleted

    def _advance(self, key: str, seconds: float) -> None:
        """Move the clock to `seconds` after (if negative: before) the end of the waiting period of a key.

        The end is the requested one. For a time after the end, it is the deletion date of the key if that is later.
        """
        view = self.target_session.pool.read_known(key)
        end = self._scheduled[key] + timedelta(days=self.target_session.pool.days)
        if seconds > 0 and view.deletion_at is not None:
            end = max(end, view.deletion_at)
        self.target_session.time.advance(max(0.0, (end - self.target_session.time.now()).total_seconds() + seconds))

    def _encrypted(self, key: str) -> str:
        client = self.target_session.client
        answer = client.patience.until(
            "encrypt",
            lambda: client.ask("encrypt", key_id=key, plaintext="text"),
            lambda answer: answer.accepted or not client.may_be_late(answer),
            use=True,
        )
        ciphertext = client.dialect.secret_output("encrypt", answer.value)
        if not answer.accepted or ciphertext is None:
            raise Inconclusive(f"The key could not encrypt: {answer.summary}.")
        return ciphertext
