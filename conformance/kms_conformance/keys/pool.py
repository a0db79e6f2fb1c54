"""The few keys of a run, brought into the state that a check needs, used again, and let go at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kms_conformance.catalogue.requirement_ids import RequirementId
from kms_conformance.client.judge import Inconclusive, Lost, Unanswered
from kms_conformance.client.ledger import PLAIN, Ledger
from kms_conformance.client.oracle import DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT
from kms_conformance.client.target_client import Client
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.inventory import Estate

# What leads from a state towards another; a pending key is taken back first, wherever it is to go.
_STEPS = {
    (ENABLED, DISABLED): "disable",
    (DISABLED, ENABLED): "enable",
    (ENABLED, PENDING): "schedule",
    (DISABLED, PENDING): "schedule",
    (PENDING_IMPORT, PENDING): "schedule",
    (PENDING, ENABLED): "cancel",
    (PENDING, DISABLED): "cancel",
}
# What is broken where such a step is answered as carried out and was not.
_EFFECTS: Mapping[str, RequirementId] = {
    "schedule": "schedule.state-after",
    "cancel": "cancel.effect",
    "enable": "enable.reply",
    "disable": "disable.reply",
}
_MOST_STEPS = 4
# What a target says for a reason may be of any length.
_LONGEST_REASON = 300
# A date may be rounded up to the next day.
_ROUNDING = timedelta(days=1)


def _real_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Left:
    """A key that could not be scheduled for deletion, and why not; nothing in it is secret."""

    key: str
    reason: str


class Stuck(Inconclusive):
    """A key is in a state that no operation leads from to the one that is wanted; another key may serve."""


class Pool(Estate):
    """Uses at most as many keys as allowed and hands them out, the oldest living first."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        most: int,
        now: Callable[[], datetime] = _real_time,
        share: int | None = None,
    ) -> None:
        """`now` is the time that the target's keys live by."""
        super().__init__(client, ledger, most, share)
        self._now = now
        self._apart: set[str] = set()
        self._ended: set[str] = set()
        self._listed: frozenset[str] | None = None

    def take(self, state: str, besides: tuple[str, ...] = ()) -> KeyView:
        """A key in this state that is none of `besides`. Raises `Inconclusive` when there is no way to one."""
        for key in [key for key in self.keys if key not in besides and key not in self._apart]:
            with suppress(Stuck):
                view = self.bring(key, state)
                if view is not None:
                    return view
        return self._wanted(self.bring(self.create(), state), state)

    @property
    def at_hand(self) -> int:
        """How many of the keys can be handed out."""
        return sum(key not in self._apart for key in self.keys)

    @property
    def days(self) -> int:
        """The window, in days, of everything that is not about windows: the bound itself has checks of its own."""
        window = self.client.profile.window
        return min(window.minimum + 1, window.maximum)

    def bring(self, key: str, state: str, days: int | None = None) -> KeyView | None:
        """Lead a key into a state step by step, by a window of so many days; None when the key is gone."""
        known = self.client.profile.facts["states"]
        view = self.settled(key, lambda view: view.state in known)
        for _ in range(_MOST_STEPS):
            if view.state == state:
                return view
            if self._forgotten(key, view):
                return None
            view = self._step(key, view, state, days or self.days)
        return self._wanted(view if view.state == state else None, state)

    def forget_if_gone(self, key: str) -> None:
        """Read a key whose waiting period has ended once more, and hand it out no more if it is gone."""
        if self._forgotten(key, self.read(key)) and key not in self._ended:
            self._ended.add(key)
            self.finish(key, "gone")

    def set_aside(self, key: str) -> None:
        """Hand a key out no more, and do not let it go at the end: it is planted."""
        self.keys = [other for other in self.keys if other != key]
        self._ended.add(key)

    def take_over(self, key: str) -> bool:
        self._ended.discard(key)
        return super().take_over(key)

    def _forgotten(self, key: str, view: KeyView) -> bool:
        if view.state == GONE and key in self.keys:
            self.keys.remove(key)
        return view.state == GONE

    def _step(self, key: str, view: KeyView, state: str, days: int) -> KeyView:
        operation = _STEPS.get((view.state, state))
        if operation is None:
            raise Stuck(f"No operation leads from the state {view.state} to {state}.")
        window = {"window": days} if operation == "schedule" else {}
        try:
            answer = self.client.ask(operation, key_id=key, **window)
        except Lost as lost:
            # Carried out or not: the key's state says.
            after = self.settled(key, lambda after: after.state != view.state)
            if isinstance(lost, Unanswered) and after.state == view.state:
                raise
            return after
        if not answer.accepted:
            raise Inconclusive(f"Could not {operation} a key to prepare the check: {answer.summary}.")
        # What was taken back from its deletion is not gone, or only for as long as reads may lag behind.
        none_of = {view.state, GONE} if operation == "cancel" else {view.state}
        after = self.settled(key, lambda after: after.state not in none_of)
        if after.state in none_of:
            received = f"it reads back as {after.state}"
            self.client.findings.breaks(_EFFECTS[operation], "the key changes its state", received, (answer.number,))
        return after

    def _wanted(self, view: KeyView | None, state: str) -> KeyView:
        if view is None:
            raise Inconclusive(f"No key could be brought into the state {state}.")
        return view

    # --- getting keys -------------------------------------------------------------------------------------------------

    def create_apart(self, **arguments: object) -> str:
        """Get a key of a special kind: it is released with the others, but never handed out."""
        key = self.create(**arguments)
        self._apart.add(key)
        return key

    def create(self, **arguments: object) -> str:
        """Take back a key of an earlier run, or create one. Raises `Inconclusive` at the limit."""
        kind = " ".join(f"{name}={value}" for name, value in sorted(arguments.items())) or PLAIN
        while (found := self.take_back(kind)) is not None:
            key, view = found
            try:
                if self._revived(key, view, kind):
                    self.keys.append(key)
                    return key
            except Inconclusive:
                # It is held, so it is let go at the end; here another one has to do.
                continue
        return self.create_new(**arguments)

    def create_new(self, **arguments: object) -> str:
        """Create a key; it is in the ledger before the request leaves. Raises `Inconclusive` at the limit."""
        self.take_stock()
        if self.room <= 0:
            raise Inconclusive(
                f"The check needs one more key than this run may create: of limits.max_keys "
                f"({self.client.target.limits.max_keys}) and of its tier, nothing is left.",
                "Raise limits.max_keys in the target file, or ask for a higher tier.",
            )
        kind = " ".join(f"{name}={value}" for name, value in sorted(arguments.items())) or PLAIN
        dialect = self.client.dialect
        answer, key = self.attempt(
            lambda marker: self.client.ask("create", **dialect.naming(marker), **arguments), kind
        )
        if key is None:
            made = self.must_have_made_none()
            # It is ours and as good as any other: what follows can be judged.
            self.keys += made if kind == PLAIN else ()
            raise Inconclusive(f"No key could be created: {answer.summary}.", "Is the quota of keys used up?")
        self.keys.append(key)
        return key

    def must_have_made_none(self, *, last: bool = False) -> tuple[str, ...]:
        """Judge that the creates which this run saw refused have made no key; returns the keys that they made.

        `last` as for `made_though_refused`. Raises `Inconclusive`.
        """
        made = self.made_though_refused(last=last)
        for key, answer in made:
            received = f"the create was answered {answer.summary}, and the key {key} was made"
            self.client.findings.breaks("refused.changes-nothing", "no new key", received, (answer.number,))
        return tuple(key for key, _ in made)

    def _revived(self, key: str, view: KeyView, kind: str) -> bool:
        if kind == PLAIN:
            return self.bring(key, ENABLED) is not None
        if view.state == PENDING:
            view = self._step(key, view, ENABLED, self.days)
        return view.state not in (PENDING, GONE)

    # --- letting go ---------------------------------------------------------------------------------------------------

    def is_let_go(self, view: KeyView) -> bool:
        """Whether a key is gone, or pending by no more than the shortest window."""
        if view.state != PENDING or view.deletion_at is None:
            return super().is_let_go(view)
        profile = self.client.profile
        tolerance = timedelta(seconds=profile.deletion.date_tolerance_seconds)
        return view.deletion_at <= self._now() + timedelta(days=profile.window.minimum) + _ROUNDING + tolerance

    def release(self) -> tuple[Left, ...]:
        """Schedule every key of this run for deletion; returns the keys for which that did not work, and why not."""
        self._listed = None
        # What cannot be found out stays in the ledger as it is; the known keys are let go all the same.
        for step in (self.hold_written, self.resolve, self.settle_doubts, self._inherit):
            try:
                step()
            except (Inconclusive, OSError) as error:
                self._note_unknown(error.reason if isinstance(error, Inconclusive) else str(error))
        left = tuple(Left(key, why) for key in sorted(self.ever) if (why := self._let_go(key)) is not None)
        # A disk that is full keeps the reason from the next run, and nothing else.
        with suppress(OSError):
            for each in left:
                self.ledger.write("left", self.ledger.marker_of(each.key), each.key, reason=each.reason)
        return left

    def _note_unknown(self, reason: str) -> None:
        with suppress(OSError):
            for record in self.ledger.unfinished():
                if record.key is None or record.key not in self.ever:
                    self.ledger.write("left", record.marker, record.key, reason=self._clean(reason))

    def _inherit(self) -> None:
        """Let go as well what runs have left that were killed; what is gone by now is closed."""
        for record in self.ledger.unfinished():
            if record.run == self.ledger.run or record.key is None:
                continue
            view = self.read(record.key)
            if self._proved_by(record, view):
                if self.ledger.take(record):
                    self._hold(record.marker, record.key)
            elif not self.ledger.is_certain(record):
                why = "it was made with other credentials, and nothing tells whether this is the same account"
                self.ledger.write("left", record.marker, record.key, reason=why)
            elif self.is_another(record, view) or self._is_gone(record.key, view):
                self.ledger.write("gone", record.marker, record.key)
            else:
                why = f"it reads as {view.state}, without our description and date of creation: perhaps another key"
                self.ledger.write("left", record.marker, record.key, reason=self._clean(why))

    def _let_go(self, key: str) -> str | None:
        """Why a key could not be let go, None where it was; what goes wrong with one must not keep the others."""
        try:
            if key in self._ended:
                return None
            view = self.settled(key, lambda view: view.state != GONE)
            if view.state != GONE:
                days = self.client.profile.window.minimum
                if view.state == PENDING and not self.is_let_go(view):
                    self._shorten(key, view)
                self._unprotect(key, view)
                after = self.bring(key, PENDING, days)
                if after is not None:
                    self.finish(key, "scheduled", after.deletion_at)
                    return None
                view = self.read(key)
            if not self._is_gone(key, view):
                return f"it reads as {view.state}, and is listed all the same"
            self.finish(key, "gone")
        except Exception as error:  # noqa: BLE001 - the key is named to the user, with the command that finishes the job
            reason = error.reason if isinstance(error, Inconclusive) else f"{type(error).__name__}: {error}"
            return self._clean(reason)
        return None

    def _is_gone(self, key: str, view: KeyView) -> bool:
        """Whether a key that reads as unknown is not listed either; one list for all keys of an ending."""
        if view.state != GONE:
            return False
        if self._listed is None:
            self._listed = frozenset(self.census())
        return key not in self._listed

    def _clean(self, reason: str) -> str:
        return self.client.recorder.redactor.text(reason)[:_LONGEST_REASON]

    def _shorten(self, key: str, view: KeyView) -> None:
        """Take back a deletion that is far ahead, to schedule it anew; if that is refused, it will do as it is."""
        try:
            self._step(key, view, ENABLED, 0)
        except Inconclusive:
            return

    def _unprotect(self, key: str, view: KeyView) -> None:
        """A check that was cut short may have left a key of ours protected from deletion."""
        arguments = self.client.dialect.without_protection(view)
        if arguments is not None and view.state != PENDING:
            self.client.ask("set_deletion_protection", **arguments)
