"""Mixins of the fifth blind set about the account: keys of other users of many kinds, and users at work.

Documents promise nothing about what else is in an account, and who else works in it. What other users do is no effect
of a request of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Decisions, Key, Rules, State

Mixin = type[Decisions]
Change = Callable[[Key], Key]


def state_named(name: str) -> State:
    """A key state that the emulator does not know; `with_states` says how it is written."""
    return cast("State", name)


def with_states(**written: str) -> Mixin:
    """Further key states, by their name here, and how replies write them."""

    class WithStates(Decisions):
        def __init__(self, rules: Rules) -> None:
            further = {state_named(name): text for name, text in written.items()}
            super().__init__(replace(rules, wire_states={**rules.wire_states, **further}))

    return WithStates


def as_key(**fields: Any) -> Change:  # noqa: ANN401 - fields of a key
    """A change of a key of another user, which leaves its id."""
    return lambda key: replace(key, **fields)


def created(year: int) -> datetime:
    """A time of creation in this year."""
    return datetime(year, 3, 14, 9, 26, 53, tzinfo=UTC)


class Others(Decisions):
    """Knows the keys of other users: those that exist before the first request, without the default keys.

    - others: their ids, in the order of the account.
    - begun: the time of the first request, in seconds of `Clock.monotonic`.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.others: tuple[str, ...] | None = None
        self.begun = 0.0

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().changed_by_time(keys))
        if self.others is not None:
            return found
        self.begun = REAL.monotonic()
        mine = [key for key in keys if not key.default]
        self.others = tuple(key.id for key in mine)
        return (*found, *self.furnished(tuple(mine)))

    def furnished(self, mine: tuple[Key, ...]) -> Iterable[Key]:
        """The keys of other users as they are from the first request on; by default unchanged."""
        return ()


def holding(*kinds: Change) -> Mixin:
    """The first key of another user is changed by the first of `kinds`, and so on; further keys stay as they are.

    It conforms because an account may have any keys: keys of all kinds are on the vendors' pages on creating keys.
    """

    class Holding(Others):
        def furnished(self, mine: tuple[Key, ...]) -> Iterable[Key]:
            return (change(key) for change, key in zip(kinds, mine, strict=False))

    return Holding


def colleague(seconds: float, *changes: Change) -> Mixin:
    """Another user changes the first keys that are not the run's, one change every `seconds` seconds, again and again.

    The first change is made to the first key, the second to the second key, and so on.
    It conforms because these requests are made by another user on keys of his.
    """

    class Colleague(Others):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._done = 0

        def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().changed_by_time(keys))
            if found or (REAL.monotonic() - self.begun) / seconds < self._done + 1:
                return found
            step = self._done % len(changes)
            self._done += 1
            names = self.others or ()
            return tuple(changes[step](key) for key in keys if step < len(names) and key.id == names[step])

    return Colleague


def toggled(key: Key) -> Key:
    """An enabled key disabled, any other key enabled without a deletion date."""
    state = DISABLED if key.state is ENABLED else ENABLED
    return replace(key, state=state, deletion=None, window_days=None)


def put_off(key: Key) -> Key:
    """A key scheduled for deletion in 9 days; the deletion of a pending key is cancelled."""
    if key.state is PENDING:
        return replace(key, state=DISABLED, deletion=None, window_days=None)
    return replace(key, state=PENDING, deletion=REAL.now().replace(microsecond=0) + timedelta(days=9), window_days=9)


def ending_in(seconds: float) -> Change:
    """A pending key, created in 2023, whose date comes `seconds` seconds after the first request."""
    return lambda key: replace(
        key,
        state=PENDING,
        created=created(2023),
        deletion=REAL.now().replace(microsecond=0) + timedelta(seconds=seconds),
        window_days=7,
    )


def overdue(hours: float) -> Change:
    """A pending key whose date was `hours` hours ago; `kept_after` keeps it."""
    return ending_in(-3600 * hours)


class KeptOverdue(Others):
    """Keys of other users that are overdue stay readable, as pending keys.

    It conforms for services that delete a key within 24 hours after its date, as the vendors' pages say.
    """

    def key_visible(self, key: Key, now: datetime) -> bool:
        waits = self.others is None or key.id in self.others
        late = key.deletion is not None and now < key.deletion + timedelta(hours=24)
        return super().key_visible(key, now) or (waits and late)


def appearing(first: int, seconds: float) -> Mixin:
    """The keys of other users from number `first` on are created during the run, one every `seconds` seconds.

    It conforms because another user creates them.
    """

    class Appearing(Others):
        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            there = super().found(operation, keys, earlier)
            late = (self.others or ())[first:]
            born = int((REAL.monotonic() - self.begun) / seconds)
            unborn = frozenset(late[born:])
            return {name: key for name, key in there.items() if name not in unborn} if unborn else there

    return Appearing


class DeniedKey(Others):
    """The policy of the first key of another user denies everything to the caller, who can list it nevertheless.

    It conforms because policies are per key, and ListKeys is not subject to them (vendors' pages, recorded replies).
    """

    def refusal_for(self, operation: str, key: Key) -> str | None:
        denied = bool(self.others) and key.id == (self.others or ("",))[0]
        return "not_permitted" if denied and operation != "list" else super().refusal_for(operation, key)
