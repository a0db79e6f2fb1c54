"""Mixins of the second blind set: decisions that remember requests, and rows of the set."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, Mixin
from kms_conformance.apps.selftest.blind.rows import rows_of as first_rows_of
from kms_conformance.apps.selftest.reply_mutations import Rewrite, text
from kms_conformance.emulator import Inbound, Key, Rules

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

rows_of = partial(first_rows_of, prefix="blind2", of_set="second blind set")

# A reply of a program that failed.
BROKEN: Rewrite = text("Internal Server Error", "text/plain")


def pending(key: Key) -> bool:
    """Whether the key is pending deletion, with a date."""
    return key.state is PENDING and key.deletion is not None


def due(key: Key, now: datetime) -> bool:
    """Whether the waiting period of the key has ended."""
    return key.state is PENDING and key.deletion is not None and now >= key.deletion


def moved(key: Key, by: timedelta) -> Key:
    """The key with a deletion date that is later by this time; unchanged without a date."""
    return key if key.deletion is None else replace(key, deletion=key.deletion + by)


def since_schedule(memory: Memory, key: Key) -> timedelta:
    """The time since the key was scheduled; negative for a key that is not pending."""
    if key.deletion is None or key.window_days is None or key.state is not PENDING:
        return timedelta(days=-1)
    return memory.now - (key.deletion - timedelta(days=key.window_days))


def minute_of(moment: datetime | None) -> datetime:
    """The minute in which a moment lies."""
    return (moment or datetime.min.replace(tzinfo=UTC)).replace(second=0, microsecond=0)


class RequestMemory(Memory):
    """Decisions that know the request that they decide: `asked` is the request of this thread."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._local = threading.local()

    @property
    def asked(self) -> Inbound:
        """The request of this thread; an empty one before the first request."""
        found: Inbound = getattr(self._local, "inbound", Inbound(0, "", "/", (), b""))
        return found

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        self._local.inbound = inbound
        return super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        self._local.inbound = inbound
        return super().signature_problem(found, inbound)


class TakenAliasMoved(RequestMemory):
    """Creating an alias that another key has is refused, but moves the alias."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        alias = self.asked.parameters.get("AliasName")
        if operation != "set_alias" or refusal != "duplicate_alias" or key is None or not isinstance(alias, str):
            return
        for holder in keys:
            if alias in holder.aliases and holder.id != key.id and not holder.default:
                yield replace(holder, aliases=tuple(name for name in holder.aliases if name != alias))
                yield replace(key, aliases=(*key.aliases, alias))


def lost_if(operation: str, when: Callable[[RequestMemory], bool]) -> Mixin:
    """The operation is answered with success but has no effect, if `when` is true of the request."""

    class LostIf(RequestMemory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            return (before,) if operation_asked == operation and when(self) else found

    return LostIf


def every_nth_lost(operation: str, number: int) -> Mixin:
    """Every `number`-th time, the operation is answered with success but has no effect."""

    class EveryNthLost(Memory):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._count = 0

        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            if operation_asked != operation:
                return found
            self._count += 1
            return (before,) if self._count % number == 0 else found

    return EveryNthLost


def restarting(every: int, change: Callable[[Memory, Key], Key]) -> Mixin:
    """Each `every` operations the service restarts: all keys but default ones come back as `change` makes them."""

    class Restarting(Memory):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._operations = 0

        def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
            self._operations += 1
            if self._operations % every:
                return super().changed_by_time(keys)
            return [change(self, key) for key in keys if not key.default]

    return Restarting


def also_on_others(operation: str, change: Callable[[Key, Key, Key], Key]) -> Mixin:
    """The operation stores each other key as `change(before, after, other)` returns it; default keys stay."""

    class AlsoOnOthers(Memory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            if operation_asked == operation:
                yield from (change(before, after, key) for key in keys if key.id != after.id and not key.default)

    return AlsoOnOthers


def remembering_deleted(operations: Collection[str], change: Callable[[Key], Key] = lambda key: key) -> Mixin:
    """These operations also find keys that are deleted, as `change` makes them of the keys as last seen."""

    class RememberingDeleted(Memory):
        def found(
            self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
        ) -> Mapping[str, Key]:
            found = super().found(operation, keys, earlier)
            if operation not in operations:
                return found
            return {**found, **{name: change(key) for name, key in self.seen.items() if name not in keys}}

    return RememberingDeleted
