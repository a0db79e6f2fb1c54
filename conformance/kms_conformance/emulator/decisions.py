"""The decisions of the emulator: everything about its behaviour that tests change, one method each.

A fault (a deliberate deviation) or a variant (another conforming behaviour) is a subclass that overrides some methods:

    class CancelAcceptedWhenEnabled(Decisions):
        def refusal_for(self, operation, key):
            return None if operation == "cancel" else super().refusal_for(operation, key)

The methods of `Decisions` have no side effects. The methods about keys are called while the store's lock is held.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.keys import ABSENT, Key, Quoted, State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from kms_conformance.emulator.messages import Inbound
    from kms_conformance.emulator.rules import RefusalAnswer, Rules

# A whole number as in the services' examples: without leading zeros, plus sign and decimal point.
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
# Operations that are refused on the service's own default keys.
_NOT_ON_DEFAULT_KEYS = frozenset(
    {"disable", "schedule", "update_description", "set_alias", "update_alias", "tag", "untag", "put_policy"}
    | {"enable_rotation", "disable_rotation"}
)
# A window with more digits than this is out of range. It is not converted to a number, because Python raises
# `ValueError` for more than 4300 digits.
_LONGEST_NUMBER = 9


class Decisions:
    """The documented decisions for one profile.

    A method that returns a refusal returns its name in the profile, or None if the request is accepted.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    # Authentication and request form --------------------------------------------------------------------------

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """The refusal because of a token; `found` is the refusal that the check of the token gave."""
        return found

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """The refusal because of a signature; `found` is the refusal that the check of the signature gave."""
        return found

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        """Whether the request's HTTP method is allowed; `documented` are the methods that the documents allow."""
        return inbound.method in documented

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters that the operation reads, by the names of the request; `sent` are all that were sent."""
        return sent

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        """The refusal because of a malformed key id, alias or sequence; `found` is the documented refusal."""
        return found

    def answer(self, refusal: str) -> RefusalAnswer:
        """The HTTP status and error code of a refusal."""
        return self.rules.answers[refusal]

    # The window -----------------------------------------------------------------------------------------------

    def window_problem(self, value: object) -> str | None:
        """The refusal because of a window, the waiting period in days.

        `value` is the window as sent: a text, another JSON value, or ABSENT. A JSON number counts like its text,
        because some clients send numbers.
        """
        if value is ABSENT:
            return "window_missing" if self.rules.window_default is None else None
        if isinstance(value, Quoted):
            return "window_malformed"
        if value == "":
            return "window_empty"
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _WHOLE_NUMBER.fullmatch(text):
            return "window_malformed"
        if len(text) > _LONGEST_NUMBER:
            return "window_negative" if text.startswith("-") else "window_huge"
        if self.window_in_range(int(text)):
            return None
        return "window_negative" if text.startswith("-") else "window_out_of_range"

    def window_in_range(self, days: int) -> bool:
        """Whether a window of `days` days is allowed."""
        return self.rules.window_minimum <= days <= self.rules.window_maximum

    def window_days(self, value: object) -> int:
        """The number of days of a valid window; without a window, the default of the profile."""
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
            # The page of SetDeletionProtection requires a key that is not pending deletion, but names no error code.
            return "state_refused"
        return refusal

    def state_after_create(self, *, external: bool) -> State:
        """The state of a new key; `external` keys cannot be used until their material is imported."""
        return State.PENDING_IMPORT if external else State.ENABLED

    def state_after_cancel(self, key: Key) -> State:
        """The state of a key after its deletion was cancelled."""
        return State.PENDING_IMPORT if key.external else self.rules.after_cancel

    def key_visible(self, key: Key, now: datetime) -> bool:
        """Whether the key still exists; a key pending deletion is gone from its deletion date on."""
        return key.state is not State.PENDING_DELETION or key.deletion is None or now < key.deletion

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        """The key to use if no key has this id; None, the default, means that the id is unknown."""
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
        """The keys to store after a refused request; by default none. `key` is the key that the request named."""
        return ()

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        """The keys to store before an operation, because they have changed without a request; by default none."""
        return ()

    def memory_seconds(self) -> float:
        """For how many seconds of real time the store remembers its former contents, for `found`; by default 0."""
        return 0.0

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        """The keys as an operation finds them, by id: it decides by them, and a read shows them.

        `keys` are the keys as they are now; `earlier(n)` gives the keys as they were n seconds before. A change always
        starts from the key as it is now. The operation `resolve_alias` finds the key for an alias in a request.
        """
        return keys

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        """The key as the reply to `operation` shows it."""
        return key

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        """The keys that a list contains, in this order; `keys` are all keys in the order of their creation."""
        return keys

    def aliases_listed(self, key: Key, keys: Collection[Key]) -> Iterable[Key]:
        """The keys whose aliases a list of the aliases of `key` contains; `keys` are all keys."""
        return (key,)

    def page_size(self, requested: int) -> int:
        """The largest number of keys on one page of a list; the request allows at most `requested`."""
        return requested
