"""Mixins of the third blind set: operations carried out but refused, requests misread, and rows of the set."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kms_conformance.apps.selftest.blind.memory import Mixin
from kms_conformance.apps.selftest.blind.rows import rows_of as first_rows_of
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory
from kms_conformance.apps.selftest.request_mutations import asked_key
from kms_conformance.emulator import Decisions, Key, Refused, Rules

rows_of = partial(first_rows_of, prefix="blind3", of_set="third blind set")

# The refusals that the profiles give for a change of a pending key.
PENDING_REFUSALS = frozenset({"pending_update", "pending_manage", "pending_use", "state_refused"})


def asked_id(memory: RequestMemory) -> str:
    """The last part of the name by which the present request names a key; the key id if it is an id or an ARN."""
    return asked_key(memory.asked)


def asked_window(memory: RequestMemory) -> str:
    """The window of the present request as text, empty without one."""
    parameters = memory.asked.parameters
    return str(parameters.get("pending_days", parameters.get("PendingWindowInDays", "")))


def named_by_arn(memory: RequestMemory) -> bool:
    """Whether the present request names its key by an ARN."""
    return str(memory.asked.parameters.get("KeyId", "")).startswith(("arn:", "acs:"))


def named_by_alias(memory: RequestMemory) -> bool:
    """Whether the present request names its key by an alias or the ARN of one."""
    return "alias/" in str(memory.asked.parameters.get("KeyId", ""))


def done_but_refused(operation: str, refusal: str, when: Callable[[RequestMemory, Key], bool]) -> Mixin:
    """The operation is carried out, but answered with a refusal, if `when(memory, key)` is true afterwards."""

    class DoneButRefused(RequestMemory):
        def shown(self, operation_asked: str, key: Key, now: datetime) -> Key:
            if operation_asked == operation and when(self, key):
                raise Refused(refusal)
            return super().shown(operation_asked, key, now)

    return DoneButRefused


def every_nth_refused(operation: str, refusal: str, number: int) -> Mixin:
    """Every `number`-th time, the operation is carried out, but answered with a refusal."""

    class EveryNthRefused(Decisions):
        def __init__(self, rules: Rules) -> None:
            super().__init__(rules)
            self._count = 0

        def shown(self, operation_asked: str, key: Key, now: datetime) -> Key:
            if operation_asked == operation:
                self._count += 1
                if self._count % number == 0:
                    raise Refused(refusal)
            return super().shown(operation_asked, key, now)

    return EveryNthRefused


def misreading(operations: Collection[str], read: Callable[[dict[str, Any]], Mapping[str, Any]]) -> Mixin:
    """These operations read their parameters as `read` returns them; without operations, all do."""

    class Misreading(Decisions):
        def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
            found = super().parameters(operation, sent)
            return read(dict(found)) if not operations or operation in operations else found

    return Misreading


def refused_but_stored(
    operation: str, refusals: Collection[str], change: Callable[[RequestMemory, Key], Key], *, of_target: bool = True
) -> Mixin:
    """A refused operation changes the key that it names; with `of_target` false, every key is offered to `change`."""

    class RefusedButStored(RequestMemory):
        def effects_of_refusal(
            self, operation_asked: str | None, refusal: str, key: Key | None, keys: Collection[Key]
        ) -> Iterable[Key]:
            if operation_asked != operation or refusal not in refusals:
                return ()
            meant = ((key,) if key is not None else ()) if of_target else tuple(keys)
            return tuple(change(self, one) for one in meant if not one.default)

    return RefusedButStored


def earlier_by(key: Key, by: timedelta) -> Key:
    """The key with a deletion date that is earlier by this time; unchanged without a date."""
    return key if key.deletion is None else replace(key, deletion=key.deletion - by)


def accepting_asked(operations: Collection[str], when: Callable[[RequestMemory, Key], bool]) -> Mixin:
    """These operations are accepted whenever `when(memory, key)` is true; the memory has the present request."""

    class AcceptingAsked(RequestMemory):
        def refusal_for(self, operation: str, key: Key) -> str | None:
            open_ = operation in operations and when(self, key)
            return None if open_ else super().refusal_for(operation, key)

    return AcceptingAsked
