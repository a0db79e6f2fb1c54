"""What a check speaks: keys, operations, and judgements that read as requirements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kms_conformance.catalogue.profile import Deletion
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Judge, Stop
from kms_conformance.client.oracle import ENABLED, GONE, PENDING, Oracle
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import TimeControl
from kms_conformance.core.tier import Effort
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.pool import Pool

# What scheduling is about, and what is said of it in one state alone.
_PLAIN: RequirementId = "schedule.state-after"
_OF_ONE_STATE = frozenset({"schedule.from-enabled", "schedule.from-disabled", "schedule.imported-key"})


@dataclass
class Scenario:
    """One check at one target. Methods that judge take the ids of the requirements they decide."""

    client: Client
    pool: Pool
    time: TimeControl
    judge: Judge
    effort: Effort
    seed: int
    others_at_entry: Mapping[str, KeyView] = field(default_factory=dict)
    plant: bool = False
    rescue: bool = False
    divided: bool = False

    def __post_init__(self) -> None:
        self.profile = self.client.profile
        self.window = self.profile.window
        self.days = self.pool.days
        # What a key may be whose deletion was cancelled, as far as the cancelling itself is concerned.
        self.spared = tuple(state for state in self.profile.facts["states"] if state != PENDING)
        self.dialect = self.client.dialect
        self.chance = self.client.world.chance
        self.oracle = Oracle(self.profile)

    # --- acting -----------------------------------------------------------------------------------------------------

    def key(self, state: str = ENABLED, *besides: str) -> str:
        """A key in this state, and none of `besides`."""
        view = self.pool.take(state, besides)
        assert view.id is not None
        return view.id

    def ask(self, operation: str, /, **arguments: object) -> Answer:
        """Ask for an operation; only what is judged on every exchange is judged.

        Raises `Inconclusive` where the target lacks an operation that the lifecycle can do without: nothing that is
        said of keys says which operations there are.
        """
        answer = self.client.ask(operation, **arguments)
        lacking = self.client.api[operation].beside and self.profile.refusal("unknown_action").admits(
            answer.status, answer.code
        )
        if lacking:
            raise Inconclusive(f"The target does not have the operation {operation}: {answer.summary}.")
        return answer

    def encrypted(self, key: str) -> str:
        """The ciphertext of `text` by a key. Raises `Inconclusive` when there is none."""
        ciphertext = self.dialect.secret_output("encrypt", self.ask("encrypt", key_id=key, plaintext="text").value)
        if ciphertext is None:
            raise Inconclusive("Nothing could be encrypted, so there is nothing to decrypt.")
        return ciphertext

    def read(self, key: str) -> KeyView:
        """Describe a key; the reply must speak of that key."""
        return self._of(key, self.pool.read(key))

    def view(self, key: str) -> KeyView:
        """A key as the very last request has shown it, and read where that was another one."""
        return self._of(key, self.pool.as_read(key))

    def marked(self, key: str) -> KeyView:
        """A key that bears its description, put back where an earlier check has met what loses it.

        What is gone already cannot be lost again.
        """
        view = self.view(key)
        if view.description == self.pool.marker(key):
            return view
        self.ask("update_description", key_id=key, description=self.pool.marker(key))
        return self.read(key)

    def _of(self, key: str, view: KeyView) -> KeyView:
        if view.state != GONE:
            self.judge.that("describe.reply", view.id == key, f"the key {key}", f"the key {view.id}")
        return view

    # --- judging ----------------------------------------------------------------------------------------------------

    def accepts(
        self,
        requirements: RequirementId | Sequence[RequirementId],
        operation: str,
        /,
        *,
        states: Sequence[str] = (),
        **arguments: object,
    ) -> Answer:
        """Act, and judge that it was carried out: the reply says so, and the key reads back in one of `states`.

        Raises `Stop` when the reply is a refusal, because nothing can be built on it.
        """
        answer = self.ask(operation, **arguments)
        key = str(arguments.get("key_id", ""))
        self.must_be_accepted(requirements, answer, key)
        if states:
            view = self.must_read_back(requirements, key, states, answer)
            self.must_echo(operation, answer, view)
        return answer

    def must_be_accepted(
        self, requirements: RequirementId | Sequence[RequirementId], answer: Answer, key: str = ""
    ) -> None:
        """Judge that a reply says that the request, on `key`, was carried out; raises `Stop` when it does not."""
        success = " or ".join(map(str, answer.operation.success if answer.operation else (200,)))
        if not answer.accepted:
            requirements = self._at_fault(requirements, answer, key)
        results = [
            self.judge.that(requirement, answer.accepted, success, answer.summary, (answer.number,))
            for requirement in _several(requirements)
        ]
        if not all(results):
            raise Stop

    def must_read_back(
        self, requirements: RequirementId | Sequence[RequirementId], key: str, states: Sequence[str], answer: Answer
    ) -> KeyView:
        """Judge that a key reads back in one of these states, within the time that reads may lag behind.

        Raises `Stop` when it does not, because nothing can be built on it.
        """
        view = self.pool.settled(key, lambda view: view.state in states)
        expected = f"the key reads back as {' or '.join(states)}"
        if view.state == GONE:
            self.judge.breaks("schedule.not-immediate", "the key is still there", "it is gone", self._since(answer))
        if view.state not in states:
            requirements = self._at_fault(requirements, answer, key)
        results = [
            self.judge.that(
                requirement, view.state in states, expected, f"it reads back as {view.state}", self._since(answer)
            )
            for requirement in _several(requirements)
        ]
        if not all(results):
            raise Stop
        return view

    def _at_fault(
        self, requirements: RequirementId | Sequence[RequirementId], answer: Answer, key: str
    ) -> Sequence[RequirementId]:
        """The requirements that a request which was not carried out breaks.

        A success that is told of by another status breaks what is said of the status. Where it was a special way of
        scheduling, the plain way is tried as well: if that does not work either, nothing is known of the special one,
        and the requirement on the plain one is broken.
        """
        asked = _several(requirements)
        named = None if answer.operation is None else as_id(f"{answer.operation.name.replace('_', '-')}.status")
        statuses: tuple[RequirementId | None, ...] = (named, "reply.status")
        told = [name for name in statuses if name is not None and name in self.judge.applicable]
        if answer.reply.status // 100 == 2 and not answer.accepted and told:
            return told[:1]
        special = answer.operation is not None and answer.operation.name == "schedule" and _PLAIN not in asked
        if not special or not key or set(asked) & _OF_ONE_STATE:
            return asked
        plain = self.ask("schedule", key_id=key, window=self.days)
        if plain.accepted and self.pool.settled(key, lambda view: view.state == PENDING).state == PENDING:
            return asked
        return (_PLAIN,)

    def must_echo(self, operation: str, answer: Answer, view: KeyView) -> None:
        """Judge that the reply names the key asked for and, where it gives a state, the one that reads back."""
        name = operation.replace("_", "-")
        key, state = self.dialect.echo(answer.value)
        if key is not None:
            narrow = as_id(f"{name}.reply.key-id")
            requirement = narrow if narrow in self.judge.catalogue else as_id(f"{name}.reply")
            self.judge.that(requirement, key == view.id, f"the key {view.id}", f"the key {key}", (answer.number,))
        if state is not None:
            narrow = as_id(f"{name}.reply-agrees")
            requirement = narrow if narrow in self.judge.catalogue else as_id(f"{name}.reply")
            expected = f"the state that reads back, {view.state}"
            self.judge.that(requirement, state == view.state, expected, f"the state {state}", self._since(answer))

    def refuses(
        self,
        requirement: RequirementId,
        refusal: str,
        operation: str,
        /,
        *,
        unchanged: Sequence[str] = (),
        **arguments: object,
    ) -> Answer:
        """Act, and judge the three facts of a refusal: status, code, and that the keys `unchanged` read back as before.

        Where the profile leaves the request open, carrying it out is accepted as well.
        """
        before = {key: self.pool.steady(key) for key in unchanged}
        answer = self.ask(operation, **arguments)
        self.must_be_refused(requirement, refusal, answer, before)
        return answer

    def must_be_refused(
        self, requirement: RequirementId, refusal: str, answer: Answer, before: dict[str, KeyView] | None = None
    ) -> bool:
        """Judge a reply and its effect by a named refusal; returns whether the request was refused."""
        accepted = self.profile.refusal(refusal)
        if answer.accepted and accepted.or_accepted:
            self.judge.holds(requirement)
            self.judge.observe(requirement, f"{answer.status}, carried out", refusal)
            return False
        if answer.reply.status // 100 == 2 and not answer.accepted and accepted.or_accepted:
            # Carried out, it seems, and told of by a status that no page has: that has been judged already.
            raise Stop
        fits = not answer.accepted and accepted.admits(answer.status, answer.code)
        self.judge.that(requirement, fits, str(accepted), answer.summary, (answer.number,), accepted.reason)
        if fits and accepted.allows_several:
            self.judge.observe(requirement, answer.summary, refusal)
        for key, was in (before or {}).items():
            self.must_be_unchanged(requirement, was, self.pool.read(key), answer)
        return True

    def must_be_unchanged(self, requirement: RequirementId, was: KeyView, now: KeyView, answer: Answer) -> None:
        """Judge that a key reads back as before: state, deletion date and description.

        Reads may lag behind, so a difference counts only if it stays; a key that moves with every read breaks another
        requirement than one that a request has moved.
        """
        if _face(now) != _face(was) and was.id is not None:
            key = was.id
            now = self.pool.settled(key, lambda view: _face(view) == _face(was))
            if _face(now) != _face(was) and _face(again := self.pool.steady(key)) != _face(self.pool.read(key)):
                self.judge.breaks("pending.describe", _face(was), _face(again), self._since(answer))
                return
        hint = "The request changed a key that it had no right to change."
        self.judge.that(requirement, _face(now) == _face(was), _face(was), _face(now), self._since(answer), hint)

    def must_be_date(
        self, requirement: RequirementId, view: KeyView, asked_at: datetime, days: int, answer: Answer
    ) -> None:
        """Judge a deletion date: the time of the request plus the window, within tolerance or rounded up."""
        expected = asked_at + timedelta(days=days)
        if view.id is not None and view.deletion_at is None:
            view = self.pool.settled(view.id, lambda view: view.deletion_at is not None)
        hint = view.date_problem or "Days are 24 hours, counted from the request, in UTC."
        date = view.deletion_at
        fits = date is not None and is_dated(date, expected, self.profile.deletion)
        received = "none" if date is None else f"{date:%Y-%m-%dT%H:%M:%SZ}"
        judged = f"a deletion date of {expected:%Y-%m-%dT%H:%M:%SZ}", received, self._since(answer), hint
        self.judge.that(requirement, fits, *judged)
        if fits and date is not None and self.profile.deletion.date_may_be_later_by_seconds:
            # What the documents allow, they need not recommend.
            exact = is_dated(date, expected, replace(self.profile.deletion, date_may_be_later_by_seconds=0))
            self.judge.that("schedule.window.exact", exact, *judged)

    def must_be_within_bounds(
        self, requirement: RequirementId, view: KeyView, asked_at: datetime, answer: Answer
    ) -> None:
        """Judge a deletion date that the target chose: some window within the documented bounds."""
        days = range(self.window.minimum, self.window.maximum + 1)
        date = view.deletion_at
        fits = date is not None and any(
            is_dated(date, asked_at + timedelta(days=day), self.profile.deletion) for day in days
        )
        expected = f"a deletion date {self.window.minimum} to {self.window.maximum} days ahead"
        self.judge.that(requirement, fits, expected, date, self._since(answer))

    def _since(self, answer: Answer) -> tuple[int, ...]:
        """The exchange of an answer, and the one after it that proved its effect."""
        return tuple(dict.fromkeys((answer.number, self.client.recorder.count)))


def is_dated(date: datetime, expected: datetime, deletion: Deletion) -> bool:
    """Whether a deletion date is as expected: within the tolerance, later as far as allowed, or rounded up."""
    late = (date - expected).total_seconds()
    if (
        -deletion.date_tolerance_seconds
        <= late
        <= deletion.date_may_be_later_by_seconds + deletion.date_tolerance_seconds
    ):
        return True
    return any(
        date.timestamp() % step == 0 and 0 <= late < step + deletion.date_tolerance_seconds
        for step in deletion.date_may_be_rounded_up_to_seconds
    )


def _several(requirements: RequirementId | Sequence[RequirementId]) -> tuple[RequirementId, ...]:
    return (requirements,) if isinstance(requirements, str) else tuple(requirements)


def _face(view: KeyView) -> str:
    """What a refused request must leave as it was."""
    date = "none" if view.deletion_at is None else f"{view.deletion_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"state {view.state}, deletion date {date}, description {view.description!r}"
