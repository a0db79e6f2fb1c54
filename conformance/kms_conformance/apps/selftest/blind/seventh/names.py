"""Faults of names, lists, texts and access: what a request names, what lists show, and who is admitted."""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.blind.sixth.access import claim_of, expected_of
from kms_conformance.apps.selftest.blind.sixth.mixins import (
    ReadingOtherwise,
    Remembering,
    Storing,
    is_pending,
)
from kms_conformance.apps.selftest.deviation import AWS, BOTH, HUAWEI
from kms_conformance.emulator import Decisions, Inbound, Key, State
from kms_conformance.emulator.aws import authenticate as aws
from kms_conformance.emulator.huawei import credentials as huawei_credentials

_row = rows_of("names, lists and access", prefix="blind7", of_set="blind7")
_KEY_NAMES = ("key_id", "KeyId", "TargetKeyId")
_HEX = re.compile("[0-9a-f]{32}")
_ID_LENGTH = 36
# A short form of the hash is compared, as in a column that was made for another one.
_COMPARED = 16
_DIGITS = re.compile(r"\d+(_\d+)*")


class WildcardIds(ReadingOtherwise):
    """The id is a pattern in the query of the database, in which an underscore fits every character."""

    def changed_by_time(self, keys: Collection[Key]) -> Iterable[Key]:
        self.notes["ids"] = tuple(key.id for key in keys)
        return super().changed_by_time(keys)

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        self.notes["ids"] = tuple(key.id for key in keys)
        return super().effects(operation, before, after, keys)

    def read(self, operation: str, values: dict[str, Any]) -> None:
        for name in _KEY_NAMES:
            text = values.get(name)
            if isinstance(text, str) and "_" in text and len(text) == _ID_LENGTH:
                pattern = re.compile(".".join(re.escape(part) for part in text.split("_")))
                values[name] = next((one for one in self.notes.get("ids", ()) if pattern.fullmatch(one)), text)


class IdsByUuidParser(ReadingOtherwise):
    """A parser of UUIDs reads the id, with or without hyphens, in braces, or as a URN."""

    def read(self, operation: str, values: dict[str, Any]) -> None:
        for name in _KEY_NAMES:
            text = values.get(name)
            if not isinstance(text, str):
                continue
            digits = text.removeprefix("urn:uuid:").removeprefix("{").removesuffix("}").replace("-", "")
            if _HEX.fullmatch(digits):
                values[name] = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class CancelledIsListedTwice(Storing):
    """The index of keys gets a new entry for a key whose deletion was cancelled, and keeps the old one."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel":
            self.notes[after.id] = True
        return ()

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return tuple(one for key in super().listed(keys) for one in (key,) * (2 if key.id in self.notes else 1))


class PendingFromDisabledIsUnlisted(Storing):
    """Lists select enabled keys, disabled keys and keys that went from enabled to pending."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes[after.id] = before.state
        return ()

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return tuple(
            key for key in super().listed(keys) if not (is_pending(key) and self.notes.get(key.id) is State.DISABLED)
        )


class DateDrifts(Decisions):
    """Reads compute the date from the present time and the window."""

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        key = super().shown(operation, key, now)
        if operation not in {"describe", "list"} or not is_pending(key) or key.window_days is None:
            return key
        return replace(key, deletion=now + timedelta(days=key.window_days))


class TextsAreEscaped(Storing):
    """Descriptions are stored as HTML, and returned as they are stored."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation not in {"create", "update_description"}:
            return ()
        return (replace(after, description=html.escape(after.description)),)


class DeadAliasesStayTaken(Remembering):
    """The aliases of deleted keys stay in the index of aliases, which finds no key for them."""

    def lives(self, key: Key, now: datetime) -> bool:
        lives = super().lives(key, now)
        if not lives:
            self.notes.update(dict.fromkeys(key.aliases, True))
        return lives

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return alias in self.notes or super().alias_taken(alias, keys)


class OtherDigits(Decisions):
    """The number is read by a function that knows the digits of all scripts, and underscores between digits."""

    def window_problem(self, value: object) -> str | None:
        return super().window_problem(self._read(value))

    def window_days(self, value: object) -> int:
        return super().window_days(self._read(value))

    @staticmethod
    def _read(value: object) -> object:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value) or len(value) > _COMPARED:
            return value
        return value if value.isascii() and value.isdigit() else str(int(value))


class ComparedInPart(Decisions):
    """Tokens and signatures are looked up in a column that holds their first characters."""

    def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
        token = inbound.header("x-auth-token") or ""
        half = len(huawei_credentials.TOKEN) // 2
        if found == "bad_token" and token[:half] == huawei_credentials.TOKEN[:half]:
            found = None
        return super().token_problem(found, inbound)

    def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
        if found == "wrong_signature" and self._begins_rightly(inbound):
            found = None
        return super().signature_problem(found, inbound)

    @staticmethod
    def _begins_rightly(inbound: Inbound) -> bool:
        claim = claim_of(inbound)
        if claim is None:
            return False
        expected = expected_of(claim, inbound, aws.canonical_request(inbound, claim.signed))
        return claim.signature != expected and claim.signature[:_COMPARED] == expected[:_COMPARED]


NAMES = (
    _row(
        "wildcard-ids",
        "critical",
        "An underscore in a key id fits every character, so that the request harms a key that it does not name.",
        "key-id.exact",
        "malformed-key.schedule",
        "malformed-key.cancel",
        "unknown-key.schedule",
        "unknown-key.cancel",
        does=(WildcardIds,),
    ),
    _row(
        "ids-by-uuid-parser",
        "major",
        "A key id without hyphens, in braces or after urn:uuid: names the key.",
        "key-id.exact",
        "malformed-key.schedule",
        "malformed-key.cancel",
        "malformed-key.describe",
        does=(IdsByUuidParser,),
    ),
    _row(
        "cancelled-is-listed-twice",
        "minor",
        "Lists contain a key twice after its deletion was cancelled.",
        "list.complete",
        "list.reply",
        does=(CancelledIsListedTwice,),
    ),
    _row(
        "pending-from-disabled-is-unlisted",
        "major",
        "Lists do not contain a pending key that was disabled before.",
        "pending.listed",
        "list.complete",
        does=(PendingFromDisabledIsUnlisted,),
    ),
    _row(
        "date-drifts",
        "major",
        "Each read of a pending key shows a date that is the whole window away from the read.",
        "describe.date-agrees",
        "schedule.window.exact",
        "pending.describe",
        "list.row-agrees",
        does=(DateDrifts,),
    ),
    _row(
        "texts-are-escaped",
        "minor",
        "Descriptions come back with character references in the place of markup and quotes.",
        "update-description.reply",
        "create.reply",
        "describe.fields",
        does=(TextsAreEscaped,),
    ),
    _row(
        "dead-aliases-stay-taken",
        "major",
        "The alias of a deleted key can never be given to another key.",
        "expiry.aliases",
        "set-alias.reply",
        of=(AWS,),
        does=(DeadAliasesStayTaken,),
    ),
    _row(
        "digits-of-all-scripts",
        "major",
        "Windows in the digits of other scripts, or with underscores between digits, are accepted.",
        "schedule.window.notation",
        "schedule.window.text",
        of=BOTH,
        does=(OtherDigits,),
    ),
    _row(
        "compared-in-part",
        "critical",
        "A token or a signature is accepted if its beginning is right.",
        "auth.altered-token",
        "auth.tampered",
        "auth.wrong-secret",
        of=(HUAWEI, AWS),
        does=(ComparedInPart,),
    ),
)
