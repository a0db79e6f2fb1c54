"""The scenario: the object through which a check gets keys, sends operations and judges replies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.client.answer import Answer
from kms_conformance.client.front import NotReached, stands_for
from kms_conformance.client.judge import Denied, Inconclusive, Lacking, Stop
from kms_conformance.client.oracle import ENABLED, GONE, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import shown
from kms_conformance.keys.transitions import date_text, is_dated
from kms_conformance.suite.requests import Requests

T = TypeVar("T")

# `_PLAIN` demands that scheduling works at all. Each requirement in `_OF_ONE_STATE` demands that it works for keys in
# one state or of one kind: if one of these is broken, plain scheduling is not tried (see `_broken_requirements`).
_PLAIN: RequirementId = "schedule.state-after"
_DATE: RequirementId = "schedule.window.start"
_REFUSED: RequirementId = "refused.changes-nothing"
_OF_ONE_STATE = frozenset({"schedule.from-enabled", "schedule.from-disabled", "schedule.imported-key"})

# Refusals of ids that no key has. A caller whose policy names keys is told instead that the policy does not cover them.
_OF_OTHER_IDS = frozenset({"unknown_key", "malformed_key", "lost_key"})

#: A margin around the end of a waiting period. It is wider than the tolerance of dates and the time that requests take.
END_MARGIN = timedelta(seconds=300)


@dataclass
class Scenario(Requests):
    """One check at one target. Each method that judges gets the ids of the requirements that it judges."""

    def accepts(
        self,
        requirements: RequirementId | Sequence[RequirementId],
        operation: str,
        /,
        *,
        states: Sequence[str] = (),
        **arguments: object,
    ) -> Answer:
        """Send an operation, and judge that the reply accepts it and that the key reads back in one of `states`.

        Raises `Stop` if one of these fails, because the check cannot go on.
        """
        key = str(arguments.get("key_id", ""))
        answer = self.must_be_accepted(requirements, self.ask(operation, **arguments), key)
        if states:
            view = self.must_read_back(requirements, key, states, answer)
            self.must_echo(operation, answer, view)
        return answer

    def told(self, operation: str, key: str) -> object:
        """The result that an operation reads for a key, such as `list_grants`; judges that the reply accepts it."""
        answer = self.accepts(as_id(f"{operation.replace('_', '-')}.reply"), operation, key_id=key)
        return self.dialect.result(operation, answer.value)

    def must_be_xml(self, requirement: RequirementId, answer: Answer) -> None:
        """Judge that a reply is one well-formed XML document.

        Raises `Lacking` if the reply is JSON and the profile lets an installation reply in JSON alone.
        """
        declared = answer.reply.header("Content-Type") or "no content type"
        if "json" in declared.lower() and "xml" in self.profile.may_lack:
            raise Lacking("The target replies in JSON to Format=XML; later editions of the pages have JSON alone.")
        self.judge.that(requirement, "xml" in declared.lower(), "XML", declared, (answer.number,))
        problems = "; ".join(answer.problems)
        self.judge.that(requirement, not problems, "one well-formed document", problems, (answer.number,))

    def must_be_accepted(
        self, requirements: RequirementId | Sequence[RequirementId], answer: Answer, key: str = ""
    ) -> Answer:
        """Judge that the reply accepts a request on `key`; returns the answer that was judged.

        A refusal that may follow the state before the last change is not final: the request is repeated. Raises `Stop`
        if the reply refuses the request.
        """
        if answer.front is not None:
            raise NotReached(answer)
        answer = self.again_until(answer, lambda answer: answer.accepted)
        success = " or ".join(map(str, answer.operation.success if answer.operation else (200,)))
        hint = ""
        if not answer.accepted:
            hint, requirements = self.left_out(answer), self._broken_requirements(requirements, answer, key)
        results = [
            self.judge.that(requirement, answer.accepted, success, answer.summary, (answer.number,), hint)
            for requirement in _as_tuple(requirements)
        ]
        if not all(results):
            raise Stop
        return answer

    def must_read_back(
        self, requirements: RequirementId | Sequence[RequirementId], key: str, states: Sequence[str], answer: Answer
    ) -> KeyView:
        """Judge that a key reads back in one of these states, within the profile's settle time.

        Raises `Stop` if the key does not, because the check cannot go on.
        """
        view = self.pool.read_until(key, lambda view: view.state in states, _as_tuple(requirements))
        expected = f"the key reads back as {' or '.join(states)}"
        if view.state == GONE:
            self.judge.breaks("schedule.not-immediate", "the key is still there", "it is gone", self._since(answer))
        if view.state not in states:
            requirements = self._broken_requirements(requirements, answer, key)
        results = [
            self.judge.that(
                requirement, view.state in states, expected, f"it reads back as {view.state}", self._since(answer)
            )
            for requirement in _as_tuple(requirements)
        ]
        if not all(results):
            raise Stop
        self.pool.settle(key, view, _as_tuple(requirements)[-1])
        return view

    def must_show(
        self,
        requirement: RequirementId,
        look: Callable[[], T],
        fits: Callable[[T], bool],
        told: tuple[str, Callable[[T], object]],
        answer: Answer | None = None,
        what: str = "describe",
        first: T | None = None,
    ) -> T:
        """Judge what a look shows after the request of `answer`, within the profile's settle time; returns the result.

        `told` says what is expected, and writes a result for reports; `what` names the operation of the look. `first`
        is the result of a look that was made already.
        """
        found = self.pool.patience.until(what, look, fits, first=first, judges=(requirement,))
        self.judge.that(requirement, fits(found), told[0], told[1](found), self._since(answer))
        return found

    def must_still_show(
        self,
        requirement: RequirementId,
        look: Callable[[], T],
        fits: Callable[[T], bool],
        told: tuple[str, Callable[[T], object]],
        answer: Answer,
        what: str = "describe",
    ) -> T:
        """Judge as `must_show` that a look shows what it showed before a request that must change nothing.

        On a target that was seen to lag, a change may show later, so the look is repeated after the lag.
        """
        found = self.pool.patience.until(what, look, fits, judges=(requirement,))
        if fits(found) and self.pool.patience.wait_for_late_effects():
            found = self.pool.patience.until(what, look, fits, judges=(requirement,))
        self.judge.that(requirement, fits(found), told[0], told[1](found), self._since(answer))
        return found

    def _broken_requirements(
        self, requirements: RequirementId | Sequence[RequirementId], answer: Answer, key: str
    ) -> Sequence[RequirementId]:
        """The requirements that the target broke when it refused a request or did not carry it out.

        These are not always the given `requirements`:

        - A reply with an undocumented 2xx status breaks only the requirement on the status.
        - If a special way of scheduling fails, plain scheduling is tried. If plain scheduling fails too, only `_PLAIN`
          is broken.
        """
        asked = _as_tuple(requirements)
        named = None if answer.operation is None else as_id(f"{answer.operation.name.replace('_', '-')}.status")
        statuses: tuple[RequirementId | None, ...] = (named, "reply.status")
        told = [name for name in statuses if name is not None and name in self.judge.applicable]
        if answer.reply.status // 100 == 2 and not answer.accepted and told:
            return told[:1]
        special = answer.operation is not None and answer.operation.name == "schedule" and _PLAIN not in asked
        if not special or not key or set(asked) & _OF_ONE_STATE:
            return asked
        plain = self.ask("schedule", key_id=key, window=self.days)
        if plain.accepted and self.pool.read_until(key, lambda view: view.state == PENDING).state == PENDING:
            return asked
        return (_PLAIN,)

    def must_echo(self, operation: str, answer: Answer, view: KeyView) -> None:
        """Judge the key and the state that a reply names, if any: the requested key, and the state that reads back."""
        key, state = self.dialect.echo(answer.value)
        if key is not None:
            requirement = self._on_reply(operation, "reply.key-id")
            self.judge.that(requirement, key == view.id, f"the key {view.id}", f"the key {key}", (answer.number,))
        if state is not None:
            requirement = self._on_reply(operation, "reply-agrees")
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
        """Send an operation, and judge the refusal: its status, its code, and that the keys `unchanged` stay the same.

        If the profile leaves open whether the request is refused, a reply that accepts it passes too.
        """
        before = {key: self.pool.read_stable(key) for key in unchanged}
        try:
            answer = self._ask_once(operation, arguments)
            if not self.is_told(refusal, answer):
                answer = self._by_who_knows_it(answer, arguments)
        except NotReached as outcome:
            answer = outcome.answer
        except Denied as outcome:
            # The permissions cover a key of ours that was just read, so the refusal may be the expected one.
            if (
                outcome.answer is None
                or arguments.get("key_id") not in before
                or not self.is_told(refusal, outcome.answer)
            ):
                raise
            answer = outcome.answer
        self.must_be_refused(requirement, refusal, answer, before)
        return answer

    def must_be_refused(
        self, requirement: RequirementId, refusal: str, answer: Answer, before: dict[str, KeyView] | None = None
    ) -> bool:
        """Judge that a reply is the refusal with this name in the profile, and that the keys in `before` are unchanged.

        A firewall or gateway may refuse a request for its form in place of the service. Returns False if the target
        accepted the request and the profile allows that; else True. Raises `NotReached` if only the service can answer.
        """
        accepted = self.profile.refusal(refusal)
        self._note_refused(requirement, refusal, answer)
        in_front = stands_for(answer, refusal)
        answer = self.again_until(
            answer,
            lambda answer: accepted.or_accepted if answer.accepted else accepted.admits(answer.status, answer.code),
        )
        if answer.accepted and accepted.or_accepted:
            self.judge.holds(requirement)
            self.judge.observe(requirement, f"{answer.status}, carried out", refusal)
            return False
        if answer.reply.status // 100 == 2 and not answer.accepted and accepted.or_accepted:
            # The rules for every exchange have judged the undocumented 2xx status already.
            raise Stop
        fits = not answer.accepted and (in_front or accepted.admits(answer.status, answer.code))
        if not fits and refusal in _OF_OTHER_IDS and self.is_told("outside_policy", answer):
            raise Inconclusive(
                f"The credentials do not permit to name an id that no key has: {answer.summary}.",
                "Their policy allows certain keys only. Allow the operation on all keys; see docs/permissions.md.",
            )
        if not fits and answer.problems and any(known.status == answer.status for known in accepted.answers):
            # The body cannot be read, which `reply.encoding` judges, so no code is known.
            told = f"The refusal cannot be read: {answer.summary}."
            self.judge.leave_open((requirement,), Inconclusive(told, "Repair the body of the reply first."))
        else:
            hint = accepted.reason if fits else self.left_out(answer) or accepted.reason
            self.judge.that(requirement, fits, str(accepted), answer.summary, (answer.number,), hint)
        if fits and (in_front or accepted.allows_several):
            told = f"{answer.status}, in front of the service" if in_front else answer.summary
            self.judge.observe(requirement, told, refusal)
        for key, was in (before or {}).items():
            self.must_be_unchanged(requirement, was, self.pool.read(key), answer, alone=True)
        return True

    def must_be_unchanged(
        self, requirement: RequirementId, was: KeyView, now: KeyView, answer: Answer, *, alone: bool = False
    ) -> KeyView:
        """Judge that a key reads back as before: state, deletion date and description.

        Reads may lag behind, so a difference counts only if it persists. If two reads in a row differ, or the deletion
        date moves with time, the target breaks `pending.describe` instead of `requirement`. If the request was
        refused, is the only one since the key `was` so (`alone`), and changes nothing when it is sent once more, then
        `refused.changes-nothing` is broken instead. A change that shows later breaks `requirement` when the key is used
        next (`Pool.confirm`). Returns the key as it was judged.
        """
        if shown(now) != shown(was) and was.id is not None:
            key = was.id
            now = self.pool.read_until(key, lambda view: shown(view) == shown(was), (requirement,))
            if shown(now) != shown(was) and self.pool.slides(was, now):
                expected = f"a deletion date that stands still: {shown(was)}"
                self.judge.breaks("pending.describe", expected, shown(now), self._since(answer))
                return now
            if shown(now) != shown(was) and shown(other := self.pool.read_stable(key)) != shown(self.pool.read(key)):
                self.judge.breaks("pending.describe", shown(was), shown(other), self._since(answer))
                return now
        if alone and shown(now) != shown(was) and not self.changes_again(was, now, answer):
            hint = "The same request changed nothing when it was sent once more: something else changes the key, too."
            self.judge.that(_REFUSED, shown(now) == shown(was), shown(was), shown(now), self._since(answer), hint)
            return now if was.id is None else self.pool.read(was.id)
        hint = "The request changed a key that it must not change."
        same = self.judge.that(requirement, shown(now) == shown(was), shown(was), shown(now), self._since(answer), hint)
        if same and was.id is not None:
            self.pool.settle(was.id, now, requirement)
        return now

    def must_be_date(
        self, requirement: RequirementId, view: KeyView, asked_at: datetime, days: int, answer: Answer
    ) -> KeyView:
        """Judge a deletion date: the time of the request plus the window, within tolerance or rounded up.

        `asked_at` is the time for keys before the first attempt; an attempt after a long `Retry-After` counts too. If
        the date of a plain request with this window is wrong too, only `schedule.window.start` is broken. Returns the
        key as it was judged.
        """
        expected = partial(self.taken(asked_at, answer).date, days)
        is_right = self._dated(expected)
        if view.id is not None and not is_right(view):
            # The former state of a key that was pending before shows the former date.
            view = self.pool.read_until(view.id, is_right)
        hint = view.date_problem or "Days are 24 hours, counted from the request, in UTC."
        date, fits = view.deletion_at, is_right(view)
        judged = f"a deletion date of {date_text(expected(date))}", date_text(date), self._since(answer), hint
        if not fits and requirement != _DATE and view.id is not None and not self._is_plainly_dated(view.id, days):
            self.judge.breaks(_DATE, *judged[:3])
            return view
        self.judge.that(requirement, fits, *judged)
        if fits and date is not None and self.profile.deletion.date_may_be_later_by_seconds:
            # The profile allows a later date, but a SHOULD asks for the exact date.
            exact = is_dated(date, expected(date), replace(self.profile.deletion, date_may_be_later_by_seconds=0))
            self.judge.that("schedule.window.exact", exact, *judged)
        return view

    def _is_plainly_dated(self, key: str, days: int) -> bool:
        """Whether a plain request with this window leads to the right date; true if it is refused."""
        self.pool.bring(key, ENABLED)
        asked_at = self.time.now()
        answer = self.ask("schedule", key_id=key, window=days)
        if not answer.accepted:
            return True
        is_right = self._dated(partial(self.taken(asked_at, answer).date, days))
        return is_right(self.pool.read_until(key, is_right))

    def _dated(self, *expected: Callable[[datetime | None], datetime]) -> Callable[[KeyView], bool]:
        """Whether a key has one of these deletion dates, by the tolerance of the profile."""
        return lambda view: (
            view.deletion_at is not None
            and any(is_dated(view.deletion_at, date(view.deletion_at), self.profile.deletion) for date in expected)
        )

    def must_be_within_bounds(
        self, requirement: RequirementId, view: KeyView, asked_at: datetime, answer: Answer
    ) -> None:
        """Judge a deletion date after a request without a valid window: any number of days within the bounds passes."""
        days, taken = range(self.window.minimum, self.window.maximum + 1), self.taken(asked_at, answer)
        is_right = self._dated(*(partial(taken.date, day) for day in days))
        if view.id is not None and not is_right(view):
            view = self.pool.read_until(view.id, is_right)
        date, fits = view.deletion_at, is_right(view)
        expected = f"a deletion date {self.window.minimum} to {self.window.maximum} days ahead"
        self.judge.that(requirement, fits, expected, date, self._since(answer))

    def must_refuse_late_cancel(self, key: str) -> None:
        """Judge that a deletion can no longer be cancelled once its waiting period has ended."""
        answer = self.ask("cancel", key_id=key)
        allowed = [self.profile.refusal(name) for name in ("unknown_key", "not_pending")]
        self._note_refused("expiry.no-cancel", "unknown_key or not_pending", answer)
        refused = any(refusal.admits(answer.status, answer.code) for refusal in allowed)
        expected = " or ".join(map(str, allowed))
        self.judge.that("expiry.no-cancel", refused, expected, answer.summary, (answer.number,))

    def must_be_gone(self, key: str, ciphertexts: Iterable[str]) -> None:
        """Judge that a key and the data encrypted with it are lost.

        The key must not be listed; describe, enable, schedule and cancel of the key, and decrypt of each of its
        `ciphertexts`, must be refused.
        """
        answer = self.refuses("expiry.gone", "unknown_key", "describe", key_id=key)
        told = "not listed any more", lambda ids: "it is listed" if key in ids else "not listed"
        self.must_show("expiry.gone", self.pool.list_keys, lambda ids: key not in ids, told, answer, "list")
        self.refuses("expiry.not-recoverable", "unknown_key", "enable", key_id=key)
        # Before the requests that a living key would be disabled by: what they refuse shows nothing of its data.
        for ciphertext in ciphertexts:
            self.refuses("expiry.decrypt", "lost_key", "decrypt", ciphertext=ciphertext)
        self.refuses("expiry.not-recoverable", "unknown_key", "schedule", key_id=key, window=self.days)
        self.refuses("expiry.no-cancel", "unknown_key", "cancel", key_id=key)

    def _note_refused(self, requirement: RequirementId, refusal: str, answer: Answer) -> None:
        names = [name for name in refusal.split(" or ") if self.profile.has_refusal(name)]
        if answer.operation is not None:
            self.judge.note_refused(requirement, names, answer.operation.name)

    def _since(self, answer: Answer | None) -> tuple[int, ...]:
        """The numbers of an answer's exchange and of the latest exchange, which shows the effect of the request."""
        return tuple(dict.fromkeys((*(() if answer is None else (answer.number,)), self.client.exchange_log.count)))


def _as_tuple(requirements: RequirementId | Sequence[RequirementId]) -> tuple[RequirementId, ...]:
    return (requirements,) if isinstance(requirements, str) else tuple(requirements)
