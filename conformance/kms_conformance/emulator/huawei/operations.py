"""The operations of the Huawei dialect: each takes the fields of a body and returns the value of a reply.

An operation first checks form and range of all fields, then whether the key exists, then the key's state.
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator import crypto
from kms_conformance.emulator.huawei import credentials, replies
from kms_conformance.emulator.keys import Key, KeyDraft
from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.huawei.parameters import HuaweiParameters
    from kms_conformance.emulator.service import Service

# The algorithms by key usage, from the page "Creating a CMK".
_ENCRYPTS = ("AES_256", "SM4")
_SIGNS = ("RSA_2048", "RSA_3072", "RSA_4096", "EC_P256", "EC_P384", "SM2")
_AUTHENTICATES = ("HMAC_256", "HMAC_384", "HMAC_512", "HMAC_SM3")
_SPECS = (*_ENCRYPTS, *_SIGNS, *_AUTHENTICATES)
_USAGES = ("ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC")
_GRANTS_PER_KEY = 100
_LONGEST_PLAIN = 4096
_CIPHER = r"[0-9a-zA-Z+/=]{188,5648}"


def usage_of(spec: str) -> str:
    """The default key usage of an algorithm."""
    if spec in _AUTHENTICATES:
        return _USAGES[2]
    return _USAGES[1] if spec in _SIGNS else _USAGES[0]


class Operations:
    """The operations of the service, one method each. Every method raises `Refused` if the request is refused."""

    def __init__(self, service: Service) -> None:
        self._store = service.store
        self._rules = service.rules
        self._decisions = service.decisions

    def create(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Create-key: the reply holds the key id, but no state."""
        spec = fields.choice("key_spec", _SPECS, "AES_256")
        key = self._store.create(
            KeyDraft(
                alias=fields.alias(),
                description=fields.text("key_description", ".{0,255}", default=""),
                spec=spec,
                usage=fields.choice("key_usage", _USAGES, usage_of(spec)),
                external=fields.choice("origin", ("kms", "external"), "kms") == "external",
            )
        )
        return {"key_info": {"key_id": key.id, "domain_id": credentials.DOMAIN_ID}}

    def enable(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Enable-key: the reply has the key id and the state."""
        return {"key_info": replies.key_state(self._store.enable(fields.key_id()), self._rules)}

    def disable(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Disable-key: the reply has the key id and the state."""
        return {"key_info": replies.key_state(self._store.disable(fields.key_id()), self._rules)}

    def schedule(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Schedule-key-deletion: the reply has the key id and the state at its top level, and no deletion date."""
        return replies.key_state(self._store.schedule(fields.key_id(), fields.window()), self._rules)

    def cancel(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Cancel-key-deletion: the reply has the key id and the state at its top level."""
        return replies.key_state(self._store.cancel(fields.key_id()), self._rules)

    def describe(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Describe-key: the reply has all details of a key."""
        return {"key_info": replies.key_details(self._store.describe(self._key_id("describe", fields)), self._rules)}

    def list_keys(self, fields: HuaweiParameters) -> dict[str, Any]:
        """List-keys: the list includes default keys; `marker` is the number of keys to skip."""
        wanted = fields.text("key_state", "[1-5]", default="")
        limit = self._decisions.page_size(fields.number("limit", range(1, 1001), 1000))
        marker = fields.number("marker", range(1_000_000_000), 0)
        all_keys = [replies.key_details(key, self._rules) for key in self._store.listed()]
        keys = [key for key in all_keys if wanted in {"", key["key_state"]}]
        page, more = keys[marker : marker + limit], len(keys) > marker + limit
        return {
            "keys": [key["key_id"] for key in page],
            "key_details": page,
            "next_marker": str(marker + limit) if more else "",
            "truncated": "true" if more else "false",
            "total": len(keys),
        }

    def encrypt(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Encrypt-data: encrypts a text of at most 4096 bytes."""
        key_id, context = self._key_id("encrypt", fields), fields.context()
        plain = fields.text("plain_text", f"[^\n]{{1,{_LONGEST_PLAIN}}}").encode()
        if len(plain) > _LONGEST_PLAIN:
            raise Refused("invalid_parameter", "The value of plain_text has too many bytes.")
        key = self._store.used("encrypt", key_id)
        return {"key_id": key.id, "cipher_text": base64.b64encode(crypto.seal(key, plain, context)).decode()}

    def decrypt(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Decrypt-data: the request names no key, because the ciphertext contains the key id."""
        text, context = fields.text("cipher_text", _CIPHER), fields.context()
        try:
            sealed = base64.b64decode(text, validate=True)
        except ValueError:
            raise Refused("invalid_parameter", "The value of cipher_text is not Base64.") from None
        key = self._store.used("decrypt", crypto.key_id_of(sealed))
        plain = crypto.unseal(key, sealed, context)
        return {"key_id": key.id, "plain_text": _text(plain)}

    def generate_data_key(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Create-datakey: the reply is in hexadecimal. `datakey_length` (in bits), if sent, replaces `key_spec`."""
        key_id, context = self._key_id("generate_data_key", fields), fields.context()
        bits = int(fields.choice("key_spec", ("AES_256", "AES_128"), "AES_256")[-3:])
        if fields.has("datakey_length"):
            bits = fields.number("datakey_length", range(8, 8193, 8), bits)
        key = self._store.used("generate_data_key", key_id)
        plain = secrets.token_bytes(bits // 8)
        return {"key_id": key.id, "plain_text": plain.hex(), "cipher_text": crypto.seal(key, plain, context).hex()}

    def set_alias(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Update-key-alias: replaces the alias of a key."""
        key_id, alias = fields.key_id(), fields.alias()
        key = self._store.set_alias(key_id, alias, replacing=True)
        return {"key_info": {"key_id": key.id, "key_alias": alias}}

    def update_description(self, fields: HuaweiParameters) -> dict[str, Any]:
        """Update-key-description: replaces the description of a key."""
        key_id, text = fields.key_id(), fields.text("key_description", ".{0,255}")
        key = self._store.update_description(key_id, text)
        return {"key_info": {"key_id": key.id, "key_description": key.description}}

    def count_instances(self, _: HuaweiParameters) -> dict[str, Any]:
        """User-instances: the number of keys; default keys are not counted."""
        return {"instance_num": len(self._custom())}

    def show_quotas(self, _: HuaweiParameters) -> dict[str, Any]:
        """User-quotas: keys pending deletion count as used."""
        used = len(self._custom())
        return {
            "quotas": {
                "resources": [
                    {"type": "CMK", "used": used, "quota": self._rules.key_quota},
                    {"type": "grant_per_CMK", "used": 0, "quota": _GRANTS_PER_KEY},
                ]
            }
        }

    def _key_id(self, operation: str, fields: HuaweiParameters) -> str:
        """The id of the key that a request names: by its id or, where the profile says so, by an alias or its URN."""
        alias = fields.alias_of_key() if "alias" in self._rules.key_names.get(operation, ()) else None
        if alias is None:
            return fields.key_id()
        for key in self._store.keys:
            if alias in key.aliases:
                return key.id
        raise Refused("unknown_key")

    def _custom(self) -> list[Key]:
        return [key for key in self._store.keys if not key.default]


def _text(plain: bytes) -> str:
    # decrypt-data also accepts the ciphertext of a data key, whose bytes need not be valid UTF-8.
    try:
        return plain.decode()
    except UnicodeDecodeError:
        return plain.hex()
