"""The actions of the Alibaba dialect: each takes parameters and returns the value of a reply, without its request id.

An action first checks form and range of all parameters, then whether the key exists, then the key's state.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import crypto
from kms_conformance.emulator.alibaba import replies
from kms_conformance.emulator.alibaba.credentials import REGION
from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.alibaba.parameters import AlibabaParameters
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

# The algorithms that CreateKey accepts, by key usage; the first one is the default.
_ENCRYPTS = ("Aliyun_AES_256", "Aliyun_AES_128", "Aliyun_AES_192", "Aliyun_SM4")
_SIGNS = ("RSA_2048", "RSA_3072", "EC_P256", "EC_P256K", "EC_SM2")
_LONGEST_DESCRIPTION = 8192
# The properties by which ListKeys filters, and their metadata fields; None if no key of the emulator has the property.
_FILTERS = {
    "KeyState": "KeyState",
    "KeySpec": "KeySpec",
    "KeyUsage": "KeyUsage",
    "ProtectionLevel": "ProtectionLevel",
    "CreatorType": None,
    "DKMSInstanceId": None,
}


class KeyActions:
    """The actions on keys, one method each. Every method raises `Refused` if the request is refused."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._rules = service.rules
        self._decisions = service.decisions

    def create(self, fields: AlibabaParameters) -> dict[str, Any]:
        """CreateKey: the reply has the metadata of the new key."""
        spec = fields.choice("KeySpec", (*_ENCRYPTS, *_SIGNS), _ENCRYPTS[0])
        usage = "SIGN/VERIFY" if spec in _SIGNS else "ENCRYPT/DECRYPT"
        fields.choice("ProtectionLevel", ("SOFTWARE", "HSM"), "SOFTWARE")
        key = self._store.create(
            KeyDraft(
                spec=spec,
                usage=fields.choice("KeyUsage", ("ENCRYPT/DECRYPT", "SIGN/VERIFY"), usage),
                description=fields.text("Description", _LONGEST_DESCRIPTION, ""),
                external=fields.choice("Origin", ("Aliyun_KMS", "EXTERNAL"), "Aliyun_KMS") == "EXTERNAL",
                tags=tuple(fields.tags("[]").items()),
            )
        )
        return {"KeyMetadata": replies.metadata(key, self._rules)}

    def describe(self, fields: AlibabaParameters) -> dict[str, Any]:
        """DescribeKey: the request names the key by id, alias or ARN."""
        key = self._store.describe(self.key_id(fields.key_name()))
        return {"KeyMetadata": replies.metadata(key, self._rules)}

    def list_keys(self, fields: AlibabaParameters) -> dict[str, Any]:
        """ListKeys: the list includes keys pending deletion."""
        number = fields.number("PageNumber", range(1, 1_000_000_000), 1)
        size = self._decisions.page_size(fields.number("PageSize", range(1, 101), 10))
        wanted = fields.filters(_FILTERS)
        every = [replies.metadata(key, self._rules) for key in self._store.listed()]
        keys = [key for key in every if all(key.get(_FILTERS[name] or "") in values for name, values in wanted.items())]
        page = keys[(number - 1) * size : number * size]
        return {
            "Keys": {"Key": [{"KeyId": key["KeyId"], "KeyArn": key["Arn"]} for key in page]},
            "PageNumber": number,
            "PageSize": size,
            "TotalCount": len(keys),
        }

    def enable(self, fields: AlibabaParameters) -> dict[str, Any]:
        """EnableKey: a key that is enabled already is accepted."""
        self._store.enable(fields.key_name())
        return {}

    def disable(self, fields: AlibabaParameters) -> dict[str, Any]:
        """DisableKey: a key that is disabled already is accepted."""
        self._store.disable(fields.key_name())
        return {}

    def schedule(self, fields: AlibabaParameters) -> dict[str, Any]:
        """ScheduleKeyDeletion: the reply is empty; DescribeKey shows the deletion date."""
        self._store.schedule(self._id_alone(fields.key_name()), fields.window())
        return {}

    def cancel(self, fields: AlibabaParameters) -> dict[str, Any]:
        """CancelKeyDeletion: the reply is empty."""
        self._store.cancel(self._id_alone(fields.key_name()))
        return {}

    def update_description(self, fields: AlibabaParameters) -> dict[str, Any]:
        """UpdateKeyDescription: replaces the description of a key."""
        key_id, text = fields.key_name(), fields.text("Description", _LONGEST_DESCRIPTION)
        self._store.update_description(key_id, text)
        return {}

    def set_deletion_protection(self, fields: AlibabaParameters) -> dict[str, Any]:
        """SetDeletionProtection: the request names a key by ARN or id. Turning protection off clears the text."""
        on = fields.flag("EnableDeletionProtection")
        text = fields.text("DeletionProtectionDescription", _LONGEST_DESCRIPTION, "") if on else ""
        name = fields.key_name("ProtectedResourceArn" if fields.has("ProtectedResourceArn") else "KeyId")
        self._store.protect(replies.id_of_arn(name) or name, on=on, description=text)
        return {}

    def _id_alone(self, name: str) -> str:
        """The key id where the page asks for the globally unique id, so that an alias or ARN is refused."""
        if "alias/" not in name and replies.id_of_arn(name) is None:
            return name
        refusal = "alias_as_key" if "alias/" in name else "arn_as_key"
        problem = self._decisions.parameter_problem(refusal, "KeyId", name)
        if problem is not None:
            raise Refused(problem)
        return self.key_id(name)

    def key_id(self, name: str) -> str:
        """The key id for an alias or ARN; any other name is taken as a key id."""
        if (alias := replies.alias_in(name)) is not None:
            return self._store.by_alias(alias).id
        return replies.id_of_arn(name) or name


class CryptoActions:
    """The actions Encrypt, Decrypt and those that make data keys; requests name keys by id, alias or ARN."""

    def __init__(self, service: Service, keys: KeyActions) -> None:
        self._store = service.store
        self._keys = keys

    def encrypt(self, fields: AlibabaParameters) -> dict[str, Any]:
        """Encrypt: encrypts a plaintext that is sent in Base64."""
        name, plain, context = fields.key_name(), fields.decoded("Plaintext"), fields.context()
        key = self._store.used("encrypt", self._keys.key_id(name))
        return {"CiphertextBlob": _base64(crypto.seal(key, plain, context)), **_used(key)}

    def decrypt(self, fields: AlibabaParameters) -> dict[str, Any]:
        """Decrypt: the request names no key, because the ciphertext contains the key id."""
        sealed, context = fields.decoded("CiphertextBlob"), fields.context()
        key = self._store.used("decrypt", crypto.key_id_of(sealed))
        return {"Plaintext": _base64(crypto.unseal(key, sealed, context)), **_used(key)}

    def generate_data_key(self, fields: AlibabaParameters) -> dict[str, Any]:
        """GenerateDataKey: if `NumberOfBytes` is sent, it decides the length instead of `KeySpec`."""
        return self._data_key("generate_data_key", fields)

    def generate_data_key_without_plaintext(self, fields: AlibabaParameters) -> dict[str, Any]:
        """GenerateDataKeyWithoutPlaintext: as GenerateDataKey; the reply has the encrypted data key alone."""
        reply = self._data_key("generate_data_key_without_plaintext", fields)
        return {name: value for name, value in reply.items() if name != "Plaintext"}

    def _data_key(self, operation: str, fields: AlibabaParameters) -> dict[str, Any]:
        name, context = fields.key_name(), fields.context()
        size = 16 if fields.choice("KeySpec", ("AES_256", "AES_128"), "AES_256") == "AES_128" else 32
        size = fields.number("NumberOfBytes", range(1, 1025), size)
        key = self._store.used(operation, self._keys.key_id(name))
        plain = secrets.token_bytes(size)
        return {"Plaintext": _base64(plain), "CiphertextBlob": _base64(crypto.seal(key, plain, context)), **_used(key)}


class NameActions:
    """The actions on aliases, tags, regions and the account."""

    def __init__(self, service: Service) -> None:
        self._store = service.store

    def create_alias(self, fields: AlibabaParameters) -> dict[str, Any]:
        """CreateAlias: adds an alias to a key; the key keeps the aliases that it already has."""
        key_id, alias = fields.key_name(), fields.alias()
        self._store.set_alias(key_id, alias, replacing=False)
        return {}

    def delete_alias(self, fields: AlibabaParameters) -> dict[str, Any]:
        """DeleteAlias: deletes an alias; the state of its key does not matter."""
        self._store.delete_alias(fields.alias())
        return {}

    def tag(self, fields: AlibabaParameters) -> dict[str, Any]:
        """TagResource: only keys can be tagged, because the emulator has no secrets or certificates."""
        if fields.has("SecretName") or fields.has("CertificateId"):
            raise Refused("invalid_parameter", "Only keys can be tagged here, by KeyId.")
        key_id, tags = fields.key_name(), fields.tags()
        self._store.tag(key_id, tags)
        return {}

    def untag(self, fields: AlibabaParameters) -> dict[str, Any]:
        """UntagResource: removes tags from a key; names of tags that the key does not have are ignored."""
        key_id, names = fields.key_name(), fields.tag_names()
        self._store.changed(
            "untag", key_id, lambda key, _: replace(key, tags=tuple(tag for tag in key.tags if tag[0] not in names))
        )
        return {}

    def list_tags(self, fields: AlibabaParameters) -> dict[str, Any]:
        """ListResourceTags: lists the tags of a key."""
        key = self._store.changed("list_tags", fields.key_name(), lambda key, _: key)
        return {"Tags": {"Tag": [{"KeyId": key.id, "TagKey": name, "TagValue": value} for name, value in key.tags]}}

    def describe_regions(self, _: AlibabaParameters) -> dict[str, Any]:
        """DescribeRegions: lists the one region of the emulator."""
        return {"Regions": {"Region": [{"RegionId": REGION}]}}

    def describe_account(self, _: AlibabaParameters) -> dict[str, Any]:
        """DescribeAccountKmsStatus: some clients call this action before all other actions."""
        return {"AccountStatus": "Enabled"}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _used(key: Key) -> dict[str, str]:
    return {"KeyId": key.id, "KeyVersionId": key.version_id}
