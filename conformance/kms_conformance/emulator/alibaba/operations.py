"""The actions on keys: from parameters to the value of a reply, without its request id.

All parameters of a request are judged, form and range, before the key is looked up; its existence before its state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.alibaba import views
from kms_conformance.emulator.keys import Draft

if TYPE_CHECKING:
    from kms_conformance.emulator.alibaba.fields import Fields
    from kms_conformance.emulator.service import Service

# CreateKey: what each algorithm is for, the default first.
_ENCRYPTS = ("Aliyun_AES_256", "Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_SM4")
_SIGNS = ("RSA_2048", "RSA_3072", "EC_P256", "EC_P256K", "EC_SM2")
_LONGEST_DESCRIPTION = 8192
# ListKeys: the properties that may be filtered by, and where the metadata tell them; None for those no key here has.
_FILTERS = {
    "KeyState": "KeyState",
    "KeySpec": "KeySpec",
    "KeyUsage": "KeyUsage",
    "ProtectionLevel": "ProtectionLevel",
    "CreatorType": None,
    "DKMSInstanceId": None,
}


class KeyActions:
    """One method an action; all raise `Refused`."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._rules = service.rules

    def create(self, fields: Fields) -> dict[str, Any]:
        """CreateKey."""
        spec = fields.choice("KeySpec", (*_ENCRYPTS, *_SIGNS), _ENCRYPTS[0])
        usage = "SIGN/VERIFY" if spec in _SIGNS else "ENCRYPT/DECRYPT"
        fields.choice("ProtectionLevel", ("SOFTWARE", "HSM"), "SOFTWARE")
        key = self._store.create(
            Draft(
                spec=spec,
                usage=fields.choice("KeyUsage", ("ENCRYPT/DECRYPT", "SIGN/VERIFY"), usage),
                description=fields.text("Description", _LONGEST_DESCRIPTION, ""),
                external=fields.choice("Origin", ("Aliyun_KMS", "EXTERNAL"), "Aliyun_KMS") == "EXTERNAL",
                tags=tuple(fields.tags("[]").items()),
            )
        )
        return {"KeyMetadata": views.metadata(key, self._rules)}

    def describe(self, fields: Fields) -> dict[str, Any]:
        """DescribeKey: by id, alias or full name."""
        key = self._store.describe(self.key_id(fields.key_name()))
        return {"KeyMetadata": views.metadata(key, self._rules)}

    def list_keys(self, fields: Fields) -> dict[str, Any]:
        """ListKeys: those that wait for their deletion included."""
        number = fields.number("PageNumber", range(1, 1_000_000_000), 1)
        size = fields.number("PageSize", range(1, 101), 10)
        wanted = fields.filters(_FILTERS)
        told = [views.metadata(key, self._rules) for key in self._store.listed()]
        keys = [key for key in told if all(key.get(_FILTERS[name] or "") in values for name, values in wanted.items())]
        page = keys[(number - 1) * size : number * size]
        return {
            "Keys": {"Key": [{"KeyId": key["KeyId"], "KeyArn": key["Arn"]} for key in page]},
            "PageNumber": number,
            "PageSize": size,
            "TotalCount": len(keys),
        }

    def enable(self, fields: Fields) -> dict[str, Any]:
        """EnableKey; of an enabled key as well."""
        self._store.enable(fields.key_name())
        return {}

    def disable(self, fields: Fields) -> dict[str, Any]:
        """DisableKey; of a disabled key as well."""
        self._store.disable(fields.key_name())
        return {}

    def schedule(self, fields: Fields) -> dict[str, Any]:
        """ScheduleKeyDeletion: tells nothing; the date is to be read."""
        self._store.schedule(fields.key_name(), fields.window())
        return {}

    def cancel(self, fields: Fields) -> dict[str, Any]:
        """CancelKeyDeletion."""
        self._store.cancel(fields.key_name())
        return {}

    def update_description(self, fields: Fields) -> dict[str, Any]:
        """UpdateKeyDescription."""
        key_id, text = fields.key_name(), fields.text("Description", _LONGEST_DESCRIPTION)
        self._store.update_description(key_id, text)
        return {}

    def set_deletion_protection(self, fields: Fields) -> dict[str, Any]:
        """SetDeletionProtection: of a key by its full name, or by its id; a description counts only with it."""
        on = fields.flag("EnableDeletionProtection")
        text = fields.text("DeletionProtectionDescription", _LONGEST_DESCRIPTION, "") if on else ""
        name = fields.key_name("ProtectedResourceArn" if fields.has("ProtectedResourceArn") else "KeyId")
        self._store.protect(views.id_of_arn(name) or name, on=on, description=text)
        return {}

    def key_id(self, name: str) -> str:
        """The id that an alias or a full name stands for; any other name is taken for an id."""
        if name.startswith("alias/"):
            return self._store.by_alias(name).id
        return views.id_of_arn(name) or name
