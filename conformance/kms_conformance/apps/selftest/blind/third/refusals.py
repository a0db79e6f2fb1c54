"""The third blind set: refused but carried out, carried out but refused, and deletion protection."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import PENDING
from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory, lost_if, pending
from kms_conformance.apps.selftest.blind.third.mixins import (
    PENDING_REFUSALS,
    done_but_refused,
    every_nth_refused,
    misreading,
    refused_but_stored,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Key, Rules
from kms_conformance.emulator.keys import Grant

_refusal = rows_of("refused, and yet done")
_NAMED = (ALIBABA, AWS)


def _described(memory: RequestMemory, key: Key) -> Key:
    parameters = memory.asked.parameters
    text = parameters.get("key_description", parameters.get("Description"))
    return replace(key, description=text) if pending(key) and isinstance(text, str) else key


def _tags_of(memory: RequestMemory) -> list[Any]:
    sent = memory.asked.parameters.get("Tags")
    try:
        entries = json.loads(sent) if isinstance(sent, str) else sent
    except ValueError:
        return []
    return [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []


def _tagged(memory: RequestMemory, key: Key) -> Key:
    """The key with those of the tags of the request that are allowed."""
    sent = {str(one.get("TagKey", "")): str(one.get("TagValue", "")) for one in _tags_of(memory)}
    good = {name: text for name, text in sent.items() if name and not name.startswith(("aws:", "acs:", "aliyun"))}
    return replace(key, tags=tuple({**dict(key.tags), **good}.items()))


def _tagged_if_pending(memory: RequestMemory, key: Key) -> Key:
    return _tagged(memory, key) if pending(key) else key


def _granted(memory: RequestMemory, key: Key) -> Key:
    grantee = memory.asked.parameters.get("GranteePrincipal")
    if not pending(key) or not isinstance(grantee, str):
        return key
    grant = Grant(secrets.token_hex(32), secrets.token_hex(48), grantee, ("Decrypt",), memory.now)
    return replace(key, grants=(*key.grants, grant))


def _without_asked_alias(memory: RequestMemory, key: Key) -> Key:
    asked = memory.asked.parameters.get("AliasName")
    return replace(key, aliases=tuple(alias for alias in key.aliases if alias != asked))


def _with_asked_alias(memory: RequestMemory, key: Key) -> Key:
    alias = memory.asked.parameters.get("AliasName", memory.asked.parameters.get("key_alias"))
    if not pending(key) or not isinstance(alias, str):
        return key
    kept = () if "key_alias" in memory.asked.parameters else key.aliases
    return replace(key, aliases=(*kept, alias))


def _rotated(_: RequestMemory, key: Key) -> Key:
    return replace(key, rotated=True) if pending(key) else key


class _ProtectedQueued(Memory):
    """Scheduling a protected key is refused, but carried out as soon as the protection is turned off."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._queue: set[str] = set()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if key is not None and operation == "schedule" and refusal == "deletion_protected":
            self._queue.add(key.id)
        return super().effects_of_refusal(operation, refusal, key, keys)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            freed = operation == "set_deletion_protection" and not key.protected and key.id in self._queue
            if not freed:
                yield key
                continue
            self._queue.discard(key.id)
            date = self.deletion_date(self.now, self.rules.window_minimum)
            yield replace(key, state=PENDING, deletion=date, window_days=self.rules.window_minimum)


def _always_on(parameters: dict[str, Any]) -> dict[str, Any]:
    flag = bool(parameters.get("EnableDeletionProtection"))
    return {**parameters, "EnableDeletionProtection": "true"} if flag else parameters


REFUSALS = (
    _refusal(
        "disabled-scheduled-but-refused",
        "critical",
        "Scheduling a disabled key takes effect, but is refused as if the key were pending already.",
        "schedule.from-disabled",
        does=(done_but_refused("schedule", "already_pending", lambda memory, key: memory.was_disabled(key)),),
    ),
    _refusal(
        "fifth-cancel-retried",
        "major",
        "Every fifth cancellation is tried twice inside the service: it takes effect, but the second try is refused.",
        "cancel.status",
        "cancel.state-after",
        "lifecycle.sequence",
        does=(every_nth_refused("cancel", "not_pending", 5),),
    ),
    _refusal(
        "fourth-schedule-retried",
        "major",
        "Every fourth scheduling is tried twice inside the service: it takes effect, but the second try is refused.",
        "schedule.from-enabled",
        "schedule.from-disabled",
        "lifecycle.sequence",
        does=(every_nth_refused("schedule", "already_pending", 4),),
    ),
    _refusal(
        "pending-description-written",
        "major",
        "Changing the description of a pending key is refused, but the new description is stored.",
        "pending.update-description",
        "refused.changes-nothing",
        does=(refused_but_stored("update_description", PENDING_REFUSALS, _described),),
    ),
    _refusal(
        "pending-alias-made",
        "major",
        "Giving a pending key an alias is refused, but the key has it then.",
        "pending.set-alias",
        "refused.changes-nothing",
        does=(refused_but_stored("set_alias", PENDING_REFUSALS, _with_asked_alias),),
    ),
    _refusal(
        "pending-tag-stored",
        "minor",
        "Tagging a pending key is refused, but the tags are stored.",
        "pending.tag",
        "refused.changes-nothing",
        of=(AWS,),
        does=(refused_but_stored("tag", PENDING_REFUSALS, _tagged_if_pending),),
    ),
    _refusal(
        "pending-grant-made",
        "critical",
        "Creating a grant on a pending key is refused, but the grant is made.",
        "pending.create-grant",
        "refused.changes-nothing",
        of=(AWS,),
        does=(refused_but_stored("create_grant", PENDING_REFUSALS, _granted),),
    ),
    _refusal(
        "pending-rotation-stored",
        "minor",
        "Turning the rotation of a pending key on is refused, but it is on after a cancellation.",
        "pending.enable-rotation",
        "cancel.rotation-restored",
        of=(AWS,),
        does=(refused_but_stored("enable_rotation", PENDING_REFUSALS, _rotated),),
    ),
    _refusal(
        "bad-tags-partly-stored",
        "minor",
        "If one tag of a request is not allowed, the request is refused, but the other tags are stored.",
        "refused.changes-nothing",
        "tag.reply",
        of=_NAMED,
        does=(refused_but_stored("tag", {"invalid_tag", "invalid_parameter"}, _tagged),),
    ),
    _refusal(
        "refused-move-deletes-alias",
        "critical",
        "Moving an alias to a pending or an unknown key is refused, but the alias is deleted.",
        "refused.changes-nothing",
        "update-alias.reply",
        of=(AWS,),
        does=(
            refused_but_stored(
                "update_alias", PENDING_REFUSALS | {"unknown_key"}, _without_asked_alias, of_target=False
            ),
        ),
    ),
    _refusal(
        "taken-alias-lost",
        "major",
        "Giving a key an alias that another key has is refused, but the other key loses it.",
        "refused.changes-nothing",
        "set-alias.reply",
        of=_NAMED,
        does=(refused_but_stored("set_alias", {"duplicate_alias"}, _without_asked_alias, of_target=False),),
    ),
    _refusal(
        "missing-window-removes-description",
        "minor",
        "Scheduling without a window is refused, but empties the description of the key.",
        "refused.changes-nothing",
        "schedule.window.absent",
        of=(HUAWEI, ALIBABA),
        does=(
            refused_but_stored(
                "schedule", {"window_missing", "window_empty"}, lambda _, key: replace(key, description="")
            ),
        ),
    ),
    _refusal(
        "second-schedule-renews-version",
        "critical",
        "Scheduling a pending key again is refused, but gives it new material: what it encrypted is lost.",
        "refused.changes-nothing",
        "schedule.twice",
        "cancel.usable-again",
        does=(
            refused_but_stored(
                "schedule", {"already_pending"}, lambda _, key: replace(key, material=secrets.token_bytes(32))
            ),
        ),
    ),
)

PROTECTION = (
    _refusal(
        "protected-scheduling-queued",
        "critical",
        "Scheduling a protected key is refused, but carried out as soon as the protection is turned off.",
        "protection.refuses-schedule",
        "set-deletion-protection.reply",
        of=(ALIBABA,),
        does=(_ProtectedQueued,),
    ),
    _refusal(
        "description-resets-protection",
        "critical",
        "Changing the description of a key turns its deletion protection off.",
        "protection.refuses-schedule",
        "update-description.reply",
        of=(ALIBABA,),
        does=(changing("update_description", lambda _m, _old, new: replace(new, protected=False)),),
    ),
    _refusal(
        "protection-by-arn-in-vain",
        "critical",
        "Deletion protection by the key's ARN is answered with success, but not stored.",
        "protection.refuses-schedule",
        "set-deletion-protection.reply",
        of=(ALIBABA,),
        does=(lost_if("set_deletion_protection", lambda memory: "ProtectedResourceArn" in memory.asked.parameters),),
    ),
    _refusal(
        "protection-cannot-be-turned-off",
        "major",
        "`false` turns deletion protection on, because every text that is not empty is true.",
        "set-deletion-protection.reply",
        "protection.refuses-schedule",
        of=(ALIBABA,),
        does=(misreading({"set_deletion_protection"}, _always_on),),
    ),
    _refusal(
        "tagging-removes-protection",
        "critical",
        "Changing the tags of a key turns its deletion protection off.",
        "protection.refuses-schedule",
        "tag.reply",
        of=(ALIBABA,),
        does=(changing("tag", lambda _m, _old, new: replace(new, protected=False)),),
    ),
)
