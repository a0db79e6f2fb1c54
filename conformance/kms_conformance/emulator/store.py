"""The key store that all services share: transitions of frozen keys, refusals by name, no input or output.

Every operation is atomic. Order of its judgements: the window, whether the key exists, the state of the key, the alias.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from kms_conformance.emulator.keys import State, key_of
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from kms_conformance.emulator.clock import MovableClock
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Key, KeyDraft


class Store:
    """Keys by id, in the order of their creation. All methods raise `Refused`; those that change return the key."""

    def __init__(self, decisions: Decisions, clock: MovableClock) -> None:
        self._decisions = decisions
        self._clock = clock
        self._keys: dict[str, Key] = {}
        # Reentrant: what holds it looks keys up.
        self._lock = threading.RLock()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys that are there now."""
        with self._lock:
            self._present()
            return tuple(self._keys.values())

    def create(self, draft: KeyDraft) -> Key:
        """Make a key; raises `Refused` for a taken alias or an exhausted quota."""
        with self._lock:
            now = self._present()
            if draft.alias is not None and self._decisions.alias_taken(draft.alias, self._keys.values()):
                raise Refused("duplicate_alias")
            if not self._decisions.quota_left(self._keys.values()):
                raise Refused("quota_exhausted")
            key = key_of(draft, self._decisions.state_after_create(external=draft.external), now)
            self._keys[key.id] = key
            self._keep(self._decisions.effects("create", key, key, self._keys.values()))
            return self._decisions.shown("create", key, now)

    def describe(self, key_id: str) -> Key:
        """The key as it is told of."""
        return self.changed("describe", key_id, lambda key, _: key)

    def listed(self) -> tuple[Key, ...]:
        """All keys as they are told of."""
        with self._lock:
            now = self._present()
            shown = self._decisions.listed(tuple(self._keys.values()))
            return tuple(self._decisions.shown("list", key, now) for key in shown)

    def enable(self, key_id: str) -> Key:
        """Make a key usable."""
        return self.changed("enable", key_id, lambda key, _: replace(key, state=State.ENABLED))

    def disable(self, key_id: str) -> Key:
        """Make a key unusable until it is enabled."""
        return self.changed("disable", key_id, lambda key, _: replace(key, state=State.DISABLED))

    def schedule(self, key_id: str, window: object) -> Key:
        """Have a key deleted after `window` days, given as it was sent (see `Decisions.window_problem`)."""
        problem = self._decisions.window_problem(window)
        if problem is not None:
            raise Refused(problem)
        days = self._decisions.window_days(window)
        return self.changed(
            "schedule",
            key_id,
            lambda key, now: replace(
                key,
                state=State.PENDING_DELETION,
                deletion=self._decisions.deletion_date(now, days),
                window_days=days,
            ),
        )

    def cancel(self, key_id: str) -> Key:
        """Spare a key that waits for its deletion."""
        return self.changed(
            "cancel",
            key_id,
            lambda key, _: replace(key, state=self._decisions.state_after_cancel(key), deletion=None, window_days=None),
        )

    def used(self, operation: str, key_id: str) -> Key:
        """The key, for `encrypt`, `decrypt` or `generate_data_key`."""
        return self.changed(operation, key_id, lambda key, _: key)

    def update_description(self, key_id: str, text: str) -> Key:
        """Describe a key anew."""
        return self.changed("update_description", key_id, lambda key, _: replace(key, description=text))

    def set_alias(self, key_id: str, alias: str, *, replacing: bool) -> Key:
        """Name a key: instead of its present aliases (`replacing`) or in addition; its own alias may be set again."""

        def named(key: Key, _: datetime) -> Key:
            others = [other for other in self._keys.values() if not replacing or other.id != key.id]
            if self._decisions.alias_taken(alias, others):
                raise Refused("duplicate_alias")
            return replace(key, aliases=(alias,) if replacing else (*key.aliases, alias))

        return self.changed("set_alias", key_id, named)

    def delete_alias(self, alias: str) -> Key:
        """Take a name from whatever key has it, in whatever state."""
        with self._lock:
            kept = tuple(a for a in self.by_alias(alias).aliases if a != alias)
            return self.changed("delete_alias", self.by_alias(alias).id, lambda key, _: replace(key, aliases=kept))

    def by_alias(self, alias: str) -> Key:
        """The key of that name; raises `Refused` when there is none."""
        for key in self.keys:
            if alias in key.aliases:
                return key
        raise Refused("unknown_alias")

    def tag(self, key_id: str, tags: dict[str, str]) -> Key:
        """Add tags to a key, replacing values of names that it has."""
        return self.changed("tag", key_id, lambda key, _: replace(key, tags=tuple({**dict(key.tags), **tags}.items())))

    def protect(self, key_id: str, *, on: bool, description: str) -> Key:
        """Protect a key from being scheduled for deletion, or stop protecting it."""
        return self.changed(
            "set_deletion_protection",
            key_id,
            lambda key, _: replace(key, protected=on, protection_description=description),
        )

    def move_alias(self, alias: str, key_id: str) -> Key:
        """Take a name from the key that has it and give it to another; raises `Refused` when none has it."""
        with self._lock:
            holder = self.by_alias(alias)
            kept = tuple(name for name in holder.aliases if name != alias)
            key = self.changed(
                "update_alias",
                key_id,
                lambda key, _: replace(key, aliases=(*(name for name in key.aliases if name != alias), alias)),
            )
            if holder.id != key.id:
                self.put(replace(holder, aliases=kept))
            return key

    def refused(self, operation: str | None, refusal: str, key_id: object) -> None:
        """Carry out what a refused request does: nothing, unless a fault says otherwise."""
        with self._lock:
            self._present()
            key = self._keys.get(key_id) if isinstance(key_id, str) else None
            self._keep(self._decisions.effects_of_refusal(operation, refusal, key, self._keys.values()))

    def put(self, key: Key) -> None:
        """Store a key as it is, for tests and for the keys that the emulator starts with."""
        with self._lock:
            self._keys[key.id] = key

    def changed(self, operation: str, key_id: str, change: Callable[[Key, datetime], Key]) -> Key:
        """Change a key, if its state allows the operation: what every operation on one key comes down to."""
        with self._lock:
            now = self._present()
            before = self._keys.get(key_id) or self._decisions.invented_key(key_id, now)
            if before is None:
                raise Refused("lost_key" if operation == "decrypt" else "unknown_key")
            refusal = self._decisions.refusal_for(operation, before)
            if refusal is not None:
                raise Refused(refusal)
            after = change(before, now)
            self._keep(self._decisions.effects(operation, before, after, self._keys.values()))
            return self._decisions.shown(operation, after, now)

    def _present(self) -> datetime:
        """Forget the keys whose time has come, and return the time."""
        now = self._clock.now()
        gone = [key.id for key in self._keys.values() if not self._decisions.key_visible(key, now)]
        for key_id in gone:
            del self._keys[key_id]
        return now

    def _keep(self, keys: Iterable[Key]) -> None:
        # Only what exists: a key that a fault invented must not become one.
        self._keys.update({key.id: key for key in tuple(keys) if key.id in self._keys})
