"""The key store that all dialects share: it changes the states of keys or raises refusals, without input or output.

Every operation is atomic. An operation on a key first checks the window (the waiting period in days), then whether the
key exists, then the key's state, then the alias.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from kms_conformance.emulator.history import History
from kms_conformance.emulator.keys import State, key_of
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from kms_conformance.emulator.clock import MovableClock
    from kms_conformance.emulator.decisions import Decisions
    from kms_conformance.emulator.keys import Key, KeyDraft


class Store:
    """Holds the keys by id, in the order of their creation.

    Every operation may raise `Refused`. An operation on one key returns the key as the reply shows it.
    """

    def __init__(self, decisions: Decisions, clock: MovableClock) -> None:
        self._decisions = decisions
        self._clock = clock
        self._keys: dict[str, Key] = {}
        self._history = History(decisions.memory_seconds())
        # The lock is reentrant, because methods that hold it call other methods that acquire it.
        self._lock = threading.RLock()

    @property
    def keys(self) -> tuple[Key, ...]:
        """All keys that exist now."""
        with self._lock:
            self._present()
            return tuple(self._keys.values())

    def found(self, operation: str) -> tuple[Key, ...]:
        """All keys as a read finds them; see `Decisions.found`."""
        with self._lock:
            self._present()
            return tuple(self._found(operation).values())

    def expire(self) -> None:
        """Remove the keys whose deletion date has passed. Every operation does so; this is for a moved clock."""
        with self._lock:
            self._present()

    def create(self, draft: KeyDraft) -> Key:
        """Create a key; raises `Refused` for an alias in use or an exhausted quota."""
        with self._lock:
            now = self._present()
            if draft.alias is not None and self._decisions.alias_taken(draft.alias, self._keys.values()):
                raise Refused("duplicate_alias")
            if not self._decisions.quota_left(self._keys.values()):
                raise Refused("quota_exhausted")
            key = key_of(draft, self._decisions.state_after_create(external=draft.external), now)
            self._history.note(self._keys)
            self._keys[key.id] = key
            self._keep(self._decisions.effects("create", key, key, self._keys.values()))
            return self._decisions.shown("create", key, now)

    def describe(self, key_id: str) -> Key:
        """Read a key; see `Decisions.shown`."""
        return self.changed("describe", key_id, lambda key, _: key)

    def listed(self) -> tuple[Key, ...]:
        """The keys in the reply to a list request; see `Decisions.listed` and `Decisions.shown`."""
        with self._lock:
            now = self._present()
            shown = self._decisions.listed(tuple(self._found("list").values()))
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
        """Read a key for a cryptographic operation such as `encrypt`, which the key's state must allow."""
        return self.changed(operation, key_id, lambda key, _: key)

    def update_description(self, key_id: str, text: str) -> Key:
        """Change the description of a key."""
        return self.changed("update_description", key_id, lambda key, _: replace(key, description=text))

    def set_alias(self, key_id: str, alias: str, *, replacing: bool) -> Key:
        """Give a key an alias, which no other key may have.

        With `replacing`, the alias replaces all aliases of the key, and may be one of them. Otherwise the alias is
        added, and is refused if the key has it already.
        """

        def named(key: Key, _: datetime) -> Key:
            others = [other for other in self._keys.values() if not replacing or other.id != key.id]
            if self._decisions.alias_taken(alias, others):
                raise Refused("duplicate_alias")
            return replace(key, aliases=(alias,) if replacing else (*key.aliases, alias))

        return self.changed("set_alias", key_id, named)

    def delete_alias(self, alias: str) -> Key:
        """Delete an alias; the state of its key does not matter."""
        with self._lock:
            holder = _with_alias(alias, self.keys)
            kept = tuple(a for a in holder.aliases if a != alias)
            return self.changed("delete_alias", holder.id, lambda key, _: replace(key, aliases=kept))

    def by_alias(self, alias: str) -> Key:
        """The key that a request names by this alias; raises `Refused` if there is none."""
        return _with_alias(alias, self.found("resolve_alias"))

    def tag(self, key_id: str, tags: dict[str, str]) -> Key:
        """Add tags to a key; a tag name that the key already has gets the new value."""
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
            holder = _with_alias(alias, self.keys)
            kept = tuple(name for name in holder.aliases if name != alias)
            key = self.changed(
                "update_alias",
                key_id,
                lambda key, _: replace(key, aliases=(*(name for name in key.aliases if name != alias), alias)),
            )
            if holder.id != key.id:
                self._keep((replace(holder, aliases=kept),))
            return key

    def refused(self, operation: str | None, refusal: str, key_id: object) -> None:
        """Apply the effects of a refused request. There are none, unless a fault overrides `effects_of_refusal`."""
        with self._lock:
            self._present()
            key = self._keys.get(key_id) if isinstance(key_id, str) else None
            self._keep(self._decisions.effects_of_refusal(operation, refusal, key, self._keys.values()))

    def put(self, key: Key) -> None:
        """Store a key without any check, for tests and seed data."""
        with self._lock:
            self._keys[key.id] = key

    def changed(self, operation: str, key_id: str, change: Callable[[Key, datetime], Key]) -> Key:
        """Store the result of `change` for a key, if the key's state allows the operation.

        All operations on one key use this method. Operations that only read pass a `change` that returns the same key.
        """
        with self._lock:
            now = self._present()
            found = self._found(operation).get(key_id) or self._decisions.invented_key(key_id, now)
            if found is None:
                raise Refused("lost_key" if operation == "decrypt" else "unknown_key")
            refusal = self._decisions.refusal_for(operation, found)
            if refusal is not None:
                raise Refused(refusal)
            before = self._keys.get(key_id, found)
            after = change(before, now)
            self._keep(self._decisions.effects(operation, before, after, self._keys.values()))
            return self._decisions.shown(operation, found if after is before else after, now)

    def _found(self, operation: str) -> Mapping[str, Key]:
        keys = self._keys
        return self._decisions.found(operation, keys, lambda seconds_ago: self._history.at(seconds_ago, keys))

    def _present(self) -> datetime:
        """Store the keys that have changed by themselves, and remove those whose deletion date has passed.

        Returns the time of the movable clock.
        """
        now = self._clock.now()
        self._keep(self._decisions.changed_by_time(self._keys.values()))
        gone = [key.id for key in self._keys.values() if not self._decisions.key_visible(key, now)]
        if gone:
            self._history.note(self._keys)
        for key_id in gone:
            del self._keys[key_id]
        return now

    def _keep(self, keys: Iterable[Key]) -> None:
        # Only keys that exist are stored; a key that `Decisions.invented_key` made up does not exist.
        kept = {key.id: key for key in tuple(keys) if key.id in self._keys}
        if any(self._keys[key_id] != key for key_id, key in kept.items()):
            self._history.note(self._keys)
            self._keys.update(kept)


def _with_alias(alias: str, keys: Iterable[Key]) -> Key:
    for key in keys:
        if alias in key.aliases:
            return key
    raise Refused("unknown_alias")
