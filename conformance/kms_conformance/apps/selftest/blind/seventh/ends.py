"""Faults of the end of the waiting period: timers, sweeps and dates that are reckoned from the wrong thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.blind.rows import rows_of
from kms_conformance.apps.selftest.blind.sixth.mixins import NAMED, Remembering, Storing, is_pending
from kms_conformance.core.runtime import REAL
from kms_conformance.emulator import Key, State

_row = rows_of("ends of the waiting period", prefix="blind7", of_set="blind7")
_SECOND = 1.0
# A timer of 32 bits in milliseconds holds 24.8 days.
_LONGEST_TIMER = 24
_EDITS = frozenset({"update_description", "tag", "untag", "set_alias", "put_policy"})
_USES = frozenset({"encrypt", "decrypt", "generate_data_key", "generate_data_key_without_plaintext", "re_encrypt"})


class CountedFromCreation(Storing):
    """The waiting period is added to the creation date of the key."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation != "schedule" or after.window_days is None:
            return ()
        return (replace(after, deletion=after.created + timedelta(days=after.window_days)),)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        if operation != "schedule" or key.window_days is None:
            return key
        return replace(key, deletion=key.created + timedelta(days=key.window_days))


class TimerOf32Bits(Remembering):
    """A timer that is set too far ahead fires at once."""

    def lives(self, key: Key, now: datetime) -> bool:
        fires = is_pending(key) and (key.window_days or 0) > _LONGEST_TIMER
        return not fires and super().lives(key, now)


class ChildrenKeepTheRow(Remembering):
    """The row of a key cannot be deleted while rows of aliases, tags or grants refer to it."""

    def lives(self, key: Key, now: datetime) -> bool:
        return bool(key.aliases or key.tags or key.grants) or super().lives(key, now)


class EditBeatsTheTimer(Storing):
    """The timer deletes the version of the row that was scheduled, and finds a newer one."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"schedule", "cancel"}:
            self.notes.pop(after.id, None)
        elif operation in _EDITS and is_pending(before):
            self.notes[after.id] = True
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        return key.id in self.notes or super().lives(key, now)


class UseInVainKeeps(Remembering):
    """A refused use counts as use, and keys that are in use are not deleted."""

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation in _USES and key is not None and is_pending(key):
            self.notes[key.id] = True
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        return key.id in self.notes or super().lives(key, now)


class SameSecondCancel(Storing):
    """Of two writes in one second, the earlier one stays."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        now = REAL.monotonic()
        if operation == "schedule":
            self.notes[after.id] = now
        if operation == "cancel" and now - self.notes.get(after.id, now - 2 * _SECOND) < _SECOND:
            return (before,)
        return ()


class LastAliasEndsIt(Storing):
    """A pending key to which nothing refers any more is collected."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "delete_alias" and is_pending(after) and not after.aliases:
            self.notes[after.id] = True
        return ()

    def lives(self, key: Key, now: datetime) -> bool:
        return key.id not in self.notes and super().lives(key, now)


class EndsByDescription(Remembering):
    """The statement that deletes a key selects it by its description."""

    def lives(self, key: Key, now: datetime) -> bool:
        lives = super().lives(key, now)
        if not lives and key.description:
            self.notes.setdefault(key.description, key.id)
        dead = key.description in self.notes and not key.default
        if dead and key.created > self.notes.setdefault(("at", key.description), now):
            return lives
        return lives and not dead


class CreateRecyclesTheDead(Storing):
    """The rows of deleted keys are marked, and the next insert clears the marks."""

    def lives(self, key: Key, now: datetime) -> bool:
        lives = super().lives(key, now)
        if not lives:
            self.notes[key.id] = key
        return lives

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "create":
            self.notes["cleared"] = {name: key for name, key in self.notes.items() if isinstance(key, Key)}
        return ()

    def invented_key(self, key_id: str, now: datetime) -> Key | None:
        dead: Key | None = self.notes.get("cleared", {}).get(key_id)
        return None if dead is None else replace(dead, state=State.ENABLED, deletion=None, window_days=None)


class RefusedCancelHitsTheLast(Storing):
    """A cancellation that finds nothing to cancel falls back to the last deletion in the log."""

    def stored(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "schedule":
            self.notes["last"] = after.id
        return ()

    def effects_of_refusal(
        self, operation: str | None, refusal: str, key: Key | None, keys: Collection[Key]
    ) -> Iterable[Key]:
        if operation != "cancel" or key is None or is_pending(key):
            return ()
        last = next((one for one in keys if one.id == self.notes.get("last") and is_pending(one)), None)
        if last is None:
            return ()
        return (replace(last, state=self.state_after_cancel(last), deletion=None, window_days=None),)


ENDS = (
    _row(
        "counted-from-creation",
        "critical",
        "The waiting period is counted from the creation of the key, not from the request.",
        "schedule.window.start",
        "schedule.window.exact",
        "expiry.not-early",
        does=(CountedFromCreation,),
    ),
    _row(
        "timer-of-32-bits",
        "critical",
        "A key with a waiting period of more than 24 days is deleted at once.",
        "schedule.not-immediate",
        "schedule.window.maximum",
        "schedule.window.default",
        "expiry.not-early",
        does=(TimerOf32Bits,),
    ),
    _row(
        "children-keep-the-row",
        "critical",
        "A key that has aliases, tags or grants is never deleted.",
        "expiry.gone",
        "expiry.aliases",
        of=NAMED,
        does=(ChildrenKeepTheRow,),
    ),
    _row(
        "edit-beats-the-timer",
        "critical",
        "A key whose tags or policy are changed while it is pending is never deleted.",
        "expiry.gone",
        of=NAMED,
        does=(EditBeatsTheTimer,),
    ),
    _row(
        "use-in-vain-keeps",
        "critical",
        "A pending key whose use is refused once is never deleted.",
        "expiry.gone",
        "refused.changes-nothing",
        does=(UseInVainKeeps,),
    ),
    _row(
        "same-second-cancel-is-lost",
        "critical",
        "A cancellation within a second of the scheduling succeeds without an effect.",
        "cancel.effect",
        "cancel.state-after",
        "cancel.state-after.disabled",
        "cancel.reply-agrees",
        does=(SameSecondCancel,),
    ),
    _row(
        "last-alias-ends-it",
        "critical",
        "A pending key is deleted at once when its last alias is deleted.",
        "expiry.not-early",
        "pending.delete-alias",
        of=NAMED,
        does=(LastAliasEndsIt,),
    ),
    _row(
        "ends-by-description",
        "critical",
        "The end of a key also deletes the keys with the same description.",
        "expiry.nothing-else",
        "isolation.other-keys",
        does=(EndsByDescription,),
    ),
    _row(
        "create-recycles-the-dead",
        "critical",
        "After another key is created, a deleted key can be read and used again.",
        "expiry.gone",
        "expiry.not-recoverable",
        "expiry.decrypt",
        does=(CreateRecyclesTheDead,),
    ),
    _row(
        "refused-cancel-hits-the-last",
        "critical",
        "A cancellation is refused for a key that is not pending, and cancels the deletion that was scheduled last.",
        "refused.changes-nothing",
        "cancel.only-named-key",
        "isolation.other-keys",
        does=(RefusedCancelHitsTheLast,),
    ),
)
