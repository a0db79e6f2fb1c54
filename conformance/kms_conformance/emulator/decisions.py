"""Every judgement that the emulator takes, one small method each: a fault or a variant overrides one or two of them.

    class CancelAcceptedWhenEnabled(Decisions):
        def refusal_for(self, operation, key):
            return None if operation == "cancel" else super().refusal_for(operation, key)

The methods are pure: they get values and return values. Those about keys are called under the store's lock.
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

# A whole number as the services' examples write it. No leading zero, sign or point: no page allows one.
_WHOLE_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")
# What the services' own keys, which are there from the start, cannot be asked for.
_NOT_ON_DEFAULT_KEYS = frozenset(
    {"disable", "schedule", "update_description", "set_alias", "update_alias", "tag", "untag", "put_policy"}
    | {"enable_rotation", "disable_rotation"}
)
# Longer numbers are outside every window, and Python refuses to convert those of thousands of digits.
_LONGEST_NUMBER = 9


class Decisions:
    """The documents' judgements, for one profile. Refusals are named as in the profile; None means that all is well."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    # Who may speak, and how -----------------------------------------------------------------------------------

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """What to make of a bearer token; `found` is what its check found."""
        return found

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        """What to make of a signature; `found` is what its check found."""
        return found

    def method_allowed(self, inbound: Inbound, documented: Collection[str]) -> bool:
        """Whether a method is served where `documented` ones are."""
        return inbound.method in documented

    def parameter_problem(self, found: str, name: str, value: object) -> str | None:
        """What to make of a key id, alias or sequence of the wrong form; the window has its own judgement."""
        return found

    def answer(self, refusal: str) -> RefusalAnswer:
        """The status and code that say `refusal`."""
        return self.rules.answers[refusal]

    # The window -----------------------------------------------------------------------------------------------

    def window_problem(self, value: object) -> str | None:
        """Whether `value`, as sent (text, JSON value or ABSENT), is a window. A JSON number is: a client sends it."""
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
        """Whether a window of so many days may be asked for."""
        return self.rules.window_minimum <= days <= self.rules.window_maximum

    def window_days(self, value: object) -> int:
        """The days of a window that has no problem."""
        return int(str(self.rules.window_default if value is ABSENT else value))

    def deletion_date(self, now: datetime, days: int) -> datetime:
        """When a key that is scheduled now will be gone."""
        return now + timedelta(days=days)

    # The life of a key ----------------------------------------------------------------------------------------

    def quota_left(self, keys: Collection[Key]) -> bool:
        """Whether one more key may be created; keys that wait for deletion count, the service's own do not."""
        return sum(not key.default for key in keys) < self.rules.key_quota

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        """Whether a key, in whatever state, has this alias."""
        return any(alias in key.aliases for key in keys)

    def refusal_for(self, operation: str, key: Key) -> str | None:
        """Why the state of `key` forbids `operation`."""
        if key.default and operation in _NOT_ON_DEFAULT_KEYS:
            return "default_key"
        refusal = self.rules.lifecycle.get(operation, {}).get(key.state)
        if refusal is None and operation == "schedule" and key.protected:
            return "deletion_protected"
        if operation == "set_deletion_protection" and key.state is State.PENDING_DELETION:
            # The page demands that the key is not to be deleted, and publishes no code.
            return "state_refused"
        return refusal

    def state_after_create(self, *, external: bool) -> State:
        """A key whose material is still to be imported cannot be used yet."""
        return State.PENDING_IMPORT if external else State.ENABLED

    def state_after_cancel(self, key: Key) -> State:
        """What a key that was spared becomes."""
        return State.PENDING_IMPORT if key.external else self.rules.after_cancel

    def key_visible(self, key: Key, now: datetime) -> bool:
        """Whether the key is still there: until the moment of its deletion, and not at that moment."""
        return key.state is not State.PENDING_DELETION or key.deletion is None or now < key.deletion

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        """What to take for a key that does not exist: nothing."""
        return None

    # What a request does, and what is told of it ---------------------------------------------------------------

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        """The keys to store after an accepted request; `keys` are all there are."""
        return (after,)

    def effects_of_refusal(
        self,
        operation: str | None,
        refusal: str,
        key: Key | None,
        keys: Collection[Key],
    ) -> Iterable[Key]:
        """The keys to store after a refused request: none. `key` is the one that it named, if there is such a key."""
        return ()

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        """The key that the reply tells of."""
        return key

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        """The keys that a list shows, in the order of their creation."""
        return keys

    def page_size(self, asked: int) -> int:
        """How many keys a page of a list holds at most, where the caller asks for so many."""
        return asked
