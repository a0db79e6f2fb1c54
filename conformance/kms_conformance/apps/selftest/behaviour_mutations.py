"""Mixins: subclasses of `Decisions` that each change one behaviour of the emulator.

Most are made by the functions here, whose docstrings describe the changed behaviour. Several mixins can be combined as
the base classes of one class.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.emulator import Decisions, Inbound, Key, RefusalAnswer, Rules, State

Mixin = type[Decisions]
Change = Callable[[Key], Key]

ENABLED, DISABLED, PENDING = State.ENABLED, State.DISABLED, State.PENDING_DELETION


def with_(**fields: Any) -> Change:  # noqa: ANN401 - fields of a key
    """A change that sets fields of a key."""
    return lambda key: replace(key, **fields)


# --- refusals ---------------------------------------------------------------------------------------------------------


def accepting(operation: str, *states: State) -> Mixin:
    """The operation is accepted in these states, even if the documents refuse it."""

    class Accepting(Decisions):
        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            open_ = operation_asked == operation and key.state in states
            return None if open_ else super().refusal_for(operation_asked, key)

    return Accepting


def refusing(operation: str, refusal: str, *states: State) -> Mixin:
    """The operation is refused in these states, even if the documents accept it."""

    class Refusing(Decisions):
        def refusal_for(self, operation_asked: str, key: Key) -> str | None:
            closed = operation_asked == operation and key.state in states
            return refusal if closed else super().refusal_for(operation_asked, key)

    return Refusing


def answering(status: int, code: str, *refusals: str) -> Mixin:
    """These refusals are answered with this HTTP status and error code."""

    class Answering(Decisions):
        def answer(self, refusal: str) -> RefusalAnswer:
            return RefusalAnswer(status, code) if refusal in refusals else super().answer(refusal)

    return Answering


def admitting(*problems: str) -> Mixin:
    """Requests whose token or signature has one of these problems are accepted."""

    class Admitting(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if found in problems else super().token_problem(found, inbound)

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return None if found in problems else super().signature_problem(found, inbound)

    return Admitting


# --- windows and dates ------------------------------------------------------------------------------------------------


def ranging(inside: Callable[[int, Rules], bool]) -> Mixin:
    """A window (waiting period) of n days is allowed if `inside(n, rules)` is true."""

    class Ranging(Decisions):
        def window_in_range(self, days: int) -> bool:
            return inside(days, self.rules)

    return Ranging


def reading_windows(read: Callable[[object, Rules], int | None]) -> Mixin:
    """A window, as sent, counts as `read(value, rules)` days; if this is None, the documented rules apply."""

    class Reading(Decisions):
        def window_problem(self, value: object) -> str | None:
            return super().window_problem(value) if read(value, self.rules) is None else None

        def window_days(self, value: object) -> int:
            days = read(value, self.rules)
            return super().window_days(value) if days is None else days

    return Reading


def dating(date: Callable[[datetime, int], datetime]) -> Mixin:
    """Deletion dates are computed by `date` from the time of the request and the number of days in the window."""

    class Dating(Decisions):
        def deletion_date(self, now: datetime, days: int) -> datetime:
            return date(now, days)

    return Dating


# --- effects ----------------------------------------------------------------------------------------------------------


def doing(operation: str, change: Callable[[Key, Key], Key]) -> Mixin:
    """A mutation: after the operation, the emulator stores the key as `change(before, after)` returns it.

    `before` is the key before the operation, `after` the same key as the documents require it after the operation.
    """

    class Doing(Decisions):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            found = tuple(super().effects(operation_asked, before, after, keys))
            return (change(before, after),) if operation_asked == operation else found

    return Doing


def doing_nothing(operation: str) -> Mixin:
    """The operation is answered with success, but has no effect."""
    return doing(operation, lambda before, _: before)


def changing_others(operation: str, which: Callable[[Key], bool], change: Change) -> Mixin:
    """The operation also changes the other keys for which `which` is true, except default keys."""

    class ChangingOthers(Decisions):
        def effects(self, operation_asked: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
            yield from super().effects(operation_asked, before, after, keys)
            if operation_asked == operation:
                yield from (change(key) for key in keys if key.id != after.id and not key.default and which(key))

    return ChangingOthers


def changing_though_refused(refusals: Collection[str], change: Change, operation: str | None = None) -> Mixin:
    """A request that is refused for one of these reasons changes the key that it names.

    If it names no existing key, all keys are changed. Default keys are never changed. `operation` limits this to
    requests for one operation.
    """

    class ChangingThoughRefused(Decisions):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            if refusal not in refusals or operation not in {None, operation_asked}:
                return ()
            return tuple(change(meant) for meant in ((key,) if key else keys) if not meant.default)

    return ChangingThoughRefused


# --- replies ----------------------------------------------------------------------------------------------------------


def showing(operations: Collection[str], change: Change) -> Mixin:
    """Replies to these operations show a changed key."""

    class Showing(Decisions):
        def shown(self, operation: str, key: Key, now: datetime) -> Key:
            found = super().shown(operation, key, now)
            return change(found) if operation in operations else found

    return Showing


def listing(change: Callable[[tuple[Key, ...]], Iterable[Key]]) -> Mixin:
    """Lists contain the keys that `change` makes of the listed keys."""

    class Listing(Decisions):
        def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
            return change(tuple(keys))

    return Listing


def inventing(which: Callable[[str], bool], state: State = ENABLED, operations: Collection[str] | None = None) -> Mixin:
    """Unknown ids for which `which` is true are treated as keys in this state, by these operations (None: all)."""

    class Inventing(Decisions):
        def invented_key(self, key_id: str, now: datetime) -> Key | None:
            usage = "ENCRYPT_DECRYPT"
            return Key(id=key_id, state=state, created=now, spec="AES_256", usage=usage) if which(key_id) else None

        def refusal_for(self, operation: str, key: Key) -> str | None:
            invented = key.usage == "ENCRYPT_DECRYPT" and not key.aliases and not key.description
            if invented and operations is not None and operation not in operations:
                return "unknown_key"
            return super().refusal_for(operation, key)

    return Inventing


def visible(there: Callable[[Key, datetime], bool]) -> Mixin:
    """A key pending deletion exists as long as `there(key, now)` is true."""

    class Visible(Decisions):
        def key_visible(self, key: Key, now: datetime) -> bool:
            waiting = key.state is PENDING and key.deletion is not None
            return there(key, now) if waiting else super().key_visible(key, now)

    return Visible
