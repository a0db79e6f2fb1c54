"""Faults of the data plane: uses that a state forbids, contexts, lengths, texts, and aliases."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.blind.sixth.mixins import (
    NAMED,
    NAMING,
    ReadingOtherwise,
    Remembering,
    alias_of,
    as_json,
    rows_of,
)
from kms_conformance.apps.selftest.deviation import AWS, HUAWEI
from kms_conformance.emulator import Key, Refused
from kms_conformance.emulator.crypto import key_id_of

_row = rows_of("uses of keys")
_SEALED = ("cipher_text", "CiphertextBlob")
_CONTEXTS = (
    *("encryption_context", "EncryptionContext"),
    *("SourceEncryptionContext", "DestinationEncryptionContext"),
)
_DATA_KEYS = ("generate_data_key", "generate_data_key_without_plaintext")
_LONGEST = 4096


class DecryptIsRemembered(Remembering):
    """A cache of plaintexts by ciphertext stands before the check of the state."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        known = operation == "decrypt" and self.sent(*_SEALED) in self.notes
        return None if known else super().refusal_for(operation, key)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        if operation == "decrypt":
            self.notes[self.sent(*_SEALED)] = True
        return super().shown(operation, key, now)


class ReEncryptToItself(Remembering):
    """A ciphertext that stays with its key takes a short way without a check of the state."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if operation == "re_encrypt" and self._stays(key):
            return None
        return super().refusal_for(operation, key)

    def _stays(self, key: Key) -> bool:
        try:
            source = key_id_of(base64.b64decode(str(self.sent("CiphertextBlob"))))
        except (ValueError, Refused):
            return False
        return source == key.id and str(self.sent("DestinationKeyId")).endswith(key.id)


class DecryptNamesAnAlias(Remembering):
    """The state is checked for the key of the ciphertext, but not for a key that an alias names."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        by_alias = operation == "decrypt" and alias_of(self.named) is not None
        return None if by_alias else super().refusal_for(operation, key)


class ContextIsLowered(ReadingOtherwise):
    """The names in a context are headers inside, whose case does not matter."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        for name in _CONTEXTS:
            context = as_json(values.get(name))
            if isinstance(context, dict):
                lowered = {str(key).lower(): value for key, value in context.items()}
                values[name] = json.dumps(lowered) if isinstance(values[name], str) else lowered


class DataKeyHasNoContext(ReadingOtherwise):
    """Data keys are sealed without their context; report of a user of LocalStack, and of one of fakecloud."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        if operation in _DATA_KEYS:
            for name in _CONTEXTS:
                values.pop(name, None)


class NewContextIsTheOld(ReadingOtherwise):
    """The new ciphertext is sealed with the context of the old one."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        if operation == "re_encrypt":
            values["DestinationEncryptionContext"] = values.get("SourceEncryptionContext", {})


class DataKeyOf32Bytes(ReadingOtherwise):
    """The buffer of a data key has 32 bytes; report of a user of moto, and of one of eHSM."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        for name, most in (("datakey_length", 256), ("NumberOfBytes", 32)):
            length = str(values.get(name, ""))
            if operation in _DATA_KEYS and length.isdecimal() and len(length) < 7 and int(length) > most:
                values[name] = str(most) if isinstance(values[name], str) else most


class LongestTextIsRefused(ReadingOtherwise):
    """The length is compared with less than instead of at most."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        if operation == "encrypt" and self._length(values) == _LONGEST:
            raise Refused("invalid_parameter")

    @staticmethod
    def _length(values: Mapping[str, Any]) -> int:
        try:
            if "Plaintext" in values:
                return len(base64.b64decode(str(values["Plaintext"]), validate=True))
            return len(str(values.get("plain_text", "")).encode())
        except ValueError:
            return 0


class TextIsNormalised(ReadingOtherwise):
    """Texts are brought into the composed form of Unicode when they are read."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        text = values.get("plain_text")
        if operation == "encrypt" and isinstance(text, str):
            values["plain_text"] = unicodedata.normalize("NFC", text)


class AliasIsCachedForUse(Remembering):
    """The data plane keeps the key of an alias for ever; the control plane knows better."""

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        found = super().found(operation, keys, earlier)
        alias = alias_of(self.named)
        if operation != "resolve_alias" or alias is None or self.operation not in {"encrypt", *_DATA_KEYS}:
            return found
        cached = self.notes.get(alias) or self._holder(alias, found.values())
        if cached is None or cached not in found:
            return found
        self.notes[alias] = cached
        return {cached: replace(found[cached], aliases=(alias,))}

    @staticmethod
    def _holder(alias: str, keys: Collection[Key]) -> str | None:
        return next((key.id for key in keys if alias in key.aliases), None)


USES = (
    _row(
        "decrypt-is-remembered",
        "critical",
        "What was decrypted once is decrypted again while its key is disabled or pending.",
        "pending.decrypt",
        "state.disabled",
        does=[DecryptIsRemembered],
    ),
    _row(
        "re-encrypt-to-itself",
        "critical",
        "A pending or disabled key re-encrypts its own ciphertexts for itself.",
        "pending.re-encrypt-from",
        "pending.re-encrypt-to",
        "disabled.re-encrypt-from",
        "disabled.re-encrypt-to",
        of=[AWS],
        does=[ReEncryptToItself],
    ),
    _row(
        "decrypt-names-an-alias",
        "critical",
        "Decrypting with the key's alias as KeyId works while the key is disabled or pending.",
        "pending.every-name",
        "disabled.every-name",
        "pending.decrypt",
        of=[AWS],
        does=[DecryptNamesAnAlias],
    ),
    _row(
        "context-is-lowered",
        "major",
        "A ciphertext is decrypted in a context whose names differ in case.",
        "decrypt.context",
        does=[ContextIsLowered],
    ),
    _row(
        "data-key-has-no-context",
        "major",
        "The context of a data key is ignored, so that it is decrypted without one and not with it.",
        "decrypt.context",
        "generate-data-key.plaintext",
        does=[DataKeyHasNoContext],
    ),
    _row(
        "new-context-is-the-old",
        "major",
        "A re-encrypted ciphertext is bound to its old context.",
        "re-encrypt.reply",
        "decrypt.context",
        of=[AWS],
        does=[NewContextIsTheOld],
    ),
    _row(
        "data-key-of-32-bytes",
        "major",
        "A data key of more than 32 bytes has 32 bytes.",
        "generate-data-key.plaintext",
        "generate-data-key.reply",
        does=[DataKeyOf32Bytes],
    ),
    _row(
        "longest-text-is-refused",
        "major",
        "A plaintext of 4096 bytes, the documented maximum, is refused.",
        "encrypt.reply",
        "state.enabled",
        of=NAMING,
        does=[LongestTextIsRefused],
    ),
    _row(
        "text-is-normalised",
        "major",
        "A text with combining characters comes back from decryption with others.",
        "decrypt.reply",
        "state.enabled",
        of=[HUAWEI],
        does=[TextIsNormalised],
    ),
    _row(
        "alias-is-cached-for-use",
        "major",
        "Once an alias was used to encrypt, it goes on encrypting with that key after it was deleted or moved.",
        "delete-alias.reply",
        "update-alias.reply",
        of=NAMED,
        does=[AliasIsCachedForUse],
    ),
)
