"""Blind faults about isolation: operations that reach keys which they do not name."""

from __future__ import annotations

from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, changing_others
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    cancelled,
    changing_more,
    in_state_of,
    scheduled,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.emulator import State

_isolation = rows_of("isolation")


def _oldest(memory: Memory, state: State) -> str:
    """The id of the oldest key in a state, which is one of another user; empty if there is none."""
    return next((key.id for key in memory.known.values() if not key.default and key.state is state), "")


ISOLATION: tuple[Fault, ...] = (
    # --- other keys ---------------------------------------------------------------------------------------------------
    _isolation(
        "schedules-twins",
        "critical",
        "Scheduling a key also schedules the keys that were created in the same second.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(
            changing_more(
                "schedule", lambda _m, k, other: other.created == k.created and other.state is not PENDING, scheduled
            ),
        ),
    ),
    _isolation(
        "cancels-twins",
        "critical",
        "Cancelling one deletion cancels all with the same deletion date.",
        "cancel.only-named-key",
        "isolation.other-keys",
        does=(
            changing_more(
                "cancel", lambda _m, k, other: other.deletion == k.deletion and other.state is PENDING, cancelled
            ),
        ),
    ),
    _isolation(
        "cancels-same-window",
        "critical",
        "Cancelling one deletion cancels those of all keys with the same window.",
        "cancel.only-named-key",
        "isolation.other-keys",
        does=(
            changing_more(
                "cancel", lambda _m, k, other: other.window_days == k.window_days and other.state is PENDING, cancelled
            ),
        ),
    ),
    _isolation(
        "schedule-disables-neighbours",
        "major",
        "Scheduling a key disables all enabled keys of the account.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(changing_others("schedule", lambda k: k.state is ENABLED, lambda k: replace(k, state=DISABLED)),),
    ),
    _isolation(
        "enable-enables-all",
        "major",
        "Enabling one key enables all disabled keys.",
        "isolation.other-keys",
        "lifecycle.sequence",
        does=(changing_others("enable", lambda k: k.state is DISABLED, lambda k: replace(k, state=ENABLED)),),
    ),
    _isolation(
        "schedule-moves-all-dates",
        "critical",
        "Scheduling a key gives its deletion date to every pending key.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(
            changing_more(
                "schedule",
                lambda _m, _k, other: other.state is PENDING,
                lambda m, other: replace(other, deletion=m.latest.deletion if m.latest else other.deletion),
            ),
        ),
    ),
    _isolation(
        "update-shared-by-pending",
        "minor",
        "Changing a description empties those of all pending keys.",
        "isolation.other-keys",
        "refused.changes-nothing",
        does=(
            changing_others("update_description", lambda k: k.state is PENDING, lambda k: replace(k, description="")),
        ),
    ),
    _isolation(
        "largest-window-hits-foreign",
        "critical",
        "Scheduling with the largest window also schedules the oldest key of the account.",
        "isolation.other-keys",
        "schedule.only-named-key",
        does=(
            changing_more(
                "schedule",
                lambda m, _, other: (
                    other.id == _oldest(m, ENABLED)
                    and m.latest is not None
                    and m.latest.window_days == m.rules.window_maximum
                ),
                scheduled,
            ),
        ),
    ),
    _isolation(
        "cancel-enables-foreign",
        "major",
        "Cancelling a deletion enables the oldest disabled key of the account.",
        "isolation.other-keys",
        "cancel.only-named-key",
        does=(
            changing_more(
                "cancel",
                lambda m, _, other: other.id == _oldest(m, DISABLED),
                lambda _, other: in_state_of(other, enabled=True),
            ),
        ),
    ),
)
