"""Faults of enabled and disabled keys: disabled keys can be used, operations have no effect, decryption fails."""

from __future__ import annotations

import secrets
from functools import partial

from kms_conformance.apps.selftest.behaviour_mutations import (
    DISABLED,
    ENABLED,
    accepting,
    answering,
    changing_others,
    changing_though_refused,
    doing,
    doing_nothing,
    refusing,
    with_,
)
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI, Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.catalogue.requirement_ids import as_id
from kms_conformance.emulator import Decisions, Key, State

_fault = partial(Fault, fault_class="states", severity="critical", families=("use",))


class _CreatedDisabled(Decisions):
    def state_after_create(self, *, external: bool) -> State:
        return DISABLED


def _with_new_material(_: Key, after: Key) -> Key:
    return with_(material=secrets.token_bytes(32))(after)


FAULTS = (
    _fault(
        name="disabled-key-encrypts",
        title="A disabled key encrypts.",
        requirements=frozenset({"state.disabled"}),
        decisions=(accepting("encrypt", DISABLED),),
    ),
    _fault(
        name="disabled-key-decrypts",
        title="A disabled key decrypts.",
        requirements=frozenset({"state.disabled"}),
        decisions=(accepting("decrypt", DISABLED),),
    ),
    _fault(
        name="disabled-key-gives-data-keys",
        title="A disabled key generates data keys.",
        requirements=frozenset({"state.disabled"}),
        decisions=(accepting("generate_data_key", DISABLED),),
    ),
    _fault(
        name="disabled-use-wrong-code",
        title="The use of a disabled key is refused with the code for a pending key.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"state.disabled"}),
        decisions=(answering(400, "KMS.0210", "key_disabled"),),
        why_more="Each use of a disabled key has its own requirement.",
    ),
    _fault(
        name="disabled-use-wrong-code",
        title="The use of a disabled key is refused with the code for a pending key.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"state.disabled"}),
        decisions=(answering(409, "Rejected.PendingDeletion", "key_disabled"),),
        why_more="Each use of a disabled key has its own requirement.",
    ),
    _fault(
        name="disabled-use-refused-but-enabled",
        title="The use of a disabled key is refused, but enables it.",
        requirements=frozenset({"state.disabled"}),
        decisions=(changing_though_refused({"key_disabled"}, with_(state=ENABLED)),),
        why_more="Each use of a disabled key has its own requirement.",
    ),
    _fault(
        name="enabled-key-does-not-encrypt",
        title="The use of an enabled key is refused with the code for a disabled key.",
        severity="major",
        requirements=frozenset({"state.enabled"}),
        decisions=(refusing("encrypt", "key_disabled", ENABLED),),
    ),
    _fault(
        name="decrypt-gives-other-text",
        title="Decrypting returns another text than was encrypted.",
        dialects=(HUAWEI,),
        requirements=frozenset({"state.enabled"}),
        filters=(on("decrypt", field("plain_text", lambda text: text[::-1])),),
    ),
    _fault(
        name="decrypt-gives-other-text",
        title="Decrypting returns another text than was encrypted.",
        dialects=(ALIBABA, AWS),
        requirements=frozenset({"state.enabled"}),
        filters=(on("decrypt", field("Plaintext", lambda _: "b3RoZXI=")),),
    ),
    _fault(
        name="disabling-loses-the-material",
        title="A key cannot decrypt its earlier ciphertexts after it was disabled and enabled again.",
        requirements=frozenset({"state.enabled", "state.disabled"}),
        decisions=(doing("disable", _with_new_material),),
    ),
    _fault(
        name="new-key-is-disabled",
        title="A new key is disabled.",
        severity="major",
        requirements=frozenset({"create.enabled"}),
        families=("entry",),
        decisions=(_CreatedDisabled,),
    ),
    _fault(
        name="disable-does-nothing",
        title="Disabling is answered with success, but has no effect.",
        requirements=frozenset({"disable.reply"}),
        families=("states",),
        decisions=(doing_nothing("disable"),),
    ),
    _fault(
        name="enable-does-nothing",
        title="Enabling is answered with success, but has no effect.",
        requirements=frozenset({"enable.reply"}),
        families=("states",),
        decisions=(doing_nothing("enable"),),
    ),
    _fault(
        name="enable-twice-accepted",
        title="Enabling an enabled key is accepted.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"enable.not-disabled"}),
        decisions=(accepting("enable", ENABLED),),
    ),
    _fault(
        name="disable-twice-accepted",
        title="Disabling a disabled key is accepted.",
        severity="minor",
        dialects=(HUAWEI,),
        requirements=frozenset({"disable.not-enabled"}),
        decisions=(accepting("disable", DISABLED),),
    ),
    _fault(
        name="enable-twice-refused",
        title="Enabling an enabled key is refused.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"enable.idempotent"}),
        decisions=(refusing("enable", "state_refused", ENABLED),),
    ),
    _fault(
        name="disable-twice-refused",
        title="Disabling a disabled key is refused.",
        severity="minor",
        dialects=(ALIBABA,),
        requirements=frozenset({"disable.idempotent"}),
        decisions=(refusing("disable", "state_refused", DISABLED),),
    ),
    _fault(
        name="enable-twice-disables",
        title="Enabling an enabled key disables it.",
        dialects=(ALIBABA, AWS),
        requirements=frozenset({"enable.idempotent"}),
        decisions=(doing("enable", lambda b, a: with_(state=DISABLED)(a) if b.state is ENABLED else a),),
    ),
    _fault(
        name="enable-touches-other-keys",
        title="Enabling one key disables all others.",
        requirements=frozenset({"lifecycle.sequence", "isolation.other-keys"}),
        families=("isolation",),
        decisions=(changing_others("enable", lambda key: key.state is ENABLED, with_(state=DISABLED)),),
    ),
    _fault(
        name="description-not-stored",
        title="Changing the description of a key is answered with success, but has no effect.",
        severity="minor",
        requirements=frozenset({"update-description.reply"}),
        families=("replies",),
        decisions=(doing_nothing("update_description"),),
    ),
    _fault(
        name="alias-not-stored",
        title="Setting an alias is answered with success, but has no effect.",
        severity="minor",
        requirements=frozenset({"set-alias.reply"}),
        families=("replies",),
        decisions=(doing_nothing("set_alias"),),
    ),
    _fault(
        name="tag-not-stored",
        title="Tagging a key is answered with success, but has no effect.",
        severity="minor",
        dialects=(ALIBABA, AWS),
        requirements=frozenset({"tag.reply"}),
        families=("replies",),
        decisions=(doing_nothing("tag"),),
    ),
    _fault(
        name="disabled-use-wrong-code",
        title="The use of a disabled key is refused with the code for a pending key.",
        severity="minor",
        dialects=(AWS,),
        requirements=frozenset({"state.disabled"}),
        decisions=(answering(400, "KMSInvalidStateException", "key_disabled"),),
        why_more="Each use of a disabled key has its own requirement.",
    ),
    *(
        _fault(
            name=f"{operation}-twice-refused",
            title=f"The operation {operation} is refused if the key is in that state already.",
            severity="minor",
            dialects=(AWS,),
            requirements=frozenset({as_id(f"{operation}.idempotent")}),
            decisions=(refusing(operation, "pending_manage", state),),
        )
        for operation, state in (("enable", ENABLED), ("disable", DISABLED))
    ),
    *(
        _fault(
            name=f"{operation.replace('_', '-')}-does-nothing",
            title=f"The operation {operation.replace('_', ' ')} is answered with success, but has no effect.",
            severity="minor",
            dialects=(AWS,),
            requirements=frozenset({as_id(f"{operation.replace('_', '-')}.reply")}),
            families=("belongings",),
            decisions=(doing_nothing(operation),),
        )
        for operation in ("untag", "enable_rotation", "create_grant", "revoke_grant", "put_policy")
    ),
)
