"""Variants of the AWS dialect: answers that AWS KMS, or a service like it, gives otherwise than the emulator."""

from __future__ import annotations

from datetime import datetime
from itertools import cycle
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import Mixin
from kms_conformance.apps.selftest.deviation import AWS, Variant
from kms_conformance.apps.selftest.reply_mutations import saying, status, where
from kms_conformance.emulator import Decisions, Filter, Inbound, Key, Outbound, State

# The description of the keys of others in the emulator's seed data.
_OF_OTHERS = "Not yours."
# The metadata of keys that other people may have: transient states, states of other kinds of keys, and values that are
# newer than the service model.
_METADATA: tuple[dict[str, Any], ...] = (
    {"KeyState": "Creating", "MultiRegion": True, "MultiRegionConfiguration": {"MultiRegionKeyType": "REPLICA"}},
    {"KeyState": "Updating", "MultiRegion": True},
    {"KeyState": "Unavailable", "Origin": "EXTERNAL_KEY_STORE", "CustomKeyStoreId": "cks-1234567890abcdef0"},
    {"KeyState": "PendingReplicaDeletion", "MultiRegion": True, "PendingDeletionWindowInDays": 7},
    {"KeyState": "Rewrapping", "Origin": "AWS_PARTITION", "CurrentKeyMaterialId": "a" * 64},
    {"KeySpec": "NEWER_SPEC", "CustomerMasterKeySpec": "NEWER_SPEC", "KeyUsage": "NEWER_USAGE"},
    {"KeySpec": "HMAC_512", "KeyUsage": "GENERATE_VERIFY_MAC", "MacAlgorithms": ["NEWER_MAC"]},
)


def _keys_of_others() -> Filter:
    """Descriptions of the keys of others show `_METADATA` in turn; each key always shows the same."""
    kinds, shown = cycle(_METADATA), dict[str, dict[str, Any]]()

    def of_another(inbound: Inbound, outbound: Outbound) -> bool:
        metadata = outbound.value.get("KeyMetadata", {}) if isinstance(outbound.value, dict) else {}
        return inbound.operation == "describe" and metadata.get("Description") == _OF_OTHERS

    def changed(value: Any) -> Any:  # noqa: ANN401 - JSON
        metadata = value["KeyMetadata"]
        if metadata["KeyId"] not in shown:
            shown[metadata["KeyId"]] = next(kinds)
        told = metadata | shown[metadata["KeyId"]]
        told["Enabled"] = told["KeyState"] == "Enabled"
        if told["KeyState"] != "PendingDeletion":
            told.pop("DeletionDate", None)
        return {"KeyMetadata": told}

    return where(of_another, saying(changed))


class _OthersStay(Decisions):
    """Keys of others are never deleted: no date is shown of those that the emulator has as pending."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        return key.description == _OF_OTHERS or super().key_visible(key, now)


def _elsewhere(inbound: Inbound, outbound: Outbound) -> bool:
    """Whether a request names a key of another region or account by its ARN."""
    name = inbound.parameters.get("KeyId", "")
    return outbound.refusal == "unknown_key" and isinstance(name, str) and name.startswith("arn:")


def _after_cancel(state: State) -> Mixin:
    """Every key is in this state after its deletion was cancelled, a key without material too."""

    class AfterCancel(Decisions):
        def state_after_cancel(self, key: Key) -> State:
            return state

    return AfterCancel


_PROFILES = ("documents", "aws-kms")


def _variants(name: str, title: str, **fields: Any) -> tuple[Variant, ...]:  # noqa: ANN401 - fields of a variant
    """The variant in each profile of `_PROFILES`."""
    return tuple(
        Variant(f"{name}-{profile}", title, (AWS,), profile=profile, alone=True, **fields) for profile in _PROFILES
    )


AWS_CLOUDS: tuple[Variant, ...] = (
    *_variants(
        "others-of-all-kinds",
        "Keys of others are in transient states, of other kinds, and of kinds that no document knows yet.",
        foreign_keys=len(_METADATA),
        decisions=(_OthersStay,),
        filters=(_keys_of_others(),),
    ),
    *_variants(
        "elsewhere-not-authorized",
        "A key of another region or account is refused with NotAuthorized and 401.",
        filters=(
            where(_elsewhere, saying(lambda _: {"__type": "NotAuthorized", "message": "Not authorized."}), status(401)),
        ),
    ),
    *_variants(
        "cancelled-means-disabled",
        "A key without material is disabled after its deletion was cancelled.",
        decisions=(_after_cancel(State.DISABLED),),
    ),
)
