"""The fourth blind set: changes of state, and uses of keys that are not enabled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import timedelta

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, ENABLED, PENDING, doing
from kms_conformance.apps.selftest.blind.fourth.mixins import lost_from, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, changing
from kms_conformance.apps.selftest.blind.second.mixins import RequestMemory
from kms_conformance.apps.selftest.blind.third.mixins import accepting_asked, asked_id
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS
from kms_conformance.catalogue.api import CHANGES
from kms_conformance.emulator import Inbound, Key, Rules

_state = rows_of("states")
_use = rows_of("uses")
_HOUR = timedelta(hours=1)
_USES = frozenset({"encrypt", "decrypt", "re_encrypt", "generate_data_key", "generate_data_key_without_plaintext"})
_CONTEXTS = ("encryption_context", "EncryptionContext", "SourceEncryptionContext")


class _PendingAgain(Memory):
    """The first time that a key is enabled after its first cancellation, it is pending again, with the old date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._armed: set[str] = set()

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        if operation == "cancel" and self.done["cancel", after.id] == 1:
            self._armed.add(after.id)
        if operation != "enable" or after.id not in self._armed:
            return found
        self._armed.remove(after.id)
        return (
            replace(after, state=PENDING, deletion=self.dates[after.id][-1], window_days=self.rules.window_minimum),
        )


class _OldDescription(Memory):
    """Enabling a key gives it back the description that it was created with."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._first: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self._first[after.id] = after.description
        for key in super().effects(operation, before, after, keys):
            old = self._first.get(key.id, key.description)
            yield replace(key, description=old) if operation == "enable" else key


class _RetryServed(RequestMemory):
    """A use of a disabled key that was refused is carried out when the same request is repeated at once."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._refused: tuple[str, str] | None = None

    def refusal_for(self, operation: str, key: Key) -> str | None:
        found = super().refusal_for(operation, key)
        again = operation in _USES and key.state is DISABLED and self._refused == (operation, key.id)
        self._refused = (operation, key.id) if found is not None and not again else None
        return None if again else found


class _Overlapping(RequestMemory):
    """Requests in flight are known by the key that they name, from the check of the credentials to their effect."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._counting = threading.Lock()
        self._in_flight: Counter[str] = Counter()
        self._met: Counter[str] = Counter()

    def _arrived(self, found: str | None, inbound: Inbound) -> None:
        if found is not None or inbound.operation not in CHANGES:
            return
        name = asked_id(self)
        with self._counting:
            self._in_flight[name] += 1
            self._met[name] += self._in_flight[name] == 2
        time.sleep(0.02)
        with self._counting:
            self._in_flight[name] -= 1

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().token_problem(found, inbound)
        self._arrived(problem, inbound)
        return problem

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        problem = super().signature_problem(found, inbound)
        self._arrived(problem, inbound)
        return problem

    def met(self, key_id: str) -> bool:
        """Whether two requests for the key met, and the first of them is not carried out yet; asked once for each."""
        with self._counting:
            found = self._met[key_id] > 0
            self._met[key_id] -= found
            return found


class _FirstOfTwoLost(_Overlapping):
    """Of two changes of a key at once, the one that is carried out first succeeds without an effect."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        found = tuple(super().effects(operation, before, after, keys))
        return (before,) if operation in CHANGES and self.met(after.id) else found


class _StateNotChecked(_Overlapping):
    """Of two changes of a key at once, the one that is carried out first leaves a pending key enabled."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            met = operation in {"schedule", "cancel"} and key.id == after.id and self.met(after.id)
            yield replace(key, state=ENABLED) if met else key


def _with_context(memory: RequestMemory, key: Key) -> bool:
    return key.state is PENDING and any(memory.asked.parameters.get(name) not in (None, "", {}) for name in _CONTEXTS)


def _short_data_key(memory: RequestMemory, key: Key) -> bool:
    sent = memory.asked.parameters
    short = sent.get("KeySpec") == "AES_128" or sent.get("key_spec") == "AES_128"
    sizes = (str(sent.get("NumberOfBytes", "")), str(sent.get("datakey_length", "")))
    small = any(size.isdigit() and int(size) <= limit for size, limit in zip(sizes, (16, 128), strict=True))
    return key.state is PENDING and (short or small)


def _key_unnamed(memory: RequestMemory, _: Key) -> bool:
    return "KeyId" not in memory.asked.parameters and "key_id" not in memory.asked.parameters


def _is_source(memory: RequestMemory, key: Key) -> bool:
    return key.id not in str(memory.asked.parameters.get("DestinationKeyId", key.id))


def _is_alias(memory: RequestMemory, _: Key) -> bool:
    return "alias/" in str(memory.asked.parameters.get("DestinationKeyId", ""))


def _only_disabled(memory: RequestMemory, key: Key) -> bool:
    return key.state is PENDING and memory.was_disabled(key) and memory.done["cancel", key.id] > 0


STATES = (
    _state(
        "enabled-after-cancel-pending-again",
        "critical",
        "Enabling a key for the first time after a cancellation makes it pending again, with the old date.",
        "cancel.usable-again",
        "state.enabled",
        "enable.reply",
        does=(_PendingAgain,),
    ),
    _state(
        "second-disable-lost",
        "critical",
        "From the second time on, disabling a key succeeds without an effect.",
        "state.disabled",
        "lifecycle.sequence",
        does=(lost_from("disable", 2),),
    ),
    _state(
        "third-enable-lost",
        "major",
        "From the third time on, enabling a key succeeds without an effect.",
        "lifecycle.sequence",
        "state.enabled",
        does=(lost_from("enable", 3),),
    ),
    _state(
        "third-description-lost",
        "minor",
        "From the third time on, changing the description of a key succeeds without an effect.",
        "update-description.reply",
        does=(lost_from("update_description", 3),),
    ),
    _state(
        "enable-restores-first-description",
        "minor",
        "Enabling a key gives it back the description that it was created with.",
        "enable.keeps.name",
        does=(_OldDescription,),
    ),
    _state(
        "cancel-marks-as-imported",
        "critical",
        "Cancelling marks the material of the key as imported: its origin changes.",
        "cancel.keeps.fields",
        does=(doing("cancel", lambda _, after: replace(after, external=True)),),
    ),
    _state(
        "schedule-marks-as-imported",
        "major",
        "Scheduling marks the material of the key as imported: its origin changes.",
        "schedule.keeps.fields",
        does=(doing("schedule", lambda _, after: replace(after, external=True)),),
    ),
    _state(
        "enable-changes-usage",
        "major",
        "Enabling a key changes its usage to signing.",
        "enable.keeps.fields",
        does=(
            changing(
                "enable",
                lambda m, _b, key: replace(key, usage="SIGN/VERIFY" if m.rules.dialect == ALIBABA else "SIGN_VERIFY"),
            ),
        ),
    ),
    _state(
        "disable-moves-creation",
        "minor",
        "Disabling a key sets its creation date an hour back, as a wrong zone does.",
        "disable.keeps.fields",
        does=(doing("disable", lambda _, after: replace(after, created=after.created - _HOUR)),),
    ),
    _state(
        "description-moves-creation",
        "minor",
        "Changing the description of a key sets its creation date an hour back.",
        "lifecycle.keeps-other-fields",
        "update-description.reply",
        "lifecycle.sequence",
        does=(doing("update_description", lambda _, after: replace(after, created=after.created - _HOUR)),),
    ),
    _state(
        "disable-empties-description",
        "minor",
        "Disabling a key empties its description.",
        "disable.keeps.name",
        does=(doing("disable", lambda _, after: replace(after, description="")),),
    ),
    _state(
        "overlap-loses-change",
        "critical",
        "Of two changes of a key at once, the one that is carried out first succeeds without an effect.",
        "concurrency.nothing-lost",
        does=(_FirstOfTwoLost,),
    ),
    _state(
        "overlap-enables",
        "critical",
        "If two changes of a key meet, a key that one of them schedules or cancels is enabled, and keeps its date.",
        "concurrency.nothing-lost",
        does=(_StateNotChecked,),
    ),
)

USES = (
    _use(
        "disabled-use-served-on-retry",
        "critical",
        "A use of a disabled key that was refused succeeds when it is repeated at once.",
        "state.disabled",
        does=(_RetryServed,),
    ),
    _use(
        "pending-decrypts-with-context",
        "critical",
        "A pending key decrypts ciphertexts that have an encryption context.",
        "pending.decrypt",
        does=(accepting_asked({"decrypt"}, _with_context),),
    ),
    _use(
        "pending-gives-short-data-keys",
        "critical",
        "A pending key gives data keys of 128 bits.",
        "pending.generate-data-key",
        does=(accepting_asked({"generate_data_key"}, _short_data_key),),
    ),
    _use(
        "pending-again-decrypts",
        "critical",
        "A key that was disabled when it was scheduled for the second time decrypts while it is pending.",
        "pending.decrypt",
        does=(accepting_asked({"decrypt"}, _only_disabled),),
    ),
    _use(
        "decrypt-without-name-unchecked",
        "critical",
        "Decrypting without naming the key does not look at the key's state.",
        "pending.decrypt",
        "state.disabled",
        of=(AWS,),
        does=(accepting_asked({"decrypt"}, _key_unnamed),),
    ),
    _use(
        "source-of-re-encrypt-unchecked",
        "critical",
        "ReEncrypt looks at the state of the new key alone: the old one may be pending or disabled.",
        "pending.re-encrypt-from",
        "disabled.re-encrypt-from",
        of=(AWS,),
        does=(accepting_asked({"re_encrypt"}, _is_source),),
    ),
    _use(
        "re-encrypt-to-alias-unchecked",
        "critical",
        "ReEncrypt does not look at the states of keys if the new one is named by an alias.",
        "pending.every-name",
        "disabled.every-name",
        of=(AWS,),
        does=(accepting_asked({"re_encrypt"}, _is_alias),),
    ),
    _use(
        "disabled-rotation-turned-off",
        "minor",
        "The rotation of a disabled key can be turned off.",
        "disabled.disable-rotation",
        of=(AWS,),
        does=(accepting_asked({"disable_rotation"}, lambda _, key: key.state is DISABLED),),
    ),
)
