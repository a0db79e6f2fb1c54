"""Faults that a seed composed first (`apps/selftest/generated`), and that no check reported then."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import replace
from datetime import timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, PENDING, doing
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Key

_OTHER = str(uuid.UUID(int=7, version=4))


def _six_hours_less(before: Key, after: Key) -> Key:
    if before.state is not DISABLED or after.deletion is None:
        return after
    return replace(after, deletion=after.deletion - timedelta(hours=6))


FAULTS = (
    Fault(
        name="date-earlier-for-disabled-key",
        title="The deletion date of a key that was disabled is six hours early.",
        fault_class="dates",
        severity="critical",
        families=("schedule",),
        requirements=frozenset({"schedule.window.start"}),
        decisions=(doing("schedule", _six_hours_less),),
    ),
    *(
        Fault(
            name="encrypt-names-another-key",
            title="The reply to encrypt names another key.",
            fault_class="fields",
            severity="major",
            families=("use", "replies"),
            requirements=frozenset({"encrypt.reply"}),
            dialects=(dialect,),
            filters=(on("encrypt", field(path, lambda _, other=other: other)),),  # type: ignore[misc]  # the loop's value is bound
        )
        for dialect, path, other in (
            (HUAWEI, "key_id", _OTHER),
            (ALIBABA, "KeyId", _OTHER),
            (AWS, "KeyId", f"arn:aws:kms:us-east-1:111122223333:key/{_OTHER}"),
        )
    ),
    Fault(
        name="description-renews-material",
        title="A new description gives the key new material, so that older ciphertexts are lost.",
        fault_class="states",
        severity="critical",
        families=("isolation", "replies", "lifecycle"),
        requirements=frozenset({"lifecycle.sequence"}),
        decisions=(doing("update_description", lambda _, after: replace(after, material=secrets.token_bytes(32))),),
    ),
    Fault(
        name="revoked-grant-of-pending-key-stays",
        title="Revoking a grant of a pending key is accepted, but the grant stays.",
        fault_class="pending",
        severity="major",
        families=("pending_belongings",),
        requirements=frozenset({"pending.revoke-grant"}),
        dialects=(AWS,),
        decisions=(doing("revoke_grant", lambda before, after: before if before.state is PENDING else after),),
    ),
)
