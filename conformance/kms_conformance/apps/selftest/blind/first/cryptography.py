"""Blind faults about what cryptographic operations return."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.deviation import Fault
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Inbound, Outbound

_crypto = rows_of("cryptography")


def _other_bytes(value: str) -> str:
    if set(value) <= set("0123456789abcdef") and len(value) >= 64:
        return secrets.token_hex(len(value) // 2)
    return base64.b64encode(secrets.token_bytes(len(base64.b64decode(value)))).decode()


def _half(value: str) -> str:
    if set(value) <= set("0123456789abcdef") and len(value) >= 64:
        return value[: len(value) // 2]
    raw = base64.b64decode(value)
    return base64.b64encode(raw[: len(raw) // 2]).decode()


def _twice_encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _url_safe(value: str) -> str:
    return value.replace("+", "-").replace("/", "_")


class Plaintexts:
    """A filter that decrypts what must not be decrypted, from what it saw in earlier replies.

    - kinds: the operations whose ciphertexts it remembers.
    - refusals: the refusals of decrypt that it overrules.
    """

    def __init__(self, kinds: Collection[str], refusals: Collection[str]) -> None:
        self._kinds = kinds
        self._refusals = refusals
        self._plain: dict[str, dict[str, Any]] = {}

    def __call__(self, inbound: Inbound, outbound: Outbound) -> Outbound:
        if outbound.refusal is None and inbound.operation in self._kinds:
            self._remember(inbound, outbound.value)
        if inbound.operation != "decrypt" or outbound.refusal not in self._refusals:
            return outbound
        sent = inbound.parameters.get("cipher_text", inbound.parameters.get("CiphertextBlob"))
        known = self._plain.get(sent) if isinstance(sent, str) else None
        if known is None:
            return outbound
        ids = {"RequestId": outbound.value["RequestId"]} if "RequestId" in outbound.value else {}
        return replace(outbound, status=200, refusal=None).with_value({**known, **ids})

    def _remember(self, inbound: Inbound, value: dict[str, Any]) -> None:
        if "cipher_text" in value:
            plain, sealed = inbound.parameters.get("plain_text", value.get("plain_text")), value["cipher_text"]
            if inbound.operation == "generate_data_key":
                sealed = base64.b64encode(bytes.fromhex(sealed)).decode()
            self._plain[sealed] = {"key_id": value["key_id"], "plain_text": plain}
        elif "CiphertextBlob" in value:
            plain = inbound.parameters.get("Plaintext", value.get("Plaintext"))
            kept = {n: v for n, v in value.items() if n in {"KeyId", "KeyVersionId", "EncryptionAlgorithm"}}
            self._plain[value["CiphertextBlob"]] = {**kept, "Plaintext": plain}


_DATA_KEYS = ("generate_data_key", "generate_data_key_without_plaintext")


CRYPTOGRAPHY: tuple[Fault, ...] = (
    # --- what cryptographic operations return -------------------------------------------------------------------------
    _crypto(
        "plaintext-twice-encoded",
        "major",
        "A decrypted text is encoded in Base64 once more than documented.",
        "decrypt.reply",
        "state.enabled",
        says=(on("decrypt", field("plain_text", _twice_encoded), field("Plaintext", _twice_encoded)),),
    ),
    _crypto(
        "plaintext-trimmed",
        "major",
        "A decrypted text loses its last byte.",
        "decrypt.reply",
        "state.enabled",
        says=(
            on(
                "decrypt",
                field("plain_text", lambda v: v[:-1]),
                field("Plaintext", lambda v: base64.b64encode(base64.b64decode(v)[:-1]).decode()),
            ),
        ),
    ),
    _crypto(
        "ciphertext-url-safe",
        "major",
        "Ciphertexts are in the alphabet of Base64 for URLs, which decrypt does not take.",
        "encrypt.reply",
        "state.enabled",
        says=(on("encrypt", field("cipher_text", _url_safe), field("CiphertextBlob", _url_safe)),),
    ),
    _crypto(
        "data-key-is-another",
        "critical",
        "The plaintext of a data key is not what its ciphertext decrypts to.",
        "generate-data-key.reply",
        says=(on("generate_data_key", field("plain_text", _other_bytes), field("Plaintext", _other_bytes)),),
    ),
    _crypto(
        "data-key-half",
        "critical",
        "The plaintext of a data key has half of the length asked for.",
        "generate-data-key.reply",
        says=(on("generate_data_key", field("plain_text", _half), field("Plaintext", _half)),),
    ),
    _crypto(
        "encrypt-names-other-key",
        "minor",
        "The reply to encrypt names another key.",
        "encrypt.reply",
        says=(
            on(
                "encrypt",
                field("key_id", lambda v: v[::-1].replace("-", "0")),
                field("KeyId", lambda v: v[:-12] + v[-12:][::-1]),
            ),
        ),
    ),
    _crypto(
        "decrypt-names-other-key",
        "minor",
        "The reply to decrypt names another key.",
        "decrypt.reply",
        says=(
            on(
                "decrypt",
                field("key_id", lambda v: v[::-1].replace("-", "0")),
                field("KeyId", lambda v: v[:-12] + v[-12:][::-1]),
            ),
        ),
    ),
    _crypto(
        "context-ignored",
        "critical",
        "A ciphertext is decrypted whatever encryption context is sent.",
        "decrypt.reply",
        "encrypt.reply",
        says=(Plaintexts(("encrypt", *_DATA_KEYS), ("invalid_parameter", "invalid_ciphertext")),),
    ),
    _crypto(
        "pending-decrypts-data-keys",
        "critical",
        "A pending key still decrypts data keys.",
        "pending.decrypt",
        says=(Plaintexts(_DATA_KEYS, ("pending_use",)),),
    ),
    _crypto(
        "disabled-decrypts-data-keys",
        "critical",
        "A disabled key still decrypts data keys.",
        "state.disabled",
        says=(Plaintexts(_DATA_KEYS, ("key_disabled",)),),
    ),
    _crypto(
        "deleted-decrypts-data-keys",
        "critical",
        "Data keys of a deleted key are still decrypted.",
        "expiry.decrypt",
        says=(Plaintexts(_DATA_KEYS, ("lost_key", "unknown_key")),),
    ),
    _crypto(
        "pending-decrypts-cached",
        "critical",
        "A pending key decrypts what it encrypted, because replies are cached.",
        "pending.decrypt",
        says=(Plaintexts(("encrypt",), ("pending_use",)),),
    ),
)
