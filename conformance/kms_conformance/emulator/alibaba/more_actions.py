"""The actions beside the life of a key: using it, naming it, and asking about the account."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import crypto
from kms_conformance.emulator.alibaba.credentials import REGION
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.alibaba.actions import KeyActions
    from kms_conformance.emulator.alibaba.fields import Fields
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service


class CryptoActions:
    """Encrypt, Decrypt and GenerateDataKey; a key may be named by id, alias or full name."""

    def __init__(self, service: Service, keys: KeyActions) -> None:
        self._store = service.store
        self._keys = keys

    def encrypt(self, fields: Fields) -> dict[str, Any]:
        """Encrypt."""
        name, plain, context = fields.key_name(), fields.decoded("Plaintext"), fields.context()
        key = self._store.used("encrypt", self._keys.key_id(name))
        return {"CiphertextBlob": _base64(crypto.seal(key, plain, context)), **_used(key)}

    def decrypt(self, fields: Fields) -> dict[str, Any]:
        """Decrypt: the ciphertext names its key."""
        sealed, context = fields.decoded("CiphertextBlob"), fields.context()
        key = self._store.used("decrypt", crypto.key_id_of(sealed))
        return {"Plaintext": _base64(crypto.unseal(key, sealed, context)), **_used(key)}

    def generate_data_key(self, fields: Fields) -> dict[str, Any]:
        """GenerateDataKey: `NumberOfBytes` goes before `KeySpec`."""
        name, context = fields.key_name(), fields.context()
        size = 16 if fields.choice("KeySpec", ("AES_256", "AES_128"), "AES_256") == "AES_128" else 32
        size = fields.number("NumberOfBytes", range(1, 1025), size)
        key = self._store.used("generate_data_key", self._keys.key_id(name))
        plain = secrets.token_bytes(size)
        return {"Plaintext": _base64(plain), "CiphertextBlob": _base64(crypto.seal(key, plain, context)), **_used(key)}


class NameActions:
    """Aliases, tags, and what is asked of the account."""

    def __init__(self, service: Service) -> None:
        self._store = service.store

    def create_alias(self, fields: Fields) -> dict[str, Any]:
        """CreateAlias: in addition to those that the key has."""
        key_id, alias = fields.key_name(), fields.alias()
        self._store.set_alias(key_id, alias, replacing=False)
        return {}

    def delete_alias(self, fields: Fields) -> dict[str, Any]:
        """DeleteAlias; in whatever state the key is."""
        self._store.delete_alias(fields.alias())
        return {}

    def tag(self, fields: Fields) -> dict[str, Any]:
        """TagResource, of a key; there are no secrets or certificates here."""
        if fields.has("SecretName") or fields.has("CertificateId"):
            raise Refused("invalid_parameter", "Only keys can be tagged here, by KeyId.")
        key_id, tags = fields.key_name(), fields.tags()
        self._store.tag(key_id, tags)
        return {}

    def list_tags(self, fields: Fields) -> dict[str, Any]:
        """ListResourceTags."""
        key = self._store.describe(fields.key_name())
        return {"Tags": {"Tag": [{"KeyId": key.id, "TagKey": name, "TagValue": value} for name, value in key.tags]}}

    def describe_regions(self, _: Fields) -> dict[str, Any]:
        """DescribeRegions."""
        return {"Regions": {"Region": [{"RegionId": REGION}]}}

    def describe_account(self, _: Fields) -> dict[str, Any]:
        """DescribeAccountKmsStatus: what a client may ask before anything else."""
        return {"AccountStatus": "Enabled"}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _used(key: Key) -> dict[str, str]:
    return {"KeyId": key.id, "KeyVersionId": key.version_id}
