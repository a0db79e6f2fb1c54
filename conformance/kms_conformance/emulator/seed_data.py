"""Seed data of a dialect in the emulator: credentials that get in, and the keys that exist before the first request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.keys import Key, KeyDraft, State, key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The states of the foreign keys, one after the other.
_STATES = (State.ENABLED, State.DISABLED, State.PENDING_DELETION)
# The window of a foreign key that waits for its deletion: inside the bounds of every profile.
_DAYS = 20


@dataclass(frozen=True)
class SeedData:
    """Sample data of one dialect, published in its source and therefore no secret.

    `auth` has the `auth` of a target file for each kind of credentials, the default first; `{base_url}` in a value
    stands for the emulator's address. `foreign` is a key of another user of the account; `{number}` in its alias tells
    several apart. The foreign keys are enabled, disabled and waiting for deletion, one after the other.

    `own` are the service's own keys, which cannot be deleted.
    """

    auth: Mapping[str, Mapping[str, str]]
    foreign: KeyDraft
    own: tuple[KeyDraft, ...] = ()

    def auth_of(self, kind: str | None, base_url: str) -> dict[str, Any]:
        """The `auth` of a target file; raises `ValueError`, naming the kinds, for an unknown kind."""
        kind = kind or next(iter(self.auth))
        if kind not in self.auth:
            raise ValueError(f"There is no way {kind!r} to sign in here; there are: {', '.join(self.auth)}.")
        return {name: value.replace("{base_url}", base_url) for name, value in self.auth[kind].items()}

    def keys(self, foreign_keys: int, now: datetime) -> Iterator[Key]:
        """The service's own keys and so many foreign ones, made without asking a decision: no fault spoils them."""
        for draft in self.own:
            yield key_of(draft, State.ENABLED, now)
        for number in range(foreign_keys):
            alias = (self.foreign.alias or "").replace("{number}", str(number))
            key = key_of(replace(self.foreign, alias=alias), _STATES[number % len(_STATES)], now)
            pending = key.state is State.PENDING_DELETION
            yield replace(key, deletion=now + timedelta(days=_DAYS), window_days=_DAYS) if pending else key
