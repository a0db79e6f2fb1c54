"""The few keys of a run: created under a ledger, brought into the state that a check needs, used again."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from conformance.answer import Answer
from conformance.client import Client
from conformance.dialects.base import KeyView, Page
from conformance.judge import Inconclusive
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
_MOST_STEPS = 4
_POLL_SECONDS = 0.05
# A target whose changes never show would cost the whole wait at each step: after so many in vain, a tenth will do.
_WAITS_IN_VAIN = 5
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
        view = self.read(key)
        for _ in range(_MOST_STEPS):
            if view.state == state:
                return view
            if self._forgotten(key, view):
                return None
            view = self._step(key, view, state, days or self.days)
        return self._wanted(view if view.state == state else None, state)

    def forget_if_gone(self, key: str) -> None:
        """Read a key once more, and hand it out no more if it is gone."""
        self._forgotten(key, self.read(key))

    def _forgotten(self, key: str, view: KeyView) -> bool:
        if view.state == GONE and key in self.keys:
            self.keys.remove(key)
        return view.state == GONE

    def _step(self, key: str, view: KeyView, state: str, days: int) -> KeyView:
        operation = _STEPS.get((view.state, state))
        if operation is None:
            raise Inconclusive(f"No operation leads from the state {view.state} to {state}.")
        window = {"window": days} if operation == "schedule" else {}
        answer = self.client.ask(operation, key_id=key, **window)
        if not answer.accepted:
            raise Inconclusive(f"Could not {operation} a key to prepare the check: {answer.summary}.")
        return self.settled(key, lambda after: after.state != view.state)

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
        marker = f"{MARKER_PREFIX}{self._run}-{self.created}"
        answer = self.create_marked(marker, **arguments)
        key = self.client.dialect.created_id(answer.value)
        if not answer.accepted or not key:
            raise Inconclusive(f"No key could be created: {answer.summary}.", "Is the quota of keys used up?")
        return self.adopt(key)

    def adopt(self, key: str) -> str:
        """Take a created key into the pool: it is handed out, and released at the end."""
        self.keys.append(key)
        self.ever.add(key)
        return key

    def create_marked(self, marker: str, **arguments: object) -> Answer:
        """Ask for a key under a marker, with the ledger written before and after."""
        self.ledger.write("intent", marker)
        self.created += 1
        answer = self.client.ask("create", **self.client.dialect.naming(marker), **arguments)
        key = self.client.dialect.created_id(answer.value) if answer.accepted else None
        if key:
            self._markers[key] = marker
            self.ledger.write("created", marker, key)
        elif answer.error is not None:
            self.created -= 1
            self.ledger.write("refused", marker)
        return answer

    def read(self, key: str) -> KeyView:
        """Describe a key; one that the target does not know reads as gone."""
        answer = self.client.ask("describe", key_id=key)
        if answer.accepted:
            return self.client.dialect.key(answer.value)
        if self.client.profile.refusal("unknown_key").admits(answer.status, answer.code):
            return KeyView(key, GONE, None, None, None, {})
        raise Inconclusive(f"A key could not be read: {answer.summary}.")

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
        for _ in range(_MOST_PAGES):
            answer = self.client.ask("list", **size, **cursor)
            if not answer.accepted:
                raise Inconclusive(f"Keys could not be listed: {answer.summary}.")
            page = self.client.dialect.page(answer.value)
            yield page
            if page.cursor is None:
                return
            cursor = {"cursor": page.cursor}

    def recover(self) -> tuple[str, ...]:
        """Take in what earlier runs left, by the ledger; a create that was cut short is found by its marker."""
        entries = self.ledger.unfinished()
        lost = {entry.marker for entry in entries if entry.key is None}
        known = {entry.key: entry.marker for entry in entries if entry.key is not None}
        if lost:
            known |= {key: marker for key in self.census() if (marker := self.read(key).description) in lost}
        for key, marker in known.items():
            if self.read(key).state not in (GONE, PENDING):
                self._markers[self.adopt(key)] = str(marker)
            else:
                self.ledger.write("scheduled", str(marker), key)
        return tuple(self.keys)

    def release(self) -> tuple[str, ...]:
        """Schedule every key of this run for deletion; returns the keys for which that did not work."""
        return tuple(key for key in tuple(self.keys) if not self._let_go(key))

    def _let_go(self, key: str) -> bool:
        try:
            self.bring(key, PENDING, self.client.profile.window.minimum)
        except Inconclusive:
            return False
        self.ledger.write("scheduled", self._markers.get(key, key), key)
        return True
