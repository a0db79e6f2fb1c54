"""The second blind set: states, refusals, and keys that disturb each other."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable
from dataclasses import replace

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, doing, refusing
from kms_conformance.apps.selftest.blind.memory import (
    Memory,
    accepting_if,
    cancelled,
    changing,
    changing_more,
    refused_but,
)
from kms_conformance.apps.selftest.blind.second.mixins import (
    MINUTE,
    also_on_others,
    minute_of,
    moved,
    pending,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Key, Rules, State
from kms_conformance.emulator.keys import Grant

_state = rows_of("states")
_other = rows_of("other keys")


def _formerly_disabled(memory: Memory, key: Key) -> bool:
    return pending(key) and memory.was_disabled(key)


class _ThreeJobs(Memory):
    """Only three keys can be pending: scheduling a fourth cancels the deletion of the one scheduled first."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._queue: list[str] = []

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        yield from super().effects(operation, before, after, keys)
        if operation != "schedule":
            return
        waiting = {key.id: key for key in keys if pending(key) and key.id != after.id}
        self._queue = [name for name in self._queue if name in waiting] + [after.id]
        if len(self._queue) > 3:
            yield cancelled(self, waiting[self._queue.pop(0)])


def _without_grantees(key: Key, revoked: Collection[Grant]) -> Key:
    grantees = {grant.grantee for grant in revoked}
    return replace(key, grants=tuple(grant for grant in key.grants if grant.grantee not in grantees))


def _at_same_minute(_m: Memory, named: Key, other: Key) -> bool:
    return pending(other) and minute_of(other.deletion) == minute_of(named.deletion)


def _later(memory: Memory, key: Key) -> Key:
    return replace(key, deletion=memory.latest.deletion) if memory.latest is not None else key


def _earlier_than_latest(memory: Memory, _named: Key, other: Key) -> bool:
    latest = memory.latest.deletion if memory.latest is not None else None
    return pending(other) and other.deletion is not None and latest is not None and other.deletion < latest


def _enabled_anew(_: Memory, before: Key, after: Key) -> Key:
    return replace(after, material=secrets.token_bytes(32)) if before.state is DISABLED else after


STATES = (
    _state(
        "schedule-needs-disabled",
        "major",
        "A key must be disabled before it can be scheduled, as in another cloud.",
        "schedule.from-enabled",
        does=(refusing("schedule", "already_pending", ENABLED),),
    ),
    _state(
        "pending-enabled-if-it-was-disabled",
        "critical",
        "A pending key that was disabled before can be enabled.",
        "pending.enable",
        does=(accepting_if({"enable"}, _formerly_disabled),),
    ),
    _state(
        "pending-described-if-it-was-disabled",
        "major",
        "The description of a pending key that was disabled before can be changed.",
        "pending.update-description",
        does=(accepting_if({"update_description"}, _formerly_disabled),),
    ),
    _state(
        "pending-gets-first-alias",
        "major",
        "A pending key that has no alias can get one.",
        "pending.set-alias",
        of=(ALIBABA, AWS),
        does=(accepting_if({"set_alias"}, lambda _, key: pending(key) and not key.aliases),),
    ),
    _state(
        "pending-tagged-takes-tags",
        "minor",
        "A pending key that has tags takes further ones.",
        "pending.tag",
        of=(AWS,),
        does=(accepting_if({"tag"}, lambda _, key: pending(key) and bool(key.tags)),),
    ),
    _state(
        "pending-granted-takes-grants",
        "major",
        "A pending key that has a grant takes further ones.",
        "pending.create-grant",
        of=(AWS,),
        does=(accepting_if({"create_grant"}, lambda _, key: pending(key) and bool(key.grants)),),
    ),
    _state(
        "pending-untagged-if-it-was-disabled",
        "minor",
        "Tags of a pending key that was disabled before can be removed.",
        "pending.untag",
        of=(AWS,),
        does=(accepting_if({"untag"}, _formerly_disabled),),
    ),
    _state(
        "pending-rotated-if-it-was-disabled",
        "minor",
        "The rotation of a pending key that was disabled before can be turned on and off.",
        "pending.enable-rotation",
        "pending.disable-rotation",
        of=(AWS,),
        does=(accepting_if({"enable_rotation", "disable_rotation"}, _formerly_disabled),),
    ),
    _state(
        "importing-key-cannot-be-scheduled",
        "minor",
        "A key that waits for imported material cannot be scheduled.",
        "schedule.imported-key",
        of=(AWS,),
        does=(refusing("schedule", "pending_import", State.PENDING_IMPORT),),
    ),
    _state(
        "enable-toggles",
        "major",
        "Enabling an enabled key disables it.",
        "enable.idempotent",
        of=(ALIBABA, AWS),
        does=(doing("enable", lambda old, new: replace(new, state=DISABLED) if old.state is ENABLED else new),),
    ),
    _state(
        "disable-toggles",
        "critical",
        "Disabling a disabled key enables it.",
        "disable.idempotent",
        of=(ALIBABA, AWS),
        does=(doing("disable", lambda old, new: replace(new, state=ENABLED) if old.state is DISABLED else new),),
    ),
    _state(
        "disabled-by-cancel-decrypts",
        "critical",
        "A key that is disabled because its deletion was cancelled still decrypts.",
        "state.disabled",
        "cancel.state-after",
        of=(HUAWEI, AWS),
        does=(accepting_if({"decrypt"}, lambda m, key: key.state is DISABLED and m.done["cancel", key.id] > 0),),
    ),
    _state(
        "cancel-protects",
        "major",
        "Cancelling turns deletion protection on, so that the key cannot be scheduled again.",
        "schedule.from-enabled",
        "lifecycle.sequence",
        of=(ALIBABA,),
        does=(changing("cancel", lambda _m, _old, new: replace(new, protected=True)),),
    ),
    _state(
        "enable-renews-material",
        "critical",
        "Enabling a disabled key gives it new material, so that older ciphertexts are lost.",
        "cancel.usable-again",
        "state.enabled",
        does=(changing("enable", _enabled_anew),),
    ),
)

OTHERS = (
    _other(
        "cancel-by-date",
        "critical",
        "Cancelling cancels the deletion of all keys with a date in the same minute.",
        "cancel.only-named-key",
        does=(changing_more("cancel", _at_same_minute, cancelled),),
    ),
    _other(
        "one-timer",
        "major",
        "Scheduling a key moves all earlier deletion dates to the new one.",
        "schedule.only-named-key",
        "isolation.other-keys",
        does=(changing_more("schedule", _earlier_than_latest, _later),),
    ),
    _other(
        "three-jobs",
        "major",
        "Scheduling a fourth key cancels the deletion of the one that was scheduled first.",
        "schedule.only-named-key",
        does=(_ThreeJobs,),
    ),
    _other(
        "refused-twice-moves-date",
        "major",
        "Scheduling a pending key again is refused, but moves its date by five minutes each time.",
        "schedule.twice",
        "refused.changes-nothing",
        does=(refused_but("schedule", lambda _, key: key.state is PENDING, lambda _, key: moved(key, 5 * MINUTE)),),
    ),
    _other(
        "tags-shared",
        "major",
        "Keys without tags share one empty set of tags: tagging one tags them all.",
        "isolation.other-keys",
        of=(ALIBABA, AWS),
        does=(also_on_others("tag", lambda old, new, o: o if old.tags or o.tags else replace(o, tags=new.tags)),),
    ),
    _other(
        "policy-shared",
        "major",
        "Keys with the default policy share it: replacing one replaces them all.",
        "isolation.other-keys",
        of=(AWS,),
        does=(
            also_on_others(
                "put_policy", lambda old, new, o: o if old.policy or o.policy else replace(o, policy=new.policy)
            ),
        ),
    ),
    _other(
        "revoke-by-grantee",
        "major",
        "Revoking a grant revokes all grants to the same principal, on all keys.",
        "isolation.other-keys",
        "revoke-grant.reply",
        of=(AWS,),
        does=(
            also_on_others("revoke_grant", lambda old, new, o: _without_grantees(o, set(old.grants) - set(new.grants))),
            changing("revoke_grant", lambda _m, old, new: _without_grantees(new, set(old.grants) - set(new.grants))),
        ),
    ),
)
