"""The key store that all services share: state transitions of frozen keys, refusals by name, no input or output.

Every operation is atomic. Order of its checks: the window, the key's existence, the key's state, the alias.
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
    """Keys by id, in the order of their creation. All operations raise `Refused`; changing ones return the key."""

    def __init__(self, decisions: Decisions, clock: MovableClock) -> None:
        self._decisions = decisions
        self._clock = clock
        self._keys: dict[str, Key] = {}
        # Reentrant, because methods that hold the lock call others that take it.
        self._lock = threading.RLock()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys that exist now."""
        with self._lock:
            self._present()
            return tuple(self._keys.values())

    def create(self, draft: KeyDraft) -> Key:
        """Create a key; raises `Refused` for an alias in use or an exhausted quota."""
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
        """The key as `Decisions.shown` presents it."""
        return self.changed("describe", key_id, lambda key, _: key)

    def listed(self) -> tuple[Key, ...]:
        """All keys of a list, as `Decisions` present them."""
        with self._lock:
            now = self._present()
            shown = self._decisions.listed(tuple(self._keys.values()))
            return tuple(self._decisions.shown("list", key, now) for key in shown)

    def enable(self, key_id: str) -> Key:
        """Enable a key."""
        return self.changed("enable", key_id, lambda key, _: replace(key, state=State.ENABLED))

    def disable(self, key_id: str) -> Key:
        """Disable a key."""
        return self.changed("disable", key_id, lambda key, _: replace(key, state=State.DISABLED))

    def schedule(self, key_id: str, window: object) -> Key:
        """Schedule a key for deletion after `window` days, given as sent (see `Decisions.window_problem`)."""
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
        """Cancel the deletion of a pending key."""
        return self.changed(
            "cancel",
            key_id,
            lambda key, _: replace(key, state=self._decisions.state_after_cancel(key), deletion=None, window_days=None),
        )

    def used(self, operation: str, key_id: str) -> Key:
        """The key for a cryptographic operation such as `encrypt`."""
        return self.changed(operation, key_id, lambda key, _: key)

    def update_description(self, key_id: str, text: str) -> Key:
        """Change the description of a key."""
        return self.changed("update_description", key_id, lambda key, _: replace(key, description=text))

    def set_alias(self, key_id: str, alias: str, *, replacing: bool) -> Key:
        """Set an alias: instead of the key's aliases (`replacing`) or in addition; setting its own alias is allowed."""

        def named(key: Key, _: datetime) -> Key:
            others = [other for other in self._keys.values() if not replacing or other.id != key.id]
            if self._decisions.alias_taken(alias, others):
                raise Refused("duplicate_alias")
            return replace(key, aliases=(alias,) if replacing else (*key.aliases, alias))

        return self.changed("set_alias", key_id, named)

    def delete_alias(self, alias: str) -> Key:
        """Delete an alias of a key in any state."""
        with self._lock:
            kept = tuple(a for a in self.by_alias(alias).aliases if a != alias)
            return self.changed("delete_alias", self.by_alias(alias).id, lambda key, _: replace(key, aliases=kept))

    def by_alias(self, alias: str) -> Key:
        """The key with this alias; raises `Refused` if there is none."""
        for key in self.keys:
            if alias in key.aliases:
                return key
        raise Refused("unknown_alias")

    def tag(self, key_id: str, tags: dict[str, str]) -> Key:
        """Add tags to a key; values of existing tag names are replaced."""
        return self.changed("tag", key_id, lambda key, _: replace(key, tags=tuple({**dict(key.tags), **tags}.items())))

    def protect(self, key_id: str, *, on: bool, description: str) -> Key:
        """Turn the deletion protection of a key on or off."""
        return self.changed(
            "set_deletion_protection",
            key_id,
            lambda key, _: replace(key, protected=on, protection_description=description),
        )

    def move_alias(self, alias: str, key_id: str) -> Key:
        """Move an alias to another key; raises `Refused` if no key has the alias."""
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
        """Apply the effects of a refused request: none, unless a fault adds some."""
        with self._lock:
            self._present()
            key = self._keys.get(key_id) if isinstance(key_id, str) else None
            self._keep(self._decisions.effects_of_refusal(operation, refusal, key, self._keys.values()))

    def put(self, key: Key) -> None:
        """Store a key without any check, for tests and seed data."""
        with self._lock:
            self._keys[key.id] = key

    def changed(self, operation: str, key_id: str, change: Callable[[Key, datetime], Key]) -> Key:
        """Change a key if its state allows the operation; all operations on one key use this method."""
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
        """Remove the keys whose deletion date has passed; returns the time."""
        now = self._clock.now()
        gone = [key.id for key in self._keys.values() if not self._decisions.key_visible(key, now)]
        for key_id in gone:
            del self._keys[key_id]
        return now

    def _keep(self, keys: Iterable[Key]) -> None:
        # Only existing keys: a stand-in of `Decisions.invented_key` is not stored.
        self._keys.update({key.id: key for key in tuple(keys) if key.id in self._keys})
