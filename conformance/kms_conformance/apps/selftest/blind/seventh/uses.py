"""Faults of uses and states: paths of a use on which nobody looks at the state, and changes that do not hold."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.blind.sixth.mixins import NAMED, Remembering, Storing
from kms_conformance.apps.selftest.deviation import ALIBABA
from kms_conformance.emulator import Key, State
from kms_conformance.emulator.crypto import OVERHEAD

_row = rows_of("uses and states", prefix="blind7", of_set="blind7")
_USES = frozenset({"encrypt", "decrypt", "generate_data_key", "generate_data_key_without_plaintext", "re_encrypt"})
_UNUSABLE = (State.DISABLED, State.PENDING_DELETION)
_CONTEXTS = ("encryption_context", "EncryptionContext", "SourceEncryptionContext")
_CIPHERS = ("CiphertextBlob", "cipher_text")
_LONG = 1024
_DATA_KEYS = (16, 32)


class _Open(Remembering):
    """Faults that let disabled and pending keys be used; `is_open` tells for which requests."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if operation in _USES and key.state in _UNUSABLE and self.is_open(operation):
            return None
        return super().refusal_for(operation, key)

    def is_open(self, operation: str) -> bool:
        """Whether the state is not looked at for the present request."""
        return False

    def length_of(self, *names: str) -> int:
        """The length of a parameter in Base64, decoded; 0 without one, the length of the text if it is no Base64."""
        value = self.sent(*names)
        if not isinstance(value, str):
            return 0
        try:
            return len(base64.b64decode(value, validate=True))
        except ValueError:
            return len(value)


class LongTextsSkipTheState(_Open):
    """Long plaintexts go to a worker of their own, which does not look at the state."""

    def is_open(self, operation: str) -> bool:
        text = self.sent("plain_text")
        length = len(text) if isinstance(text, str) else self.length_of("Plaintext")
        return operation == "encrypt" and length > _LONG


class ContextSkipsTheState(_Open):
    """Requests with a context take a newer path, on which the check of the state was forgotten."""

    def is_open(self, operation: str) -> bool:
        return bool(self.sent(*_CONTEXTS))


class GetSkipsTheState(_Open):
    """The check of the state is in the handler of POST."""

    def is_open(self, operation: str) -> bool:
        inbound = getattr(self.thread, "inbound", None)
        return inbound is not None and inbound.method == "GET"


class DataKeysStayOpen(_Open):
    """Data keys are decrypted by a cache of data keys."""

    def is_open(self, operation: str) -> bool:
        return operation == "decrypt" and self.length_of(*_CIPHERS) - OVERHEAD in _DATA_KEYS


class DataKeysOutliveTheKey(DataKeysStayOpen):
    """The cache of data keys is not emptied when the key ends; while the key exists, its state counts."""

    def refusal_for(self, operation: str, key: Key) -> str | None:
        return Remembering.refusal_for(self, operation, key) if key.id not in self.notes else None

    def lives(self, key: Key, now: datetime) -> bool:
        lives = super().lives(key, now)
        if not lives:
            self.notes[key.id] = key
        return lives

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        dead: Key | None = self.notes.get(key_id)
        return dead if self.is_open(self.operation or "") else None


class OneOfManyUsesPasses(_Open):
    """The state is looked at for nine of ten uses; the tenth is sampled for a statistic on another path."""

    def is_open(self, operation: str) -> bool:
        self.notes["uses"] = self.notes.get("uses", 0) + 1
        return bool(self.notes["uses"] % 10 == 0)


class DisabledGetsNewMaterial(Storing):
    """Cancelling imports a disabled key anew from its description, with new material."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = before.state
        if operation == "cancel" and self.notes.get(after.id) is State.DISABLED:
            return (replace(after, material=before.material[::-1]),)
        return ()


class SecondWindowGetsNewMaterial(Storing):
    """The material is put aside at the scheduling; at a second scheduling the first is found there and replaced."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "cancel":
            return ()
        self.notes[after.id] = self.notes.get(after.id, 0) + 1
        return (replace(after, material=before.material[::-1]),) if self.notes[after.id] == 2 else ()


class FirstEnableIsInVain(Storing):
    """After a cancellation the first call of enable ends the job of the cancellation only."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self.notes[after.id] = True
        if operation == "enable" and self.notes.pop(after.id, None):
            return (before,)
        return ()


class UpdateUnprotects(Storing):
    """An update writes the whole row, with the default for what the request does not name."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "update_description":
            return ()
        return (replace(after, protected=False, protection_description=""),)


class UnprotectedByDisable(Storing):
    """Disabling and enabling turns protection off, because a new state is written without it."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        return (replace(after, protected=False),) if operation == "disable" else ()


USES = (
    _row(
        "long-texts-skip-the-state",
        "critical",
        "A disabled or pending key encrypts plaintexts of more than 1024 bytes.",
        "pending.encrypt",
        "pending.every-form",
        "disabled.every-form",
        does=(LongTextsSkipTheState,),
    ),
    _row(
        "context-skips-the-state",
        "critical",
        "A disabled or pending key can be used in requests with an encryption context.",
        "pending.encrypt",
        "pending.decrypt",
        "pending.generate-data-key",
        "pending.every-form",
        "disabled.every-form",
        does=(ContextSkipsTheState,),
    ),
    _row(
        "get-skips-the-state",
        "critical",
        "A disabled or pending key can be used in requests by GET.",
        "pending.every-form",
        "disabled.every-form",
        "pending.encrypt",
        of=(ALIBABA,),
        does=(GetSkipsTheState,),
    ),
    _row(
        "data-keys-stay-open",
        "critical",
        "Data keys are decrypted while their key is disabled or pending.",
        "pending.decrypt",
        "pending.every-form",
        "disabled.every-form",
        of=NAMED,
        does=(DataKeysStayOpen,),
    ),
    _row(
        "data-keys-outlive-the-key",
        "critical",
        "Data keys are decrypted after their key was deleted.",
        "expiry.decrypt",
        "expiry.not-recoverable",
        of=NAMED,
        does=(DataKeysOutliveTheKey,),
    ),
    _row(
        "tenth-use-passes",
        "critical",
        "Every tenth use of a disabled or pending key is carried out.",
        "pending.encrypt",
        "pending.decrypt",
        "pending.generate-data-key",
        "pending.generate-data-key-without-plaintext",
        "pending.every-form",
        "pending.every-name",
        "pending.re-encrypt-from",
        "pending.re-encrypt-to",
        "disabled.every-form",
        "disabled.every-name",
        does=(OneOfManyUsesPasses,),
    ),
    _row(
        "disabled-gets-new-material",
        "critical",
        "A key that was disabled when its deletion was scheduled has other material after the cancellation.",
        "cancel.usable-again",
        "lifecycle.sequence",
        "state.enabled",
        does=(DisabledGetsNewMaterial,),
    ),
    _row(
        "second-cancel-gets-new-material",
        "critical",
        "After its second cancellation a key cannot decrypt what it encrypted before.",
        "cancel.usable-again",
        "lifecycle.sequence",
        does=(SecondWindowGetsNewMaterial,),
    ),
    _row(
        "first-enable-is-in-vain",
        "major",
        "The first enabling after a cancellation succeeds without an effect.",
        "enable.reply",
        "cancel.usable-again",
        "lifecycle.sequence",
        does=(FirstEnableIsInVain,),
    ),
    _row(
        "update-unprotects",
        "major",
        "Changing the description of a key turns its deletion protection off.",
        "protection.refuses-schedule",
        "update-description.reply",
        of=(ALIBABA,),
        does=(UpdateUnprotects,),
    ),
    _row(
        "disable-unprotects",
        "major",
        "Disabling a key turns its deletion protection off.",
        "protection.refuses-schedule",
        "disable.keeps.fields",
        of=(ALIBABA,),
        does=(UnprotectedByDisable,),
    ),
)
