"""Blind faults about key states: what scheduling and cancelling do to a key."""

from __future__ import annotations

import secrets
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
)
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    accepting_if,
    cancelled,
    changing,
    in_state_of,
    is_pending,
    refused_but,
    refusing_if,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.emulator import Key

_state = rows_of("states")


class _ShorterWindowAccepted(Memory):
    """A pending key may be scheduled again with a shorter window."""

    _asked = 0

    def window_days(self, value: object) -> int:
        self._asked = super().window_days(value)
        return self._asked

    def refusal_for(self, operation: str, key: Key) -> str | None:
        shorter = key.window_days is not None and self._asked < key.window_days
        return None if operation == "schedule" and shorter else super().refusal_for(operation, key)


class _SameWindowAccepted(Memory):
    """A pending key may be scheduled again with the window that it has, which starts anew."""

    _asked = 0

    def window_days(self, value: object) -> int:
        self._asked = super().window_days(value)
        return self._asked

    def refusal_for(self, operation: str, key: Key) -> str | None:
        same = operation == "schedule" and key.window_days == self._asked
        return None if same else super().refusal_for(operation, key)


STATES: tuple[Fault, ...] = (
    # --- what follows a cancellation ----------------------------------------------------------------------------------
    _state(
        "cancel-enables-what-was-disabled",
        "major",
        "Cancelling enables a key that was disabled before.",
        "cancel.state-after.disabled",
        "lifecycle.sequence",
        of=(HUAWEI, AWS),
        does=(changing("cancel", lambda m, _, k: in_state_of(k, enabled=m.was_disabled(k))),),
    ),
    _state(
        "second-cancel-in-vain",
        "major",
        "The second cancellation of a key's deletion succeeds without an effect.",
        "cancel.effect",
        "lifecycle.sequence",
        does=(changing("cancel", lambda m, b, k: b if m.done["cancel", k.id] > 1 else k),),
    ),
    _state(
        "second-cancel-other-state",
        "major",
        "From the second cancellation on, the key is in the wrong one of the states enabled and disabled.",
        "cancel.state-after",
        "lifecycle.sequence",
        does=(
            changing(
                "cancel",
                lambda m, _, k: in_state_of(k, enabled=k.state is DISABLED) if m.done["cancel", k.id] > 1 else k,
            ),
        ),
    ),
    _state(
        "cancelled-never-encrypts",
        "major",
        "A key whose deletion was cancelled never encrypts again.",
        "cancel.usable-again",
        does=(refusing_if(("encrypt",), "pending_use", lambda m, k: m.done["cancel", k.id] > 0),),
    ),
    _state(
        "cancelled-never-decrypts",
        "critical",
        "A key whose deletion was cancelled never decrypts again.",
        "cancel.usable-again",
        does=(refusing_if(("decrypt",), "pending_use", lambda m, k: m.done["cancel", k.id] > 0),),
    ),
    _state(
        "cancel-renews-material",
        "critical",
        "Cancelling gives the key new material, so that older ciphertexts are lost.",
        "cancel.usable-again",
        does=(changing("cancel", lambda _m, _b, k: replace(k, material=secrets.token_bytes(32))),),
    ),
    _state(
        "cancel-loses-description",
        "minor",
        "Cancelling empties the description of the key.",
        "cancel.effect",
        "lifecycle.sequence",
        does=(changing("cancel", lambda _m, _b, k: replace(k, description="")),),
    ),
    _state(
        "schedule-loses-aliases",
        "major",
        "Scheduling deletes the aliases of the key at once.",
        "schedule.state-after",
        "lifecycle.sequence",
        "pending.list-aliases",
        "pending.describe",
        does=(changing("schedule", lambda _m, _b, k: replace(k, aliases=())),),
    ),
    _state(
        "cancel-loses-aliases",
        "major",
        "Cancelling deletes the aliases of the key.",
        "cancel.effect",
        "lifecycle.sequence",
        does=(changing("cancel", lambda _m, _b, k: replace(k, aliases=())),),
    ),
    _state(
        "schedule-loses-tags",
        "minor",
        "Scheduling removes the tags of the key.",
        "schedule.state-after",
        "lifecycle.sequence",
        "pending.list-tags",
        "pending.untag",
        of=(ALIBABA, AWS),
        does=(changing("schedule", lambda _m, _b, k: replace(k, tags=())),),
    ),
    _state(
        "schedule-revokes-grants",
        "major",
        "Scheduling revokes all grants on the key.",
        "pending.list-grants",
        "lifecycle.sequence",
        "pending.revoke-grant",
        of=(AWS,),
        does=(changing("schedule", lambda _m, _b, k: replace(k, grants=())),),
    ),
    _state(
        "cancel-resets-policy",
        "critical",
        "Cancelling replaces the policy of the key by the default policy.",
        "cancel.effect",
        "lifecycle.sequence",
        "pending.put-policy",
        of=(AWS,),
        does=(changing("cancel", lambda _m, _b, k: replace(k, policy="")),),
    ),
    _state(
        "cancel-forgets-rotation-of-disabled",
        "minor",
        "Cancelling turns rotation off for a key that was disabled before.",
        "cancel.rotation-restored",
        of=(AWS,),
        does=(changing("cancel", lambda m, _, k: replace(k, rotated=k.rotated and not m.was_disabled(k))),),
    ),
    _state(
        "cancel-turns-rotation-on",
        "minor",
        "Cancelling turns rotation on for a key that was never rotated.",
        "cancel.rotation-restored",
        of=(AWS,),
        does=(changing("cancel", lambda _m, _b, k: replace(k, rotated=True)),),
    ),
    _state(
        "cancel-keeps-date-of-longest",
        "minor",
        "Cancelling leaves the deletion date on a key that waited for the largest window.",
        "cancel.date-cleared",
        does=(
            changing(
                "cancel",
                lambda m, b, k: replace(k, deletion=b.deletion) if b.window_days == m.rules.window_maximum else k,
            ),
        ),
    ),
    _state(
        "cancel-enables-imported",
        "major",
        "Cancelling enables a key that never had material.",
        "cancel.imported-key",
        of=(AWS,),
        does=(changing("cancel", lambda _m, _b, k: replace(k, state=ENABLED) if k.external else k),),
    ),
    _state(
        "cancelled-cannot-be-disabled",
        "major",
        "Disabling a key whose deletion was once cancelled succeeds without an effect.",
        "state.disabled",
        "lifecycle.sequence",
        does=(changing("disable", lambda m, b, k: b if m.done["cancel", k.id] else k),),
    ),
    # --- scheduling ---------------------------------------------------------------------------------------------------
    _state(
        "shorter-window-accepted",
        "critical",
        "A pending key is scheduled again if the new window is shorter; its deletion date moves.",
        "schedule.twice",
        does=(_ShorterWindowAccepted,),
    ),
    _state(
        "same-window-accepted",
        "major",
        "A pending key is scheduled again if the window is the same; the waiting period starts anew.",
        "schedule.twice",
        does=(_SameWindowAccepted,),
    ),
    _state(
        "third-schedule-refused",
        "major",
        "A key can be scheduled only twice in its life; the third time is refused as if it were pending.",
        "schedule.from-enabled",
        "lifecycle.sequence",
        does=(refusing_if(("schedule",), "already_pending", lambda m, k: m.done["schedule", k.id] > 1),),
    ),
    _state(
        "twice-refused-but-cancelled",
        "critical",
        "Scheduling a pending key again is refused, but cancels its deletion.",
        "schedule.twice",
        "refused.changes-nothing",
        does=(refused_but("schedule", is_pending, cancelled),),
    ),
    _state(
        "tagged-key-refused",
        "major",
        "A key with tags cannot be scheduled for deletion.",
        "schedule.from-enabled",
        "tag.reply",
        "pending.list-tags",
        of=(ALIBABA, AWS),
        does=(refusing_if(("schedule",), "already_pending", lambda _, k: bool(k.tags)),),
    ),
    _state(
        "rotated-key-refused",
        "major",
        "A key that is rotated cannot be scheduled for deletion.",
        "schedule.from-enabled",
        "cancel.rotation-restored",
        "pending.rotation-off",
        of=(AWS,),
        does=(refusing_if(("schedule",), "already_pending", lambda _, k: k.rotated),),
    ),
    _state(
        "disabled-protected-scheduled",
        "critical",
        "A disabled key is scheduled in spite of its deletion protection.",
        "protection.refuses-schedule",
        of=(ALIBABA,),
        does=(accepting_if(("schedule",), lambda _, k: k.protected and k.state is DISABLED),),
    ),
    _state(
        "disable-removes-protection",
        "critical",
        "Disabling a key turns its deletion protection off.",
        "protection.refuses-schedule",
        "lifecycle.sequence",
        of=(ALIBABA,),
        does=(changing("disable", lambda _m, _b, k: replace(k, protected=False)),),
    ),
    _state(
        "second-attempt-beats-protection",
        "critical",
        "A refused scheduling turns the deletion protection off, so that the second one succeeds.",
        "protection.refuses-schedule",
        "refused.changes-nothing",
        of=(ALIBABA,),
        does=(refused_but("schedule", lambda _, k: k.protected, lambda _, k: replace(k, protected=False)),),
    ),
    # --- a cancellation that must be refused --------------------------------------------------------------------------
    _state(
        "refused-cancel-disables",
        "critical",
        "Cancelling on an enabled key is refused, but disables the key.",
        "cancel.not-pending.enabled",
        "refused.changes-nothing",
        does=(refused_but("cancel", lambda _, k: k.state is ENABLED, lambda _, k: in_state_of(k, enabled=False)),),
    ),
    _state(
        "refused-cancel-enables",
        "major",
        "Cancelling on a disabled key is refused, but enables the key.",
        "cancel.not-pending.disabled",
        "cancel.not-pending.cancelled",
        "refused.changes-nothing",
        does=(refused_but("cancel", lambda _, k: k.state is DISABLED, lambda _, k: in_state_of(k, enabled=True)),),
    ),
)
