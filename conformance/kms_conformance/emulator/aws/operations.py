"""The key operations and cryptographic operations of the AWS dialect.

An operation takes the fields of a body and returns the value of a reply. It first checks form and range of all fields,
then whether the key exists, then the key's state.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import crypto
from kms_conformance.emulator.aws import replies
from kms_conformance.emulator.aws.credentials import SYMMETRIC
from kms_conformance.emulator.aws.parameters import Names, key_arn, page
from kms_conformance.emulator.keys import KeyDraft
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.aws.parameters import AwsParameters
    from kms_conformance.emulator.keys import Key
    from kms_conformance.emulator.service import Service

# The key usages that CreateKey allows for each key spec.
_SIGNS = ("ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519")
_SIGNS_ONLY = ("ML_DSA_44", "ML_DSA_65", "ML_DSA_87")
_EITHER = ("RSA_2048", "RSA_3072", "RSA_4096", "SM2")
_AUTHENTICATES = ("HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512")
_ENCAPSULATES = ("ML_KEM_512", "ML_KEM_768", "ML_KEM_1024")
_USAGES = {
    SYMMETRIC: ("ENCRYPT_DECRYPT",),
    **dict.fromkeys(_SIGNS, ("SIGN_VERIFY", "KEY_AGREEMENT")),
    **dict.fromkeys(_SIGNS_ONLY, ("SIGN_VERIFY",)),
    **dict.fromkeys(_EITHER, ("ENCRYPT_DECRYPT", "SIGN_VERIFY")),
    **dict.fromkeys(_AUTHENTICATES, ("GENERATE_VERIFY_MAC",)),
    **dict.fromkeys(_ENCAPSULATES, ("ENCAPSULATE_DECAPSULATE",)),
}
_LONGEST_DESCRIPTION = 8192


class KeyOperations:
    """The operations on keys, one method each. Every method raises `Refused` if the request is refused."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._decisions = service.decisions
        self._rules = service.rules
        self._names = Names(service)

    def create(self, fields: AwsParameters) -> dict[str, Any]:
        """CreateKey: `KeyUsage` is required for every key spec except `SYMMETRIC_DEFAULT`."""
        spec = fields.choice("KeySpec", _USAGES, SYMMETRIC)
        usage = fields.choice("KeyUsage", _USAGES[spec], "ENCRYPT_DECRYPT" if spec == SYMMETRIC else None)
        key = self._store.create(
            KeyDraft(
                spec=spec,
                usage=usage,
                description=fields.text("Description", _LONGEST_DESCRIPTION, ""),
                external=fields.choice("Origin", ("AWS_KMS", "EXTERNAL"), "AWS_KMS") == "EXTERNAL",
                tags=tuple(fields.tags(required=False).items()),
            )
        )
        return {"KeyMetadata": replies.metadata(key, self._rules)}

    def describe(self, fields: AwsParameters) -> dict[str, Any]:
        """DescribeKey: the request names the key by id, ARN or alias."""
        key = self._store.describe(self._names.id_of(fields.key_name(), or_alias=True))
        return {"KeyMetadata": replies.metadata(key, self._rules)}

    def list_keys(self, fields: AwsParameters) -> dict[str, Any]:
        """ListKeys: the list includes the service's own keys and keys pending deletion."""
        keys = [{"KeyId": key.id, "KeyArn": key_arn(key)} for key in self._store.listed()]
        return page(fields, "Keys", keys, default=100, sized=self._decisions.page_size)

    def enable(self, fields: AwsParameters) -> dict[str, Any]:
        """EnableKey: a key that is enabled already is accepted."""
        self._store.enable(self._names.id_of(fields.key_name()))
        return {}

    def disable(self, fields: AwsParameters) -> dict[str, Any]:
        """DisableKey: a key that is disabled already is accepted."""
        self._store.disable(self._names.id_of(fields.key_name()))
        return {}

    def schedule(self, fields: AwsParameters) -> dict[str, Any]:
        """ScheduleKeyDeletion: the reply holds the deletion date and the window."""
        key = self._store.schedule(self._names.id_of(fields.key_name()), fields.window())
        state = {"KeyId": key_arn(key), "KeyState": self._rules.wire_states[key.state]}
        date = {} if key.deletion is None else {"DeletionDate": replies.seconds(key.deletion)}
        window = {} if key.window_days is None else {"PendingWindowInDays": key.window_days}
        return {**state, **date, **window}

    def cancel(self, fields: AwsParameters) -> dict[str, Any]:
        """CancelKeyDeletion: the reply has the ARN of the key."""
        return {"KeyId": key_arn(self._store.cancel(self._names.id_of(fields.key_name())))}

    def update_description(self, fields: AwsParameters) -> dict[str, Any]:
        """UpdateKeyDescription: replaces the description of a key."""
        key_id, text = self._names.id_of(fields.key_name()), fields.text("Description", _LONGEST_DESCRIPTION)
        self._store.update_description(key_id, text)
        return {}


_LONGEST_PLAIN = 4096
_LONGEST_SEALED = 6144


class CryptoOperations:
    """The cryptographic operations, one method each. Every method raises `Refused` if the request is refused."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._names = Names(service)

    def encrypt(self, fields: AwsParameters) -> dict[str, Any]:
        """Encrypt: encrypts at most 4096 bytes."""
        name, plain, context = fields.key_name(), fields.data("Plaintext", _LONGEST_PLAIN), fields.context()
        key = self._used("encrypt", name)
        return {
            "CiphertextBlob": _base64(crypto.seal(key, plain, context)),
            "KeyId": key_arn(key),
            "EncryptionAlgorithm": SYMMETRIC,
        }

    def decrypt(self, fields: AwsParameters) -> dict[str, Any]:
        """Decrypt: the request need not name the key; if it does, it must be the key of the ciphertext."""
        key, plain = self._opened("decrypt", fields, "EncryptionContext", "KeyId")
        return {"Plaintext": _base64(plain), "KeyId": key_arn(key), "EncryptionAlgorithm": SYMMETRIC}

    def re_encrypt(self, fields: AwsParameters) -> dict[str, Any]:
        """ReEncrypt: the states of both keys, of the old and of the new ciphertext, must allow it."""
        name, context = fields.key_name("DestinationKeyId"), fields.context("DestinationEncryptionContext")
        source, plain = self._opened("re_encrypt", fields, "SourceEncryptionContext", "SourceKeyId")
        key = self._used("re_encrypt", name)
        return {
            "CiphertextBlob": _base64(crypto.seal(key, plain, context)),
            "SourceKeyId": key_arn(source),
            "KeyId": key_arn(key),
            "SourceEncryptionAlgorithm": SYMMETRIC,
            "DestinationEncryptionAlgorithm": SYMMETRIC,
        }

    def generate_data_key(self, fields: AwsParameters) -> dict[str, Any]:
        """GenerateDataKey: returns a random data key, in plaintext and encrypted."""
        plain, sealed = self._data_key("generate_data_key", fields)
        return {**sealed, "Plaintext": _base64(plain)}

    def generate_data_key_without_plaintext(self, fields: AwsParameters) -> dict[str, Any]:
        """GenerateDataKeyWithoutPlaintext: returns a random data key, encrypted only."""
        return self._data_key("generate_data_key_without_plaintext", fields)[1]

    def _data_key(self, operation: str, fields: AwsParameters) -> tuple[bytes, dict[str, Any]]:
        name, context = fields.key_name(), fields.context()
        # The page of GenerateDataKey requires exactly one of `KeySpec` and `NumberOfBytes`.
        if fields.has("KeySpec") == fields.has("NumberOfBytes"):
            raise Refused("invalid_parameter", "Please specify either number of bytes or key spec.")
        size = 32
        if fields.has("KeySpec"):
            size = 16 if fields.choice("KeySpec", ("AES_256", "AES_128")) == "AES_128" else 32
        size = fields.number("NumberOfBytes", range(1, 1025), size)
        key = self._used(operation, name)
        plain = secrets.token_bytes(size)
        return plain, {"CiphertextBlob": _base64(crypto.seal(key, plain, context)), "KeyId": key_arn(key)}

    def _opened(self, operation: str, fields: AwsParameters, context: str, named: str) -> tuple[Key, bytes]:
        sealed, sealed_with = fields.data("CiphertextBlob", _LONGEST_SEALED), fields.context(context)
        try:
            key_id = crypto.key_id_of(sealed)
        except Refused:
            raise Refused("invalid_ciphertext") from None
        key = self._used(operation, fields.key_name(named) if fields.has(named) else key_id)
        if key.id != key_id:
            raise Refused("incorrect_key")
        try:
            return key, crypto.unseal(key, sealed, sealed_with)
        except Refused:
            raise Refused("invalid_ciphertext") from None

    def _used(self, operation: str, name: str) -> Key:
        key = self._store.used(operation, self._names.id_of(name, or_alias=True))
        if key.spec != SYMMETRIC:
            raise Refused("invalid_key_usage", f"{key_arn(key)} key usage is {key.usage} of {key.spec}.")
        return key


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
