"""Faults of pending keys: operations are accepted or refused against the documents, or have a wrong effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    PENDING,
    accepting,
    answering,
    changing_though_refused,
    doing,
    refusing,
    showing,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, BOTH, HUAWEI, Fault
from kms_conformance.catalogue.requirement_ids import RequirementId, as_id
from kms_conformance.emulator import Key

_fault = partial(Fault, fault_class="pending", severity="critical", families=("pending_use",))


def _accepted(operation: str, title: str) -> Fault:
    name = operation.replace("_", "-")
    return _fault(
        name=f"pending-{name}-accepted",
        title=title,
        requirements=frozenset({as_id(f"pending.{name}")}),
        decisions=(accepting(operation, PENDING),),
    )


def _of_table(operation: str, *requirements: RequirementId, refused: bool = True) -> Fault:
    """A fault that violates one row of the documented table of key states.

    The operation is accepted where the table refuses it (`refused`), or refused where the table accepts it.
    """
    name = operation.replace("_", "-")
    return _fault(
        name=f"pending-{name}-{'accepted' if refused else 'refused'}",
        title=f"On a pending key, {operation.replace('_', ' ')} is {'accepted' if refused else 'refused'}.",
        severity="critical" if refused else "major",
        dialects=(AWS,),
        families=("pending_belongings",),
        requirements=frozenset(requirements or (as_id(f"pending.{name}"),)),
        decisions=(accepting(operation, PENDING) if refused else refusing(operation, "pending_manage", PENDING),),
    )


def _postponed(before: Key, after: Key) -> Key:
    return after if before.deletion is None else replace(after, deletion=before.deletion + timedelta(minutes=1))


FAULTS = (
    _accepted("encrypt", "A pending key encrypts."),
    _accepted("decrypt", "A pending key decrypts."),
    _accepted("generate_data_key", "A pending key generates data keys."),
    _accepted("enable", "A pending key can be enabled, and keeps its deletion date."),
    _accepted("disable", "A pending key can be disabled, and keeps its deletion date."),
    _accepted("update_description", "The description of a pending key can be changed."),
    _accepted("set_alias", "An alias can be set on a pending key."),
    _fault(
        name="pending-alias-kept",
        title="An alias of a pending key cannot be deleted.",
        severity="major",
        dialects=(ALIBABA,),
        requirements=frozenset({"pending.delete-alias"}),
        decisions=(refusing("delete_alias", "state_refused", PENDING),),
    ),
    _fault(
        name="pending-use-wrong-code",
        title="The use of a pending key is refused with the code for a disabled key.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"pending.encrypt"}),
        decisions=(answering(400, "KMS.0209", "pending_use"),),
    ),
    _fault(
        name="pending-use-wrong-code",
        title="The use of a pending key is refused with the code for a disabled key.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"pending.encrypt"}),
        decisions=(answering(409, "Rejected.Disabled", "pending_use"),),
    ),
    _fault(
        name="pending-use-wrong-status",
        title="The use of a pending key is refused with 403.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"pending.encrypt"}),
        decisions=(answering(403, "KMS.0210", "pending_use"),),
    ),
    _fault(
        name="pending-key-is-unknown-to-use",
        title="The use of a pending key is refused with the error for an unknown key.",
        severity="minor",
        requirements=frozenset({"pending.encrypt"}),
        decisions=(refusing("encrypt", "unknown_key", PENDING),),
    ),
    _fault(
        name="pending-use-refused-but-cancelled",
        why_more="Each use of a pending key has its own row in the table of key states.",
        title="The use of a pending key is refused, but cancels its deletion.",
        requirements=frozenset({"pending.encrypt"}),
        decisions=(changing_though_refused({"pending_use"}, with_(state=ENABLED, deletion=None)),),
    ),
    _fault(
        name="pending-enable-refused-but-done",
        title="Enabling a pending key is refused, but carried out.",
        dialects=(HUAWEI,),
        requirements=frozenset({"pending.enable"}),
        decisions=(changing_though_refused({"pending_enable"}, with_(state=ENABLED)),),
    ),
    _fault(
        name="pending-disable-refused-but-done",
        title="Disabling a pending key is refused, but carried out.",
        dialects=(HUAWEI,),
        requirements=frozenset({"pending.disable"}),
        decisions=(changing_though_refused({"pending_disable"}, with_(state=DISABLED)),),
    ),
    _fault(
        name="pending-enable-refused-but-done",
        title="Enabling a pending key is refused, but carried out.",
        dialects=(ALIBABA,),
        requirements=frozenset({"pending.enable"}),
        decisions=(changing_though_refused({"state_refused"}, with_(state=ENABLED), "enable"),),
    ),
    _fault(
        name="pending-description-refused-but-changed",
        title="Changing the description of a pending key is refused, but carried out.",
        severity="major",
        dialects=BOTH,
        requirements=frozenset({"pending.update-description"}),
        decisions=(changing_though_refused({"pending_update"}, with_(description="changed"), "update_description"),),
    ),
    _fault(
        name="pending-describe-moves-the-date",
        title="Each description of a pending key postpones its deletion date by a minute.",
        requirements=frozenset({"pending.describe"}),
        decisions=(doing("describe", _postponed),),
    ),
    _fault(
        name="pending-shown-disabled",
        title="A pending key is shown as disabled.",
        requirements=frozenset({"schedule.state-after"}),
        families=("schedule",),
        decisions=(showing({"describe"}, lambda key: replace(key, state=DISABLED) if key.state is PENDING else key),),
    ),
    _of_table("re_encrypt", "pending.re-encrypt-from", "pending.re-encrypt-to"),
    *(
        _of_table(operation)
        for operation in (
            *("generate_data_key_without_plaintext", "tag", "untag", "update_alias", "create_grant"),
            *("enable_rotation", "disable_rotation"),
        )
    ),
    *(
        _of_table(operation, refused=False)
        for operation in (
            *("get_policy", "put_policy", "list_policies", "rotation_status", "list_tags", "list_aliases"),
            *("list_grants", "revoke_grant"),
        )
    ),
    _fault(
        name="pending-tag-refused-but-done",
        title="Tagging a pending key is refused, but carried out.",
        severity="major",
        dialects=(AWS,),
        families=("pending_belongings",),
        requirements=frozenset({"pending.tag"}),
        decisions=(changing_though_refused({"pending_manage"}, with_(tags=(("stray", "tag"),)), "tag"),),
    ),
    _fault(
        name="pending-alias-kept",
        title="An alias of a pending key cannot be deleted.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"pending.delete-alias"}),
        decisions=(refusing("delete_alias", "pending_manage", PENDING),),
    ),
    _fault(
        name="pending-use-wrong-code",
        why_more="Each use of a pending key has its own row in the table of key states.",
        title="The use of a pending key is refused as an invalid request.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"pending.encrypt"}),
        decisions=(answering(400, "ValidationException", "pending_use"),),
    ),
    *(
        _fault(
            name=f"pending-{operation}-refused-but-done",
            title=f"The operation {operation} on a pending key is refused, but carried out.",
            dialects=(AWS,),
            requirements=frozenset({as_id(f"pending.{operation}")}),
            decisions=(changing_though_refused({"pending_manage"}, with_(state=state), operation),),
        )
        for operation, state in (("enable", ENABLED), ("disable", DISABLED))
    ),
    _fault(
        name="pending-description-refused-but-changed",
        title="Changing the description of a pending key is refused, but carried out.",
        severity="major",
        dialects=(AWS,),
        requirements=frozenset({"pending.update-description"}),
        decisions=(changing_though_refused({"pending_manage"}, with_(description="changed"), "update_description"),),
    ),
)
