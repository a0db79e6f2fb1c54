"""The decisions of the emulator, one method each: a fault or a variant overrides one or two of them.

    class CancelAcceptedWhenEnabled(Decisions):
        def refusal_for(self, operation, key):
            return None if operation == "cancel" else super().refusal_for(operation, key)

The methods have no side effects. The methods about keys are called under the store's lock.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from kms_conformance.emulator.keys import ABSENT, Key, Quoted, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from kms_conformance.emulator.messages import Inbound
    from kms_conformance.emulator.rules import RefusalAnswer, Rules

# A whole number as in the services' examples: no leading zero, plus sign or decimal point.
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
# Operations that are refused on the service's own default keys.
_NOT_ON_DEFAULT_KEYS = frozenset(
    {"disable", "schedule", "update_description", "set_alias", "update_alias", "tag", "untag", "put_policy"}
    | {"enable_rotation", "disable_rotation"}
)
# Longer numbers are outside every window. Python limits the conversion of text to numbers to 4300 digits.
_LONGEST_NUMBER = 9


class Decisions:
    """The documented decisions for one profile. A refusal is its name in the profile; None means accepted."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    # Authentication and request form --------------------------------------------------------------------------

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """The refusal for a bearer token; `found` is the result of its check."""
        return found

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """The refusal for a signature; `found` is the result of its check."""
        return found

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        """Whether the request's method is served; `documented` are the methods in the documents."""
        return inbound.method in documented

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        """The refusal for a malformed key id, alias or sequence; `found` is the documented refusal."""
        return found

    def answer(self, refusal: str) -> RefusalAnswer:
        """The HTTP status and error code of a refusal."""
        return self.rules.answers[refusal]

    # The window -----------------------------------------------------------------------------------------------

    def window_problem(self, value: object) -> str | None:
        """The refusal for a window, given as sent: text, JSON value or ABSENT. Clients also send JSON numbers."""
        if value is ABSENT:
            return "window_missing" if self.rules.window_default is None else None
        if isinstance(value, Quoted):
            return "window_malformed"
        if value == "":
            return "window_empty"
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _WHOLE_NUMBER.fullmatch(text):
            return "window_malformed"
        inside = len(text) <= _LONGEST_NUMBER and self.window_in_range(int(text))
        return None if inside else "window_out_of_range"

    def window_in_range(self, days: int) -> bool:
        """Whether a window of `days` days is allowed."""
        return self.rules.window_minimum <= days <= self.rules.window_maximum

    def window_days(self, value: object) -> int:
        """The number of days of a valid window."""
        return int(str(self.rules.window_default if value is ABSENT else value))

    def deletion_date(self, now: datetime, days: int) -> datetime:
        """The deletion date of a key that is scheduled at `now`."""
        return now + timedelta(days=days)

    # Key states -----------------------------------------------------------------------------------------------

    def quota_left(self, keys: Collection[Key]) -> bool:
        """Whether one more key may be created; keys pending deletion count, default keys do not."""
        return sum(not key.default for key in keys) < self.rules.key_quota

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        """Whether a key in any state has this alias."""
        return any(alias in key.aliases for key in keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        """The refusal of `operation` in the state of `key`."""
        if key.default and operation in _NOT_ON_DEFAULT_KEYS:
            return "default_key"
        refusal = self.rules.lifecycle.get(operation, {}).get(key.state)
        if refusal is None and operation == "schedule" and key.protected:
            return "deletion_protected"
        if operation == "set_deletion_protection" and key.state is State.PENDING_DELETION:
            # The page requires a key that is not pending deletion, but publishes no error code.
            return "state_refused"
        return refusal

    def state_after_create(self, *, external: bool) -> State:
        """The state of a new key; `external` keys cannot be used until their material is imported."""
        return State.PENDING_IMPORT if external else State.ENABLED

    def state_after_cancel(self, key: Key) -> State:
        """The state of a key after its deletion was cancelled."""
        return State.PENDING_IMPORT if key.external else self.rules.after_cancel

    def key_visible(self, key: Key, now: datetime) -> bool:
        """Whether the key still exists: before its deletion date, and no longer at that time."""
        return key.state is not State.PENDING_DELETION or key.deletion is None or now < key.deletion

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        """A stand-in for a key that does not exist; None by default."""
        return None

    # Effects and replies --------------------------------------------------------------------------------------

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        """The keys to store after an accepted request; `keys` are all existing keys."""
        return (after,)

    def effects_of_refusal(
        self,
        operation: str | None,
        refusal: str,
        key: Key | None,
        keys: Collection[Key],
    ) -> Iterable[Key]:
        """The keys to store after a refused request: none. `key` is the key that the request named, if it exists."""
        return ()

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        """The key as the reply shows it."""
        return key

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        """The keys that a list contains, in the order of their creation."""
        return keys

    def page_size(self, requested: int) -> int:
        """The largest number of keys in a page of a list, where the caller wants at most `requested`."""
        return requested
