"""Mixins for faults that depend on what happened before: decisions that remember keys, dates and counts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.emulator import Decisions, Inbound, Key, Rules


class Memory(Decisions):
    """Decisions that remember.

    - now: the time of the movable clock at the latest request.
    - known: the keys that exist, in the order of their creation.
    - seen: every key that ever existed, as it was when it was last seen.
    - latest: the key that was last scheduled for deletion, as it is afterwards.
    - done: how often an operation was accepted, by operation and key id.
    - before: a key as it was before it was last scheduled for deletion, by id.
    - dates: all deletion dates that a key ever had, by id.
    """

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self.now = datetime.now(UTC)
        self.known: dict[str, Key] = {}
        self.seen: dict[str, Key] = {}
        self.latest: Key | None = None
        self.done: Counter[tuple[str, str]] = Counter()
        self.before: dict[str, Key] = {}
        self.dates: defaultdict[str, list[datetime]] = defaultdict(list)

    def key_visible(self, key: Key, now: datetime) -> bool:
        self.now = now
        there = super().key_visible(key, now)
        self.seen[key.id] = key
        if there:
            self.known[key.id] = key
        else:
            self.known.pop(key.id, None)
        return there

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self.done[operation, after.id] += 1
        if operation == "schedule" and after.deletion is not None:
            self.latest = after
            self.before[after.id] = before
            self.dates[after.id].append(after.deletion)
        return super().effects(operation, before, after, keys)

    def was_disabled(self, key: Key) -> bool:
        """Whether a key was disabled when it was last scheduled."""
        return key.id in self.before and self.before[key.id].state is DISABLED

    def left(self, key: Key) -> timedelta:
        """The rest of the waiting period; a long time for a key that is not pending."""
        waiting = key.state is PENDING and key.deletion is not None
        return key.deletion - self.now if waiting and key.deletion is not None else timedelta(days=9999)


def is_pending(_: Memory, key: Key) -> bool:
    """Whether the key is pending deletion; a condition for the functions below."""
    return key.state is PENDING


Mixin = type[Decisions]
When = Callable[[Memory, Key], bool]


def changing(operation: str, change: Callable[[Memory, Key, Key], Key]) -> Mixin:
    """After the operation, the key is stored as `change(memory, before, after)` returns it."""

    class Changing(Memory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            for key in super().effects(operation_asked, before, after, keys):
                yield change(self, before, key) if operation_asked == operation and key.id == after.id else key

    return Changing


def changing_more(
    operation: str, which: Callable[[Memory, Key, Key], bool], change: Callable[[Memory, Key], Key]
) -> Mixin:
    """The operation also changes the other keys for which `which(memory, named key, other key)` is true."""

    class ChangingMore(Memory):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            if operation_asked == operation:
                others = [key for key in keys if key.id != after.id and not key.default]
                yield from (change(self, key) for key in others if which(self, before, key))

    return ChangingMore


def accepting_if(operations: Collection[str], when: When) -> Mixin:
    """These operations are accepted whenever `when(memory, key)` is true."""

    class AcceptingIf(Memory):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            open_ = operation in operations and when(self, key)
            return None if open_ else super().refusal_for(operation, key)

    return AcceptingIf


def refusing_if(operations: Collection[str], refusal: str, when: When) -> Mixin:
    """These operations are refused whenever `when(memory, key)` is true."""

    class RefusingIf(Memory):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            closed = operation in operations and not key.default and when(self, key)
            return refusal if closed else super().refusal_for(operation, key)

    return RefusingIf


def vanishing(there: Callable[[Memory, Key, datetime], bool]) -> Mixin:
    """A key exists as long as `there(memory, key, now)` is true; default keys always do."""

    class Vanishing(Memory):
        def key_visible(self, key: Key, now: datetime) -> bool:
            super().key_visible(key, now)
            return key.default or there(self, key, now)

    return Vanishing


def shown_as(operations: Collection[str], change: Callable[[Memory, Key, datetime], Key]) -> Mixin:
    """Replies to these operations show the key as `change(memory, key, now)` returns it."""

    class ShownAs(Memory):
        def shown(self, operation: str, key: Key, now: datetime) -> Key:
            found = super().shown(operation, key, now)
            return change(self, found, now) if operation in operations else found

    return ShownAs


def refused_but(
    operation: str, when: When, change: Callable[[Memory, Key], Key], refusals: Collection[str] = ()
) -> Mixin:
    """A refused operation changes the key that it names, if `when` is true; `refusals` limits this to some reasons."""

    class RefusedBut(Memory):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            if key is None or key.default or operation_asked != operation or (refusals and refusal not in refusals):
                return ()
            return (change(self, key),) if when(self, key) else ()

    return RefusedBut


def refused_but_others(
    operation: str, refusals: Collection[str], which: Callable[[Key], bool], change: Callable[[Memory, Key], Key]
) -> Mixin:
    """A refused operation that names no existing key changes the newest key for which `which` is true."""

    class RefusedButOthers(Memory):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            if key is not None or operation_asked != operation or refusal not in refusals:
                return ()
            meant = [other for other in keys if not other.default and which(other)]
            return tuple(change(self, other) for other in meant[-1:])

    return RefusedButOthers


def naming(meant: Callable[[str, str], bool], *, also_malformed: bool = True) -> Mixin:
    """A name that belongs to no key means the key for whose id `meant(name, id)` is true."""

    class Naming(Memory):
        def parameter_problem(self, found: str, name: str, value: object) -> str | None:
            known = isinstance(value, str) and any(meant(value, key_id) for key_id in self.known if key_id != value)
            if found == "malformed_key" and also_malformed and known:
                return None
            return super().parameter_problem(found, name, value)

        def invented_key(self, key_id: str, now: datetime) -> Key | None:
            found = (key for known, key in self.known.items() if known != key_id and meant(key_id, known))
            return next(found, None)

    return Naming


def inventing_for(operation: str, template: Callable[[str, datetime], Key]) -> Mixin:
    """One operation is answered with success for a key that does not exist."""

    class InventingFor(Memory):
        def invented_key(self, key_id: str, now: datetime) -> Key | None:
            return template(key_id, now)

        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            if key.id not in self.known and operation_asked not in {operation, "create"}:
                return "lost_key" if operation_asked == "decrypt" else "unknown_key"
            return super().refusal_for(operation_asked, key)

    return InventingFor


def admitting_for(problems: Collection[str], operations: Collection[str]) -> Mixin:
    """Requests for these operations are accepted even if their token or signature has one of these problems."""

    def open_(found: str | None, inbound: Inbound) -> bool:
        return found in problems and inbound.operation in operations

    class AdmittingFor(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if open_(found, inbound) else super().token_problem(found, inbound)

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if open_(found, inbound) else super().signature_problem(found, inbound)

    return AdmittingFor


def scheduled(memory: Memory, key: Key) -> Key:
    """A key that was scheduled for deletion in seven days."""
    return replace(key, state=PENDING, deletion=memory.now + timedelta(days=7), window_days=7)


def cancelled(memory: Memory, key: Key) -> Key:
    """A key whose deletion was cancelled."""
    return replace(key, state=memory.rules.after_cancel, deletion=None, window_days=None)


def in_state_of(key: Key, *, enabled: bool) -> Key:
    """The key, enabled or disabled, without a deletion date."""
    return replace(key, state=ENABLED if enabled else DISABLED, deletion=None, window_days=None)
