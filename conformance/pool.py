"""The few keys of a run: created under a ledger, brought into the state that a check needs, used again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from conformance.answer import Answer
from conformance.client import Client
from conformance.dialects.base import KeyView, Page
from conformance.judge import Inconclusive, Lost
from conformance.ledger import MARKER_PREFIX, Ledger
from conformance.oracle import DISABLED, ENABLED, GONE, PENDING, PENDING_IMPORT

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
_EFFECTS = {
    "schedule": "schedule.state-after",
    "cancel": "cancel.effect",
    "enable": "enable.reply",
    "disable": "disable.reply",
}
_MOST_STEPS = 4
_POLL_SECONDS = 0.05
# A target whose changes never show would cost the whole wait at each step: after so many in vain, a tenth will do.
_WAITS_IN_VAIN = 2
# A listing that does not end is the target's fault, and not ours to follow.
_MOST_PAGES = 100


class Pool:
    """Creates at most as many keys as allowed and hands them out, the oldest living first."""

    def __init__(self, client: Client, ledger: Ledger, most: int) -> None:
        """`most` bounds what is created, besides the target's own limit."""
        self.client = client
        self.most = min(most, client.target.limits.max_keys)
        self.ledger = ledger
        self.keys: list[str] = []
        self.ever: set[str] = set()
        self.created = 0
        self._apart: set[str] = set()
        self._markers: dict[str, str] = {}
        # What the target listed before we created anything.
        self.strangers: frozenset[str] = frozenset()
        self._ended: set[str] = set()
        self._described: dict[str, str] | None = None
        self._intended = 0
        self._in_vain = 0
        self._run = secrets.token_hex(4)

    @property
    def room(self) -> int:
        """How many more keys may be created."""
        return self.most - self.created

    def take(self, state: str, besides: tuple[str, ...] = ()) -> KeyView:
        """A key in this state that is none of `besides`. Raises `Inconclusive` when there is no way to one."""
        for key in [key for key in self.keys if key not in besides and key not in self._apart]:
            view = self.bring(key, state)
            if view is not None:
                return view
        return self._wanted(self.bring(self.create(), state), state)

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
        if self._forgotten(key, self.read(key)):
            self._ended.add(key)

    def _forgotten(self, key: str, view: KeyView) -> bool:
        if view.state == GONE and key in self.keys:
            self.keys.remove(key)
        return view.state == GONE

    def _step(self, key: str, view: KeyView, state: str, days: int) -> KeyView:
        operation = _STEPS.get((view.state, state))
        if operation is None:
            raise Inconclusive(f"No operation leads from the state {view.state} to {state}.")
        window = {"window": days} if operation == "schedule" else {}
        try:
            answer = self.client.ask(operation, key_id=key, **window)
        except Lost:
            # Carried out or not: the key's state says.
            return self.settled(key, lambda after: after.state != view.state)
        if not answer.accepted:
            raise Inconclusive(f"Could not {operation} a key to prepare the check: {answer.summary}.")
        after = self.settled(key, lambda after: after.state != view.state)
        if after.state == view.state and self.client.judge is not None:
            received = f"it still reads back as {after.state}"
            self.client.judge.breaks(_EFFECTS[operation], "the key changes its state", received, (answer.number,))
        return after

    def _wanted(self, view: KeyView | None, state: str) -> KeyView:
        if view is None:
            raise Inconclusive(f"No key could be brought into the state {state}.")
        return view

    def create_apart(self, **arguments: object) -> str:
        """Create a key of a special kind: it is released with the others, but never handed out."""
        key = self.create(**arguments)
        self._apart.add(key)
        return key

    def create(self, **arguments: object) -> str:
        """Create a key; it is in the ledger before the request leaves. Raises `Inconclusive` at the limit."""
        if self.room <= 0:
            raise Inconclusive(
                f"The check needs one more key than the {self.most} that this run may create.",
                "Raise limits.max_keys in the target file, or ask for a higher tier.",
            )
        marker = self.intend()
        answer = self.client.ask("create", **self.client.dialect.naming(marker), **arguments)
        key = self.claim(marker, answer)
        if key is None:
            raise Inconclusive(f"No key could be created: {answer.summary}.", "Is the quota of keys used up?")
        self.keys.append(key)
        return key

    def intend(self) -> str:
        """Write down that a key is about to be created; returns the marker that it must carry. Counts as created."""
        marker = f"{MARKER_PREFIX}{self._run}-{self._intended}"
        self._intended += 1
        self.ledger.write("intent", marker)
        self.created += 1
        return marker

    def claim(self, marker: str, answer: Answer) -> str | None:
        """Take note of what became of a create: the id of a key that is provably ours, or None where there is none.

        A reply that is no clear refusal leaves the intent open: `sweep` looks for the marker. Raises `Inconclusive` for
        an id that was there before us or does not carry the marker: such a key is never touched.
        """
        key = self.client.dialect.created_id(answer.value)
        if key is None:
            if 400 <= answer.status < 500:
                self.created -= 1
                self.ledger.write("refused", marker)
            return None
        if key in self.strangers or key in self.ever:
            raise Inconclusive(f"The reply to a create names a key that was there before: {key}.")
        view = self.settled(key, lambda view: view.state != GONE)
        if view.state == GONE or view.description != marker:
            raise Inconclusive(
                f"The key {key} that a create named does not carry our description, so it is left alone."
            )
        self.ever.add(key)
        self._markers[key] = marker
        self.ledger.write("created", marker, key)
        return key

    def read(self, key: str) -> KeyView:
        """Describe a key; one that the target does not know reads as gone."""
        answer = self.client.ask("describe", key_id=key)
        if answer.accepted:
            view = self.client.dialect.key(answer.value)
        elif self.client.profile.refusal("unknown_key").admits(answer.status, answer.code):
            view = KeyView(key, GONE, None, None, None, {})
        else:
            raise Inconclusive(f"A key could not be read: {answer.summary}.")
        if self.client.judge is not None:
            self.client.judge.witness(view.state)
        return view

    def marker(self, key: str) -> str:
        """The description by which a key of ours is known."""
        return self._markers[key]

    def steady(self, key: str) -> KeyView:
        """Read a key until two reads in a row agree: of several machines, one may lag behind."""
        view = self.read(key)
        for _ in range(_MOST_STEPS):
            again = self.read(key)
            if again == view:
                break
            view = again
        return view

    def settled(self, key: str, wanted: Callable[[KeyView], bool]) -> KeyView:
        """Read a key until it is as wanted, or until the time that reads may lag behind has passed."""
        patience = self.client.profile.settle_seconds / (1 if self._in_vain < _WAITS_IN_VAIN else 10)
        deadline = time.monotonic() + patience
        while not wanted(view := self.read(key)):
            if time.monotonic() >= deadline:
                self._in_vain += 1
                break
            time.sleep(_POLL_SECONDS)
        return view

    def census(self, limit: int | None = None) -> tuple[str, ...]:
        """The ids of all keys that the target lists, in its order, by pages of `limit` or of its own size.

        The living keys of the run must be among them, within the time that reads may lag behind.
        """
        size: dict[str, object] = {} if limit is None else {"limit": limit}
        deadline = time.monotonic() + self.client.profile.settle_seconds
        while True:
            ids = tuple(key for page in self._pages(size) for key in page.ids)
            lost = [key for key in self.keys if key not in ids and self.read(key).state != GONE]
            if not lost or time.monotonic() >= deadline:
                break
            time.sleep(_POLL_SECONDS)
        if self.client.judge is not None:
            self.client.judge.that("list.complete", not lost, "every living key of the run", f"missing: {lost}")
        return ids

    def _pages(self, size: dict[str, object]) -> Iterator[Page]:
        cursor: dict[str, object] = {}
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            answer = self.client.ask("list", **size, **cursor)
            if not answer.accepted:
                raise Inconclusive(f"Keys could not be listed: {answer.summary}.")
            page = self.client.dialect.page(answer.value)
            yield page
            if page.cursor is None:
                return
            if seen.issuperset(page.ids):
                if self.client.judge is not None:
                    self.client.judge.breaks("list.complete", "new keys, or the last page", "neither", (answer.number,))
                return
            seen.update(page.ids)
            cursor = {"cursor": page.cursor}
        raise Inconclusive(f"The list of keys has more than {_MOST_PAGES} pages.", "Use an account with fewer keys.")

    def recover(self, *, write: bool = True) -> tuple[str, ...]:
        """Take in what earlier runs left, by the ledger; a create that was cut short is found by its marker.

        With `write` the ledger learns what became of keys that need nothing more.
        """
        for entry in self.ledger.unfinished():
            key = entry.key or self._marked(entry.marker)
            state = GONE if key is None else self.read(key).state
            if key is not None and state not in (GONE, PENDING):
                self._markers[key] = entry.marker
                self.ever.add(key)
                self.keys.append(key)
            elif write:
                self.ledger.write("scheduled" if state == PENDING else "gone", entry.marker, key)
        return tuple(self.keys)

    def _marked(self, marker: str) -> str | None:
        """The key that carries a marker; each is read once."""
        if self._described is None:
            self._described = {str(self.read(key).description): key for key in self.census()}
        return self._described.get(marker)

    def release(self) -> tuple[str, ...]:
        """Schedule every key of this run for deletion; returns the keys for which that did not work."""
        return tuple(key for key in sorted(self.ever) if not self._let_go(key))

    def _let_go(self, key: str) -> bool:
        """Whatever goes wrong with one key must not keep the others from being let go."""
        marker = self._markers.get(key, key)
        try:
            if key in self._ended:
                self.ledger.write("gone", marker, key)
                return True
            self.settled(key, lambda view: view.state != GONE)
            if self.bring(key, PENDING, self.client.profile.window.minimum) is None:
                return False
            self.ledger.write("scheduled", marker, key)
        except Exception:  # noqa: BLE001 - the key is named to the user, with the command that finishes the job
            return False
        return True
