"""The pool of a run's keys: creates or reuses keys, brings them into a wanted state, and schedules them at the end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive, Lost, Unanswered
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import PLAIN
from kms_conformance.client.oracle import ENABLED, GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.client.time_control import TimeControl, usual_window
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.give_back import GiveBack
from kms_conformance.keys.inventory import Inventory
from kms_conformance.keys.transitions import (
    EFFECTS,
    STEPS,
    NoTransition,
    Transition,
    after_cancel_from,
    expected_after,
    has_effect,
    is_usable,
)

_MOST_STEPS = 4
_MOST_ENDED = 2  # so many times the keys that a run may use at once, it may see ended and replace
# The number of characters that are kept of a reason: reasons quote replies, which may be of any length.
_LONGEST_REASON = 300
# A target may round a deletion date up to the next day.
_ROUNDING = timedelta(days=1)


def _kind(arguments: Mapping[str, object]) -> str:
    """The kind of a key under which the ledger records it: the arguments with which it was created."""
    return " ".join(f"{name}={value}" for name, value in sorted(arguments.items())) or PLAIN


@dataclass(frozen=True)
class UnscheduledKey:
    """A key that could not be scheduled for deletion, with the reason; without secrets."""

    key: str
    reason: str


class Pool(Inventory):
    """Gives checks the keys of a run in a wanted state, the oldest key first, and creates as few keys as possible."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        most: int,
        time: TimeControl,
        share: int | None = None,
    ) -> None:
        """`time` is the target's clock. The other arguments are those of `Inventory`."""
        super().__init__(client, ledger, most, share)
        self._time = time
        self._reserved: dict[str, str] = {}
        # The requirement on the state after a cancel, by key: it depends on the state in which it was scheduled.
        self._after_cancel: dict[str, RequirementId] = {}
        # Aliases that a check has left on keys for a later check, with the ids of the keys.
        self.named: dict[str, str] = {}
        # Keys whose waiting period has ended in this run, the time for their deletion included, gone or not.
        self.overdue: set[str] = set()
        self.ended: list[str] = []  # the keys that have ended, in that order
        self.served_late: set[str] = set()  # the uses that were served just after a change, and then refused
        # Ciphertexts of an early check for a late one, and what checks have prepared for their requests, by key.
        self.sealed: dict[str, tuple[str, ...]] = {}
        self.prepared: dict[str, dict[str, str]] = {}
        self._finished: set[str] = set()
        self._listed: frozenset[str] | None = None
        self.give_back = GiveBack(client, ledger, self.bring)

    def take(self, state: str, besides: tuple[str, ...] = ()) -> KeyView:
        """A key in this state, none of `besides`. Raises `Inconclusive` if no key can be brought into this state."""
        for key in [key for key in self.usual if key not in besides]:
            with suppress(NoTransition):
                view = self.bring(key, state)
                if view is not None:
                    return view
        return self._wanted(self.bring(self.create(), state), state)

    @property
    def usual(self) -> tuple[str, ...]:
        """The keys that `take` may give to a check: those of no special kind."""
        return tuple(key for key in self.keys if key not in self._reserved)

    @property
    def days(self) -> int:
        """The window in days for checks that do not test windows."""
        return usual_window(self.client.profile)

    def bring(self, key: str, state: str, days: int | None = None) -> KeyView | None:
        """Bring a key into a state; None if the key is gone. If the key must be scheduled, the window is `days`."""
        view = self.confirm(key)
        for _ in range(_MOST_STEPS):
            if view.state == state:
                return view
            if self._drop_gone(key, view):
                return None
            view = self._step(key, view, state, days or self.days)
        return self._wanted(view if view.state == state else None, state)

    def drop_if_gone(self, key: str) -> None:
        """Read a key whose waiting period has ended, and remove it from the pool if it is gone."""
        if self._drop_gone(key, self.read(key)) and key not in self._finished:
            self._finished.add(key)
            self.ended.append(key)
            self.finish(key, "gone")
            if len(self._finished) <= _MOST_ENDED * self.most:
                # It makes room for another key. A target that deletes keys too early is no reason for ever more keys.
                self._used -= 1

    def set_aside(self, key: str) -> None:
        """Remove a planted key from the pool: no check gets this key, and it is not scheduled at the end."""
        self.keys = [other for other in self.keys if other != key]
        self._finished.add(key)

    def take_over(self, key: str) -> bool:
        self._finished.discard(key)
        return super().take_over(key)

    def _drop_gone(self, key: str, view: KeyView) -> bool:
        if view.state == GONE and key in self.keys:
            self.judge_end(key, self._time_if_known())
            self.keys.remove(key)
        return view.state == GONE

    def _step(self, key: str, view: KeyView, state: str, days: int) -> KeyView:
        operation = STEPS.get((view.state, state))
        if operation is None:
            raise NoTransition(f"No operation leads from the state {view.state} to {state}.")
        window = {"window": days} if operation == "schedule" else {}
        if operation == "schedule":
            self._after_cancel[key] = after_cancel_from(view.state)
        asked_at = self._time_if_known()
        try:
            answer, now = self.patience.until(
                operation,
                lambda: self._attempted(key, view, operation, **window),
                lambda found: found[0].accepted or not self.client.may_be_late(found[0]) or found[1] != view,
                once=True,
            )
        except Lost as lost:
            # The state of the key shows whether the target carried out the request.
            after = self.read_until(key, lambda after: after.state != view.state)
            if isinstance(lost, Unanswered) and after.state == view.state:
                raise
            return after
        if not answer.accepted and now.state != view.state:
            # The key was read late: it was in another state already.
            return now
        if not answer.accepted:
            self.judge_refused_transition(view, operation, answer)
            raise Inconclusive(f"Could not {operation} a key to prepare the check: {answer.summary}.")
        after = self.read_until(key, lambda after: has_effect(operation, after), (EFFECTS[operation],))
        if not has_effect(operation, after):
            received = f"it reads back as {after.state}"
            expected = expected_after(operation)
            self.client.findings.breaks(EFFECTS[operation], expected, received, (answer.number,))
        elif operation == "cancel" and not is_usable(after) and key not in self._reserved:
            # No other check can use this key: it is judged here, before there is none left.
            expected, received = f"state {self.client.profile.after_cancel}", f"state {after.state}"
            requirement = self._after_cancel.get(key, "cancel.state-after")
            self.client.findings.breaks(requirement, expected, received, (answer.number,))
        else:
            transition = Transition(operation, view, asked_at, self._time_if_known(), window.get("window"))
            after = self.judge_transition(key, transition, after, answer)
            self.settle(key, after, EFFECTS[operation])
        return after

    def _time_if_known(self) -> datetime | None:
        """The time for keys; None if the target was not asked for it yet: to schedule keys, no clock is needed."""
        return self._time.now() if self._time.known else None

    def _attempted(self, key: str, view: KeyView, operation: str, **window: object) -> tuple[Answer, KeyView]:
        """Send an operation; returns the answer and the key, which is read again after a refusal that may be late."""
        answer = self.client.ask(operation, key_id=key, **window)
        again = not answer.accepted and self.client.may_be_late(answer)
        return answer, self.read(key) if again else view

    def _wanted(self, view: KeyView | None, state: str) -> KeyView:
        if view is None:
            raise Inconclusive(f"No key could be brought into the state {state}.")
        return view

    def create_reserved(self, **arguments: object) -> str:
        """Create or reuse a key of a special kind, which `take` gives to no check and which is scheduled at the end.

        Checks that ask for the same kind share one key.
        """
        kind = _kind(arguments)
        for key in [key for key, known in self._reserved.items() if known == kind and key in self.keys]:
            if self._revived(key, self.read(key), kind):
                return key
        key = self.create(**arguments)
        self._reserved[key] = kind
        return key

    def create(self, **arguments: object) -> str:
        """Reuse a key of an earlier run, or create one. Raises `Inconclusive` if the run may use no more keys."""
        return self.reused(_kind(arguments)) or self.create_new(**arguments)

    def reused(self, kind: str = PLAIN) -> str | None:
        """A key of this kind that an earlier run left, ready for use; None if there is none."""
        while (found := self.reuse(kind)) is not None:
            key, view = found
            # A key that cannot be used is scheduled at the end, because this run holds it. Another key is tried.
            with suppress(Inconclusive):
                if self._revived(key, view, kind):
                    self.keys.append(key)
                    return key
        return None

    def create_new(self, **arguments: object) -> str:
        """Create a key, which the ledger records before the request is sent.

        Raises `Inconclusive` if the run may create no more keys, or if no key was created.
        """
        self.close_gone_keys()
        if self.room <= 0:
            raise self.no_room(len(self.keys))
        kind = _kind(arguments)
        dialect = self.client.dialect
        answer, key = self.attempt(
            lambda marker: self.client.ask("create", **dialect.naming(marker), **arguments), kind
        )
        if key is None:
            made = self.judge_refused_creates()
            # A key that was created by a refused request is ours. It is used, so that later checks can be judged.
            self.keys += made if kind == PLAIN else ()
            raise Inconclusive(f"No key could be created: {answer.summary}.", self._why_not_created(answer))
        self.keys.append(key)
        return key

    def _why_not_created(self, answer: Answer) -> str:
        """The next step after a refused create."""
        profile, target = self.client.profile, self.client.target
        if not profile.admits("instance_needed", answer.status, answer.code):
            return "Is the quota of keys used up?"
        if target.instance_id is None:
            return (
                "The account may create keys only in a KMS instance that it has bought: set `instance_id` in the "
                "target file to the id of the instance. If it needs none, is the quota of keys used up?"
            )
        return f"Is the instance {target.instance_id} of this account and region, is it running, and does it have room?"

    def judge_refused_creates(self, *, last: bool = False) -> tuple[str, ...]:
        """Judge that refused creates have created no key; returns the ids of keys that were created nevertheless.

        For `last` and errors, see `keys_of_refused_creates`.
        """
        made = self.keys_of_refused_creates(last=last)
        for key, answer in made:
            received = f"the create was answered {answer.summary}, and the key {key} was made"
            self.client.findings.breaks("refused.changes-nothing", "no new key", received, (answer.number,))
        return tuple(key for key, _ in made)

    def _revived(self, key: str, view: KeyView, kind: str) -> bool:
        self._unprotect(key, view)
        if kind == PLAIN:
            return self.bring(key, ENABLED) is not None
        if view.state == PENDING:
            view = self._step(key, view, ENABLED, self.days)
        return view.state not in (PENDING, GONE)

    def is_released(self, view: KeyView) -> bool:
        """Whether a key is gone, or pending with a deletion date as early as the shortest window allows."""
        if view.state != PENDING or view.deletion_at is None:
            return super().is_released(view)
        profile = self.client.profile
        tolerance = timedelta(seconds=profile.deletion.date_tolerance_seconds)
        return view.deletion_at <= self._time.now() + timedelta(days=profile.window.minimum) + _ROUNDING + tolerance

    def release(self) -> tuple[UnscheduledKey, ...]:
        """Schedule every key of this run for deletion; returns the keys that could not be scheduled, with reasons."""
        self._listed = None
        # If one of these steps fails, the records that it could not resolve stay in the ledger, and all known keys are
        # still scheduled.
        for step in (self.hold_recorded, self.resolve, self.resolve_earlier_runs, self._inherit):
            try:
                step()
            except (Inconclusive, OSError) as error:
                self._note_unknown(error.reason if isinstance(error, Inconclusive) else str(error))
        left = tuple(
            UnscheduledKey(key, why) for key in sorted(self.held) if (why := self._release_key(key)) is not None
        )
        # If the disk is full, the next run misses only the reasons.
        with suppress(OSError):
            for each in left:
                self.ledger.write("left", self.ledger.marker_of(each.key), each.key, reason=each.reason)
        return left

    def _note_unknown(self, reason: str) -> None:
        with suppress(OSError):
            for record in self.ledger.unfinished():
                if record.key is None or record.key not in self.held:
                    self.ledger.write("left", record.marker, record.key, reason=self._clean(reason))

    def _inherit(self) -> None:
        """Hold the keys that killed runs left, so that this run schedules them; close the records of gone keys.

        Keys on which killed runs left belongings are held too.
        """
        burdened = (record for record in self.ledger.burdened() if not self.ledger.was_kept(record))
        for record in {record.marker: record for record in (*self.ledger.unfinished(), *burdened)}.values():
            if record.key is None or record.key in self.held:
                continue
            view = self.read(record.key)
            if record.is_proved_by(view):
                if self.ledger.take(record):
                    self._hold(record.marker, record.key)
            elif not self.ledger.is_certain(record):
                why = "it was created with other credentials, and the account may be another one"
                self.ledger.write("left", record.marker, record.key, reason=why)
            elif record.is_another(view) or self._is_gone(record.key, view):
                self.ledger.write("gone", record.marker, record.key)
            else:
                why = f"it reads as {view.state} without our description and creation date: perhaps another key"
                self.ledger.write("left", record.marker, record.key, reason=self._clean(why))

    def _release_key(self, key: str) -> str | None:
        """Schedule a key; returns the reason if the key could not be scheduled, else None.

        Raises nothing, so that the remaining keys are scheduled too.
        """
        try:
            if key in self._finished:
                self._give_back_as_it_is(key)
                return None
            days = self.client.profile.window.minimum
            try:
                view = self._known_state(key)
            except Inconclusive as error:
                # What cannot be read may still be scheduled: without that, the key would stay for ever.
                answer = self.client.ask("schedule", key_id=key, window=days)
                return self._clean(f"{error.reason} To its scheduling, the target answered {answer.summary}.")
            if view.state != GONE:
                if view.state == PENDING and not self.is_released(view):
                    self._shorten(key, view)
                self._unprotect(key, view)
                self.give_back.of(key, view)
                after = self.bring(key, PENDING, days)
                if after is not None:
                    self.finish(key, "scheduled", after.deletion_at)
                    return None
                view = self.read(key)
            if not self._is_gone(key, view):
                return f"it reads as {view.state}, but is still listed"
            self.give_back.gone(key)
            self.finish(key, "gone")
        except Exception as error:  # noqa: BLE001 - the user is shown the key with the command that schedules it
            reason = error.reason if isinstance(error, Inconclusive) else f"{type(error).__name__}: {error}"
            return self._clean(reason)
        return None

    def _known_state(self, key: str) -> KeyView:
        """Read a key. Raises `Inconclusive` if its state cannot be read, or is none that the profile lists."""
        view = self.read_until(key, lambda view: view.state != GONE)
        if view.state not in {*self.client.profile.facts["states"], GONE}:
            raise Inconclusive(f"The state of the key is {view.state}.")
        return view

    def _give_back_as_it_is(self, key: str) -> None:
        """Give back what a key has that is gone or planted; a planted key stays as it is."""
        if self.ledger.belongings.of(key):
            self.give_back.of(key, self.read(key), movable=False)
        else:
            self.give_back.gone(key)

    def _is_gone(self, key: str, view: KeyView) -> bool:
        """Whether a key reads as unknown and is not listed; one listing serves all keys of a release."""
        if view.state != GONE:
            return False
        if self._listed is None:
            self._listed = frozenset(self.list_keys())
        return key not in self._listed

    def _clean(self, reason: str) -> str:
        return self.client.exchange_log.redactor.text(reason)[:_LONGEST_REASON]

    def _shorten(self, key: str, view: KeyView) -> None:
        """Cancel a deletion with a late date, so that a shorter window can be set; if that fails, the key stays."""
        with suppress(Inconclusive):
            self._step(key, view, ENABLED, 0)

    def _unprotect(self, key: str, view: KeyView) -> None:
        """Switch off deletion protection that an interrupted check may have left on a key."""
        arguments = self.client.dialect.without_protection(view)
        if arguments is not None and view.state != PENDING:
            self.client.ask("set_deletion_protection", **arguments)
