"""Seed data of a dialect in the emulator: valid credentials, and the keys that exist before the first request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.keys import Key, KeyDraft, State, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The states that foreign keys (keys of other users) get in turn.
_STATES = (State.ENABLED, State.DISABLED, State.PENDING_DELETION)
# The waiting period of foreign keys that are pending deletion, in days; every profile allows it.
_DAYS = 20


@dataclass(frozen=True)
class AccessKey:
    """The secret of an access key; a temporary access key also has a security token, which every request must carry."""

    secret: str
    security_token: str | None = None


@dataclass(frozen=True)
class SeedData:
    """Seed data of one dialect. The credentials are no secrets, because this source publishes them.

    - auth: returns the `auth` sections of target files for the base URL of an emulator, by way to sign in; the default
      way comes first.
    - foreign: the model for the keys of other users; `{number}` in its alias is replaced by the number of each key.
    - own: the default keys of the service, which cannot be deleted.
    - environment: returns the environment variables from which the vendor's SDKs and tools take endpoint and
      credentials, for the base URL of an emulator. Where an SDK reads no endpoint from there, it must be set in code.
    - trusting: the environment variables from which they take a file of trusted authorities.
    - set_in_code: a sentence that says what they take from no environment variable.
    """

    auth: Callable[[str], Mapping[str, Mapping[str, str]]]
    foreign: KeyDraft
    own: tuple[KeyDraft, ...] = ()
    environment: Callable[[str], Mapping[str, str]] = lambda _: {}
    trusting: tuple[str, ...] = ()
    set_in_code: str = ""

    def auth_of(self, kind: str | None, base_url: str) -> dict[str, Any]:
        """The `auth` section of a target file for a way to sign in (None: the first); `ValueError` if unknown."""
        kinds = self.auth(base_url)
        kind = kind or next(iter(kinds))
        if kind not in kinds:
            raise ValueError(f"There is no way {kind!r} to sign in here; there are: {', '.join(kinds)}.")
        return dict(kinds[kind])

    def keys(self, foreign_keys: int, now: datetime) -> Iterator[Key]:
        """The default keys, then `foreign_keys` foreign keys. Faults do not change them: no `Decisions` are called."""
        for draft in self.own:
            yield key_of(draft, State.ENABLED, now)
        for number in range(foreign_keys):
            alias = (self.foreign.alias or "").replace("{number}", str(number))
            key = key_of(replace(self.foreign, alias=alias), _STATES[number % len(_STATES)], now)
            pending = key.state is State.PENDING_DELETION
            yield replace(key, deletion=now + timedelta(days=_DAYS), window_days=_DAYS) if pending else key
