"""Faults of aliases and rotation, and of rows of the key-state table on disabled keys and on keys without material."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    PENDING,
    accepting,
    answering,
    doing,
    showing,
    with_,
)
from kms_conformance.apps.selftest.deviation import AWS, Fault
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import Decisions, Key, Refused, Rules, State

_fault = partial(Fault, severity="major", dialects=(AWS,))
_of_disabled = partial(_fault, fault_class="states", severity="critical", families=("pending_belongings",))
# A key without material is one more key, so its requirements are SHOULDs of the tier standard.
_of_imported = partial(_fault, fault_class="states", families=("imported",), exit_code=0, tier="standard")


def _accepted_when_disabled(operation: str, *requirements: RequirementId) -> Fault:
    name = operation.replace("_", "-")
    return _of_disabled(
        name=f"disabled-{name}-accepted",
        title=f"On a disabled key, {operation.replace('_', ' ')} is accepted.",
        requirements=frozenset(requirements or (as_id(f"disabled.{name}"),)),
        decisions=(accepting(operation, DISABLED),),
    )


def _accepted_without_material(operation: str, name: str | None = None) -> Fault:
    name = name or operation.replace("_", "-")
    return _of_imported(
        name=f"waiting-for-import-{name}-accepted",
        title=f"On a key that waits for import, {operation.replace('_', ' ')} is accepted.",
        requirements=frozenset({as_id(f"pending-import.{name}")}),
        decisions=(accepting(operation, State.PENDING_IMPORT),),
    )


class _StuckAliases(Decisions):
    """An alias of a pending key cannot be moved to another key."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        moved = set(after.aliases) - set(before.aliases)
        if operation == "update_alias" and any(key.state is PENDING and moved & set(key.aliases) for key in keys):
            raise Refused("pending_manage")
        return super().effects(operation, before, after, keys)


class _AliasesOutliveKeys(Decisions):
    """The alias of a deleted key stays taken."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._taken: set[str] = set()

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return alias in self._taken or super().alias_taken(alias, keys)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self._taken = (self._taken - set(before.aliases)) | set(after.aliases)
        return super().effects(operation, before, after, keys)


class _ListsAllAliases(Decisions):
    """ListAliases ignores `KeyId` and lists the aliases of all keys."""

    def aliases_listed(self, key: Key, keys: Collection[Key]) -> Iterable[Key]:
        return keys


FAULTS = (
    *(
        _accepted_when_disabled(operation)
        for operation in ("generate_data_key_without_plaintext", "create_grant", "enable_rotation", "disable_rotation")
    ),
    _accepted_when_disabled("re_encrypt", "disabled.re-encrypt-from", "disabled.re-encrypt-to"),
    _of_disabled(
        name="disabled-create-grant-wrong-code",
        title="A grant on a disabled key is refused with the code for a pending key.",
        severity="minor",
        requirements=frozenset({"disabled.create-grant", "state.disabled"}),
        decisions=(answering(400, "KMSInvalidStateException", "key_disabled"),),
        why_more="Each use of a disabled key has its own row in the table of key states.",
    ),
    *(
        _accepted_without_material(operation)
        for operation in (
            *("enable", "disable", "cancel", "encrypt", "generate_data_key", "generate_data_key_without_plaintext"),
            "create_grant",
        )
    ),
    _accepted_without_material("re_encrypt", "re-encrypt-to"),
    _of_imported(
        name="waiting-for-import-rotation-wrong-code",
        title="Rotation of a key that waits for import is refused with the code for a disabled key.",
        severity="minor",
        requirements=frozenset({"pending-import.enable-rotation", "pending-import.disable-rotation"}),
        decisions=(answering(400, "DisabledException", "external_origin"),),
    ),
    _of_imported(
        name="waiting-for-import-wrong-code",
        title="The use of a key that waits for import is refused with the code for a disabled key.",
        severity="minor",
        requirements=frozenset({"pending-import.encrypt"}),
        decisions=(answering(400, "DisabledException", "pending_import"),),
        why_more="Each use of a key that waits for import has its own row in the table of key states.",
    ),
    _fault(
        name="alias-stuck-to-pending-key",
        title="An alias cannot be moved away from a pending key.",
        fault_class="pending",
        families=("pending_belongings",),
        requirements=frozenset({"pending.update-alias-away"}),
        decisions=(_StuckAliases,),
    ),
    _fault(
        name="cancel-turns-rotation-off",
        title="Rotation that was on is off after the deletion of a key was cancelled.",
        fault_class="cancel",
        families=("rotation",),
        requirements=frozenset({"cancel.rotation-restored"}),
        decisions=(doing("cancel", lambda _, after: with_(rotated=False)(after)),),
    ),
    _fault(
        name="cancel-turns-rotation-on",
        title="Rotation that was off is on after the deletion of a key was cancelled.",
        fault_class="cancel",
        families=("rotation",),
        requirements=frozenset({"cancel.rotation-restored"}),
        decisions=(doing("cancel", lambda _, after: with_(rotated=True)(after)),),
    ),
    _fault(
        name="pending-key-rotates",
        title="The rotation status of a pending key stays true.",
        fault_class="pending",
        families=("rotation",),
        requirements=frozenset({"pending.rotation-off"}),
        decisions=(showing({"rotation_status"}, with_(deletion=None)),),
    ),
    _fault(
        name="aliases-outlive-their-key",
        title="The alias of a deleted key stays taken.",
        fault_class="expiry",
        families=("waiting_period",),
        requirements=frozenset({"expiry.aliases"}),
        decisions=(_AliasesOutliveKeys,),
    ),
    _fault(
        name="aliases-of-all-keys-listed",
        title="ListAliases ignores KeyId and lists the aliases of all keys.",
        fault_class="lists",
        families=("belongings",),
        requirements=frozenset({"list-aliases.reply"}),
        decisions=(_ListsAllAliases,),
    ),
)
