"""The fifth blind set: changes of state, uses of keys in each state, other keys, and restarts."""

from __future__ import annotations

import secrets
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    accepting,
    doing,
    refusing,
)
from kms_conformance.apps.selftest.blind.fifth.mixins import NAMED, restarting_on_jumps, rows_of
from kms_conformance.apps.selftest.blind.fourth.mixins import dropping, reading
from kms_conformance.apps.selftest.blind.memory import Memory, accepting_if, cancelled, changing_more, shown_as
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.lag import DATA_PLANE
from kms_conformance.apps.selftest.reply_mutations import field, pending_read, where
from kms_conformance.apps.selftest.request_mutations import accepting_when, named_by, refusing_when
from kms_conformance.emulator import Key, State

_state = rows_of("states")
_use = rows_of("uses")
_other = rows_of("other keys")
_restart = rows_of("restarts")


class _StateBefore(Memory):
    """Cancelling gives back the state that the key had when it was scheduled."""

    def state_after_cancel(self, key: Key) -> State:
        return self.before[key.id].state if key.id in self.before else super().state_after_cancel(key)


class _StuckAfterCancel(Memory):
    """A second mark of the deletion, which cancelling forgets, keeps a cancelled key from being enabled."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        stuck = operation == "enable" and key.state is DISABLED and self.done["cancel", key.id] > 0
        refusal = "pending_enable" if self.rules.dialect == HUAWEI else "pending_manage"
        return refusal if stuck else super().refusal_for(operation, key)


def _new_material(_: Key, after: Key) -> Key:
    return replace(after, material=secrets.token_bytes(32))


def _same_day(_: Memory, named: Key, other: Key) -> bool:
    if named.deletion is None or other.deletion is None:
        return False
    return other.state is PENDING and named.deletion.date() == other.deletion.date()


STATES = (
    _state(
        "cancel-restores-state-before",
        "critical",
        "After a cancellation, a key is in the state that it had before it was scheduled.",
        "cancel.state-after",
        "cancel.reply.key-state",
        of=(HUAWEI,),
        because="So do some other clouds, and so understand authors of emulators the word cancel.",
        does=(_StateBefore,),
    ),
    _state(
        "cancel-restores-state-before",
        "critical",
        "After a cancellation, a key is in the state that it had before it was scheduled.",
        "cancel.state-after",
        of=(AWS,),
        because="So do some other clouds, and so understand authors of emulators the word cancel.",
        does=(_StateBefore,),
    ),
    _state(
        "cancelled-key-cannot-be-enabled",
        "critical",
        "A key whose deletion was cancelled cannot be enabled.",
        "cancel.usable-again",
        "lifecycle.sequence",
        of=(HUAWEI, AWS),
        because="State and deletion mark are two fields, and one stays; reported of services with soft deletion.",
        does=(_StuckAfterCancel,),
    ),
    _state(
        "second-schedule-in-vain",
        "major",
        "Scheduling a pending key again succeeds, and changes nothing.",
        "schedule.twice",
        because="Deletion is made idempotent, as is the habit with REST; common in emulators.",
        does=(
            accepting("schedule", PENDING),
            doing("schedule", lambda before, after: before if before.state is PENDING else after),
        ),
    ),
    _state(
        "cancel-without-check",
        "critical",
        "Cancelling succeeds for keys that are not pending, and gives them the state of a cancelled key.",
        "cancel.not-pending.enabled",
        "cancel.not-pending.disabled",
        "cancel.not-pending.cancelled",
        because="The handler sets fields without a look at the state; as known of emulators.",
        does=(accepting("cancel", ENABLED, DISABLED),),
    ),
    _state(
        "disabled-cannot-be-scheduled",
        "major",
        "Disabled keys cannot be scheduled for deletion.",
        "schedule.from-disabled",
        because="The guard of uses stands before all operations; the other way round than reported of an emulator.",
        does=(refusing("schedule", "key_disabled", DISABLED),),
    ),
    _state(
        "disabled-cannot-get-alias",
        "minor",
        "Disabled keys can be given no alias.",
        "disabled.allows",
        because="The guard of uses stands before all operations that change a key; kind of a reported emulator bug.",
        does=(refusing("set_alias", "key_disabled", DISABLED),),
    ),
    _state(
        "disabled-cannot-be-described-anew",
        "minor",
        "The description of a disabled key cannot be changed.",
        "disabled.allows",
        because="The guard of uses stands before all operations that change a key; kind of a reported emulator bug.",
        does=(refusing("update_description", "key_disabled", DISABLED),),
    ),
    _state(
        "enabled-flag-forgotten",
        "major",
        "The field `Enabled` of a pending key is true.",
        "describe.enabled-agrees",
        of=(AWS,),
        because="State and flag are two fields, and scheduling sets one of them; reported of an emulator.",
        says=(where(pending_read, field("KeyMetadata.Enabled", lambda _: True)),),
    ),
    _state(
        "cancel-makes-new-material",
        "critical",
        "Cancelling gives the key new material: what it encrypted before is lost.",
        "cancel.usable-again",
        "decrypt.reply",
        "lifecycle.sequence",
        because="Material is wiped when the key is scheduled, and restoring creates a key anew; reported of a vault.",
        does=(doing("cancel", _new_material),),
    ),
    _state(
        "disable-wipes-material",
        "critical",
        "Disabling wipes the material of a key; after it was enabled again, it has other material.",
        "state.enabled",
        "decrypt.reply",
        "lifecycle.sequence",
        because="A cache of material is cleared by disabling, and filled with a new draw; kind of reported cache bugs.",
        does=(doing("disable", _new_material),),
    ),
    _state(
        "created-at-read",
        "minor",
        "The creation date of a key is the time at which it is described.",
        "schedule.keeps.fields",
        "cancel.keeps.fields",
        because="The serialiser fills the field with the present time; reported of an emulator in another form.",
        does=(shown_as(("describe",), lambda _, key, now: replace(key, created=now)),),
    ),
    _state(
        "rotation-off-for-good",
        "major",
        "Scheduling a key turns its rotation off for good.",
        "cancel.rotation-restored",
        of=(AWS,),
        because="The rule that rotation reads as off is carried out in the store; reported by users of a client.",
        does=(doing("schedule", lambda _, after: replace(after, rotated=False)),),
    ),
)

USES = (
    _use(
        "pending-use-not-found",
        "major",
        "Uses of a pending key are refused as if there were no such key.",
        "pending.encrypt",
        "pending.decrypt",
        "pending.generate-data-key",
        because="Queries leave out rows that are marked as deleted; reported of services with soft deletion.",
        does=tuple(refusing(operation, "unknown_key", PENDING) for operation in sorted(DATA_PLANE)),
    ),
    _use(
        "disabled-arn-serves",
        "critical",
        "A disabled key encrypts and gives data keys if it is named by its ARN.",
        "disabled.every-name",
        of=NAMED,
        because="The state is looked up by the name as sent, and nothing is found; reported of an emulator.",
        does=(
            accepting_when(
                named_by("arn:", "acs:"),
                "encrypt generate_data_key generate_data_key_without_plaintext",
                DISABLED,
            ),
        ),
    ),
    _use(
        "disable-by-arn-breaks",
        "major",
        "Disabling a key by its ARN is answered with an internal error.",
        "enabled.every-name",
        "reply.no-server-error",
        of=(AWS,),
        because="A dictionary by id is asked for an ARN; reported of an emulator.",
        does=(refusing_when(named_by("arn:"), "disable", "internal_error", ENABLED, DISABLED),),
    ),
    _use(
        "disabled-rotates",
        "major",
        "The rotation of a disabled key can be turned on and off.",
        "disabled.enable-rotation",
        "disabled.disable-rotation",
        of=(AWS,),
        because="Operations on rotation have no guard; reported of an emulator.",
        does=(accepting_if({"enable_rotation", "disable_rotation"}, lambda _, key: key.state is DISABLED),),
    ),
    _use(
        "disabled-rotation-unread",
        "minor",
        "The rotation status of a disabled key cannot be read.",
        "disabled.allows",
        of=(AWS,),
        because="The guard of operations on rotation was put before the read as well; the mend of a reported bug.",
        does=(refusing("rotation_status", "key_disabled", DISABLED),),
    ),
    _use(
        "decrypt-ignores-name",
        "major",
        "Decrypt does not look at the key that the request names.",
        "decrypt.key-id",
        of=(AWS,),
        because="The ciphertext tells the key, and the parameter is not read; reported of an emulator.",
        does=(reading({"decrypt"}, dropping("KeyId")),),
    ),
    _use(
        "disabled-grants",
        "major",
        "Grants can be made on disabled keys.",
        "disabled.create-grant",
        of=(AWS,),
        because="Operations on grants came later, without the guard of uses; found in a review of an emulator.",
        does=(accepting("create_grant", DISABLED),),
    ),
    _use(
        "protection-unseen-if-disabled",
        "major",
        "Deletion protection does not keep a disabled key from being scheduled.",
        "protection.refuses-schedule",
        of=(ALIBABA,),
        because="One path to deletion does not look at the protection; found in a review of a service.",
        does=(accepting_if({"schedule"}, lambda _, key: key.protected and key.state is DISABLED),),
    ),
)

OTHERS = (
    _other(
        "cancel-takes-the-day",
        "critical",
        "Cancelling a deletion cancels all deletions of the same day.",
        "cancel.only-named-key",
        "isolation.other-keys",
        because="One job for each day holds the keys, and cancelling removes the job; common with schedulers.",
        does=(changing_more("cancel", _same_day, cancelled),),
    ),
)

RESTARTS = (
    _restart(
        "restart-enables",
        "critical",
        "After a restart, all disabled keys are enabled. It restarts when no request came for a day.",
        "expiry.nothing-else",
        "isolation.other-keys",
        "lifecycle.sequence",
        because="States are not in the snapshot, or the loader sets a default; reported of emulators.",
        does=(restarting_on_jumps(lambda key: replace(key, state=ENABLED) if key.state is DISABLED else key),),
    ),
    _restart(
        "restart-loses-aliases",
        "major",
        "After a restart, keys have no aliases. It restarts when no request came for a day.",
        "expiry.nothing-else",
        "isolation.other-keys",
        of=NAMED,
        because="The loader reads the file of aliases and drops it; reported of an emulator.",
        does=(restarting_on_jumps(lambda key: replace(key, aliases=())),),
    ),
    _restart(
        "restart-cancels",
        "critical",
        "After a restart, pending keys are no longer pending. It restarts when no request came for a day.",
        "expiry.gone",
        "expiry.nothing-else",
        "isolation.other-keys",
        because="Deletions are timers in memory; reported of the persistence of emulators.",
        does=(
            restarting_on_jumps(
                lambda key: (
                    replace(key, state=DISABLED, deletion=None, window_days=None) if key.state is PENDING else key
                )
            ),
        ),
    ),
    _restart(
        "restart-loses-grants",
        "major",
        "After a restart, keys have no grants and the default policy. It restarts when no request came for a day.",
        "expiry.nothing-else",
        "isolation.other-keys",
        of=(AWS,),
        because="Grants and policies are not in the snapshot; reported of the persistence of an emulator.",
        does=(restarting_on_jumps(lambda key: replace(key, grants=(), policy="")),),
    ),
)
