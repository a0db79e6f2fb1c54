"""Faults that depend on what a key was before: on its state, window and belongings when it was scheduled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, When, accepting_if, changing, refused_but, vanishing
from kms_conformance.apps.selftest.blind.second.mixins import due, moved, remembering_deleted
from kms_conformance.apps.selftest.deviation import ALIBABA, ALL, AWS, Fault
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import Key

_DAY = timedelta(days=1)
_OTHER = {ENABLED: DISABLED, DISABLED: ENABLED}
_ending = partial(Fault, fault_class="expiry", severity="critical", families=("waiting_period",))
_pending = partial(Fault, fault_class="pending", severity="major", families=("pending_use",))


def _never_ends(name: str, title: str, stays: When, dialects: tuple[str, ...] = ALL) -> Fault:
    """A pending key for which `stays` is true is not deleted at its date."""
    return _ending(
        name=f"{name}-never-ends",
        title=title,
        requirements=frozenset({"expiry.gone"}),
        dialects=dialects,
        decisions=(vanishing(lambda memory, key, now: not due(key, now) or stays(memory, key)),),
    )


def _accepted_if(name: str, title: str, when: When, *operations: str, dialects: tuple[str, ...] = ALL) -> Fault:
    """Operations that a pending key must refuse are accepted if `when` is true."""
    return _pending(
        name=f"{name}-{operations[0].replace('_', '-')}",
        title=title,
        requirements=frozenset(as_id(f"pending.{operation.replace('_', '-')}") for operation in operations),
        dialects=dialects,
        decisions=(accepting_if(operations, when),),
    )


def _restarts(operation: str, requirement: RequirementId, dialects: tuple[str, ...] = ALL) -> Fault:
    """A refused operation on a pending key starts the waiting period anew."""
    return _pending(
        name=f"refused-{operation.replace('_', '-')}-restarts-window",
        title=f"On a pending key, {operation.replace('_', ' ')} is refused, but starts the waiting period anew.",
        requirements=frozenset({requirement, "refused.changes-nothing"}),
        dialects=dialects,
        decisions=(refused_but(operation, lambda _, key: key.deletion is not None, _from_now),),
    )


def _from_now(memory: Memory, key: Key) -> Key:
    return replace(key, deletion=(memory.now + timedelta(days=key.window_days or 0)).replace(microsecond=0))


def _was_disabled(memory: Memory, key: Key) -> bool:
    return key.state is PENDING and memory.was_disabled(key)


def _waits_longest(memory: Memory, key: Key) -> bool:
    return key.window_days == memory.rules.window_maximum


def _has(part: Callable[[Key], object]) -> When:
    return lambda _, key: bool(part(key))


FAULTS = (
    # --- the end ------------------------------------------------------------------------------------------------------
    _never_ends("disabled-key", "A key that was disabled when it was scheduled stays pending forever.", _was_disabled),
    _never_ends(
        "shortest-window",
        "A key that was scheduled with the shortest window stays pending forever.",
        lambda memory, key: key.window_days == memory.rules.window_minimum,
    ),
    _never_ends("granted-key", "A key with a grant stays pending forever.", _has(lambda key: key.grants), (AWS,)),
    _never_ends("rotated-key", "A key with rotation stays pending forever.", _has(lambda key: key.rotated), (AWS,)),
    _never_ends(
        "key-with-policy", "A key with a policy of its own stays pending forever.", _has(lambda key: key.policy), (AWS,)
    ),
    _ending(
        name="disabled-key-gone-ten-minutes-early",
        title="A key that was disabled when it was scheduled is gone ten minutes before its date.",
        requirements=frozenset({"expiry.not-early"}),
        decisions=(
            vanishing(
                lambda memory, key, now: (
                    not due(moved(key, timedelta(minutes=-10 if memory.was_disabled(key) else 0)), now)
                )
            ),
        ),
    ),
    _ending(
        name="disabled-key-decrypts-after-its-end",
        title="What a key that was disabled encrypted is decrypted after the key's end.",
        requirements=frozenset({"expiry.decrypt"}),
        decisions=(
            type(
                "DecryptsAfterItsEnd",
                (remembering_deleted({"decrypt"}, lambda key: replace(key, state=ENABLED)),),
                {
                    "refusal_for": lambda self, operation, key: (
                        "lost_key"
                        if operation == "decrypt" and key.id not in self.known and not self.was_disabled(key)
                        else Memory.refusal_for(self, operation, key)
                    )
                },
            ),
        ),
    ),
    *(
        _ending(
            name=f"last-day-{operation.replace('_', '-')}-accepted",
            title=f"On the last day of the waiting period, {operation.replace('_', ' ')} is accepted.",
            requirements=frozenset({as_id(f"pending.{operation.replace('_', '-')}")}),
            decisions=(accepting_if((operation,), lambda memory, key: memory.left(key) < _DAY),),
        )
        for operation in ("decrypt", "enable", "generate_data_key")
    ),
    Fault(
        name="late-cancel-other-state",
        title="On the last day, cancelling leaves the key in the other of the states enabled and disabled.",
        fault_class="cancel",
        families=("waiting_period",),
        requirements=frozenset({"cancel.state-after"}),
        decisions=(
            changing(
                "cancel",
                lambda memory, before, after: (
                    replace(after, state=_OTHER[after.state]) if memory.left(before) < _DAY else after
                ),
            ),
        ),
    ),
    Fault(
        name="aliases-of-deleted-keys-listed",
        title="The list of all aliases has those of deleted keys.",
        fault_class="expiry",
        families=("waiting_period",),
        requirements=frozenset({"expiry.aliases"}),
        dialects=(AWS,),
        decisions=(remembering_deleted({"list_aliases"}),),
    ),
    # --- pending ------------------------------------------------------------------------------------------------------
    *(
        _accepted_if(
            "formerly-disabled",
            f"On a pending key that was disabled before, {operation.replace('_', ' ')} is accepted.",
            _was_disabled,
            operation,
            dialects=dialects,
        )
        for operation, dialects in (
            ("enable", ALL),
            ("encrypt", ALL),
            ("decrypt", ALL),
            ("update_description", (ALIBABA, AWS)),
            ("tag", (AWS,)),
            ("disable_rotation", (AWS,)),
        )
    ),
    *(
        _accepted_if(
            "longest-pending",
            f"On a key that waits for the longest window, {operation.replace('_', ' ')} is accepted.",
            _waits_longest,
            operation,
            dialects=dialects,
        )
        for operation, dialects in (("disable", ALL), ("generate_data_key", ALL), ("create_grant", (AWS,)))
    ),
    _accepted_if(
        "pending-without-alias",
        "A pending key without an alias can get one.",
        lambda _, key: key.state is PENDING and not key.aliases,
        "set_alias",
        dialects=(ALIBABA, AWS),
    ),
    _restarts("enable", "pending.enable"),
    _restarts("encrypt", "pending.encrypt"),
    _restarts("set_alias", "pending.set-alias", (ALIBABA, AWS)),
)
