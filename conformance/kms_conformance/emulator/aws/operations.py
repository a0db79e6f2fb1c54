"""The operations on the life of a key: from the fields of a body to the value of a reply.

All fields of a request are judged, form and range, before the key is looked up; its existence before its state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.aws import views
from kms_conformance.emulator.aws.names import Names, key_arn
from kms_conformance.emulator.aws.paging import page
from kms_conformance.emulator.keys import Draft

if TYPE_CHECKING:
    from kms_conformance.emulator.aws.fields import Fields
    from kms_conformance.emulator.service import Service

# CreateKey: what each kind of key is for.
_SIGNS = ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")
_SIGNS_ONLY = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
_EITHER = ("RSA_2048", "RSA_3072", "RSA_4096", "SM2")
_AUTHENTICATES = ("HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512")
_ENCAPSULATES = ("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024")
_USAGES = {
    views.SYMMETRIC: ("ENCRYPT_DECRYPT",),
    **dict.fromkeys(_SIGNS, ("SIGN_VERIFY", "KEY_AGREEMENT")),
    **dict.fromkeys(_SIGNS_ONLY, ("SIGN_VERIFY",)),
    **dict.fromkeys(_EITHER, ("ENCRYPT_DECRYPT", "SIGN_VERIFY")),
    **dict.fromkeys(_AUTHENTICATES, ("GENERATE_VERIFY_MAC",)),
    **dict.fromkeys(_ENCAPSULATES, ("ENCAPSULATE_DECAPSULATE",)),
}
_LONGEST_DESCRIPTION = 8192


class Lifecycle:
    """One method an operation; all raise `Refused`."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._rules = service.rules
        self._names = Names(service)

    def create(self, fields: Fields) -> dict[str, Any]:
        """CreateKey; every kind of key but the symmetric one has to be told its use."""
        spec = fields.choice("KeySpec", _USAGES, views.SYMMETRIC)
        usage = fields.choice("KeyUsage", _USAGES[spec], "ENCRYPT_DECRYPT" if spec == views.SYMMETRIC else None)
        key = self._store.create(
            Draft(
                spec=spec,
                usage=usage,
                description=fields.text("Description", _LONGEST_DESCRIPTION, ""),
                external=fields.choice("Origin", ("AWS_KMS", "EXTERNAL"), "AWS_KMS") == "EXTERNAL",
                tags=tuple(fields.tags(required=False).items()),
            )
        )
        return {"KeyMetadata": views.metadata(key, self._rules)}

    def describe(self, fields: Fields) -> dict[str, Any]:
        """DescribeKey: by id, ARN or alias."""
        key = self._store.describe(self._names.id_of(fields.key_name(), or_alias=True))
        return {"KeyMetadata": views.metadata(key, self._rules)}

    def list_keys(self, fields: Fields) -> dict[str, Any]:
        """ListKeys: the service's own included, and those that wait for their deletion."""
        keys = [{"KeyId": key.id, "KeyArn": key_arn(key)} for key in self._store.listed()]
        return page(fields, "Keys", keys, default=100)

    def enable(self, fields: Fields) -> dict[str, Any]:
        """EnableKey; of an enabled key as well."""
        self._store.enable(self._names.id_of(fields.key_name()))
        return {}

    def disable(self, fields: Fields) -> dict[str, Any]:
        """DisableKey; of a disabled key as well."""
        self._store.disable(self._names.id_of(fields.key_name()))
        return {}

    def schedule(self, fields: Fields) -> dict[str, Any]:
        """ScheduleKeyDeletion: tells the date and the window that count."""
        key = self._store.schedule(self._names.id_of(fields.key_name()), fields.window())
        told = {"KeyId": key_arn(key), "KeyState": self._rules.wire_states[key.state]}
        date = {} if key.deletion is None else {"DeletionDate": views.seconds(key.deletion)}
        window = {} if key.window_days is None else {"PendingWindowInDays": key.window_days}
        return {**told, **date, **window}

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """CancelKeyDeletion."""
        return {"KeyId": key_arn(self._store.cancel(self._names.id_of(fields.key_name())))}

    def update_description(self, fields: Fields) -> dict[str, Any]:
        """UpdateKeyDescription."""
        key_id, text = self._names.id_of(fields.key_name()), fields.text("Description", _LONGEST_DESCRIPTION)
        self._store.update_description(key_id, text)
        return {}
