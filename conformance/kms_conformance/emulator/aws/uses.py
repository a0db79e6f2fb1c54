"""The operations that use a key, named by id, ARN or alias."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import crypto
from kms_conformance.emulator.aws import views
from kms_conformance.emulator.aws.names import Names, key_arn
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.aws.fields import Fields
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

_LONGEST_PLAIN = 4096
_LONGEST_SEALED = 6144


class Uses:
    """One method an operation; all raise `Refused`."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._names = Names(service)

    def encrypt(self, fields: Fields) -> dict[str, Any]:
        """Encrypt."""
        name, plain, context = fields.key_name(), fields.data("Plaintext", _LONGEST_PLAIN), fields.context()
        key = self._used("encrypt", name)
        return {
            "CiphertextBlob": _base64(crypto.seal(key, plain, context)),
            "KeyId": key_arn(key),
            "EncryptionAlgorithm": views.SYMMETRIC,
        }

    def decrypt(self, fields: Fields) -> dict[str, Any]:
        """Decrypt: the ciphertext names its key."""
        key, plain = self._opened("decrypt", fields, "EncryptionContext")
        return {"Plaintext": _base64(plain), "KeyId": key_arn(key), "EncryptionAlgorithm": views.SYMMETRIC}

    def re_encrypt(self, fields: Fields) -> dict[str, Any]:
        """ReEncrypt: both keys must be usable."""
        name, context = fields.key_name("DestinationKeyId"), fields.context("DestinationEncryptionContext")
        source, plain = self._opened("re_encrypt", fields, "SourceEncryptionContext")
        key = self._used("re_encrypt", name)
        return {
            "CiphertextBlob": _base64(crypto.seal(key, plain, context)),
            "SourceKeyId": key_arn(source),
            "KeyId": key_arn(key),
            "SourceEncryptionAlgorithm": views.SYMMETRIC,
            "DestinationEncryptionAlgorithm": views.SYMMETRIC,
        }

    def generate_data_key(self, fields: Fields) -> dict[str, Any]:
        """GenerateDataKey."""
        plain, told = self._data_key("generate_data_key", fields)
        return {**told, "Plaintext": _base64(plain)}

    def generate_data_key_without_plaintext(self, fields: Fields) -> dict[str, Any]:
        """GenerateDataKeyWithoutPlaintext."""
        return self._data_key("generate_data_key_without_plaintext", fields)[1]

    def _data_key(self, operation: str, fields: Fields) -> tuple[bytes, dict[str, Any]]:
        name, context = fields.key_name(), fields.context()
        # As the page demands: one of the two, and not both.
        if fields.has("KeySpec") == fields.has("NumberOfBytes"):
            raise Refused("invalid_parameter", "Please specify either number of bytes or key spec.")
        size = 32
        if fields.has("KeySpec"):
            size = 16 if fields.choice("KeySpec", ("AES_256", "AES_128")) == "AES_128" else 32
        size = fields.number("NumberOfBytes", range(1, 1025), size)
        key = self._used(operation, name)
        plain = secrets.token_bytes(size)
        return plain, {"CiphertextBlob": _base64(crypto.seal(key, plain, context)), "KeyId": key_arn(key)}

    def _opened(self, operation: str, fields: Fields, context: str) -> tuple[Key, bytes]:
        sealed, sealed_with = fields.data("CiphertextBlob", _LONGEST_SEALED), fields.context(context)
        try:
            key_id = crypto.key_id_of(sealed)
        except Refused:
            raise Refused("invalid_ciphertext") from None
        key = self._used(operation, key_id)
        try:
            return key, crypto.unseal(key, sealed, sealed_with)
        except Refused:
            raise Refused("invalid_ciphertext") from None

    def _used(self, operation: str, name: str) -> Key:
        key = self._store.used(operation, self._names.id_of(name, or_alias=True))
        if key.spec != views.SYMMETRIC:
            raise Refused("invalid_key_usage", f"{key_arn(key)} key usage is {key.usage} of {key.spec}.")
        return key


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
