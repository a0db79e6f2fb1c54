"""Blind faults about what pending, disabled and enabled keys may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    accepting,
    refusing,
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
    scheduled,
)
from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, Fault
from kms_conformance.emulator import Key

_state = rows_of("states")


class _DisabledPendingKeysUnlisted(Memory):
    """Lists leave out pending keys that were disabled before."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if key.state is not PENDING or not self.was_disabled(key)]


USES: tuple[Fault, ...] = (
    # --- a pending key ------------------------------------------------------------------------------------------------
    _state(
        "pending-from-disabled-gives-data-keys",
        "critical",
        "A pending key that was disabled before gives data keys.",
        "pending.generate-data-key",
        does=(accepting_if(("generate_data_key",), lambda m, k: k.state is PENDING and m.was_disabled(k)),),
    ),
    _state(
        "long-pending-encrypts",
        "critical",
        "A key that waits longer than the smallest window still encrypts.",
        "pending.encrypt",
        does=(
            accepting_if(
                ("encrypt",), lambda m, k: k.window_days is not None and k.window_days > m.rules.window_minimum
            ),
        ),
    ),
    _state(
        "pending-with-history-encrypts",
        "critical",
        "A key that is pending for the second time encrypts.",
        "pending.encrypt",
        "lifecycle.sequence",
        does=(accepting_if(("encrypt",), lambda m, k: k.state is PENDING and m.done["schedule", k.id] > 1),),
    ),
    _state(
        "pending-update-clears",
        "major",
        "Changing the description of a pending key is refused, but empties it.",
        "pending.update-description",
        "refused.changes-nothing",
        does=(refused_but("update_description", is_pending, lambda _, k: replace(k, description="")),),
    ),
    _state(
        "pending-enable-refused-but-done",
        "critical",
        "Enabling a pending key is refused, but enables it.",
        "pending.enable",
        "refused.changes-nothing",
        does=(refused_but("enable", is_pending, lambda _, k: in_state_of(k, enabled=True)),),
    ),
    _state(
        "pending-encrypt-cancels",
        "critical",
        "Encrypting with a pending key is refused, but cancels its deletion.",
        "pending.encrypt",
        "refused.changes-nothing",
        does=(refused_but("encrypt", is_pending, cancelled),),
    ),
    _state(
        "pending-from-disabled-unlisted",
        "minor",
        "Lists leave out pending keys that were disabled before.",
        "pending.listed",
        "list.complete",
        does=(_DisabledPendingKeysUnlisted,),
    ),
    _state(
        "pending-alias-kept",
        "minor",
        "An alias of a pending key cannot be deleted.",
        "pending.delete-alias",
        of=(ALIBABA, AWS),
        does=(refusing("delete_alias", "already_pending", PENDING),),
    ),
    _state(
        "pending-policy-kept",
        "major",
        "Replacing the policy of a pending key succeeds without an effect.",
        "pending.put-policy",
        of=(AWS,),
        does=(changing("put_policy", lambda _, b, k: b if b.state is PENDING else k),),
    ),
    _state(
        "pending-more-grants",
        "critical",
        "A pending key that has a grant gets a second one.",
        "pending.create-grant",
        of=(AWS,),
        does=(accepting_if(("create_grant",), lambda _, k: k.state is PENDING and bool(k.grants)),),
    ),
    _state(
        "pending-untag-refused-but-done",
        "minor",
        "Removing a tag of a pending key is refused, but removes all its tags.",
        "pending.untag",
        "refused.changes-nothing",
        of=(AWS,),
        does=(refused_but("untag", is_pending, lambda _, k: replace(k, tags=())),),
    ),
    _state(
        "pending-from-disabled-re-encrypts",
        "critical",
        "A pending key that was disabled before takes part in ReEncrypt.",
        "pending.re-encrypt-from",
        "pending.re-encrypt-to",
        of=(AWS,),
        does=(accepting_if(("re_encrypt",), lambda m, k: k.state is PENDING and m.was_disabled(k)),),
    ),
    _state(
        "pending-rotation-off-accepted",
        "minor",
        "The rotation of a pending key can be turned off.",
        "pending.disable-rotation",
        of=(AWS,),
        does=(accepting("disable_rotation", PENDING),),
    ),
    # --- a disabled key, an enabled key -------------------------------------------------------------------------------
    _state(
        "disabled-gives-data-keys",
        "critical",
        "A disabled key gives data keys, but encrypts nothing.",
        "state.disabled",
        does=(accepting("generate_data_key", DISABLED),),
    ),
    _state(
        "disabled-decrypts",
        "critical",
        "A disabled key decrypts, but encrypts nothing.",
        "state.disabled",
        does=(accepting("decrypt", DISABLED),),
    ),
    _state(
        "disabled-after-cancel-encrypts",
        "critical",
        "A disabled key encrypts once its deletion was cancelled.",
        "state.disabled",
        "cancel.state-after",
        "lifecycle.sequence",
        does=(accepting_if(("encrypt",), lambda m, k: k.state is DISABLED and m.done["cancel", k.id] > 0),),
    ),
    _state(
        "enabled-again-cannot-decrypt",
        "major",
        "A key that was disabled and enabled again does not decrypt.",
        "state.enabled",
        "cancel.usable-again",
        "lifecycle.sequence",
        does=(
            refusing_if(("decrypt",), "key_disabled", lambda m, k: k.state is ENABLED and m.done["enable", k.id] > 0),
        ),
    ),
    _state(
        "disabled-rotates",
        "minor",
        "The rotation of a disabled key can be turned on.",
        "disabled.enable-rotation",
        of=(AWS,),
        does=(accepting("enable_rotation", DISABLED),),
    ),
    _state(
        "disable-schedules-at-third",
        "critical",
        "Disabling a key for the third time schedules it for deletion.",
        "disable.reply",
        "state.disabled",
        "lifecycle.sequence",
        does=(changing("disable", lambda m, _, k: scheduled(m, k) if m.done["disable", k.id] > 2 else k),),
    ),
)
