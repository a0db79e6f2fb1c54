"""The fifth blind set: windows, deletion dates, and the end of the waiting period."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from kms_conformance.apps.selftest.behaviour_mutations import PENDING, dating, reading_windows
from kms_conformance.apps.selftest.blind.fifth.mixins import rows_of
from kms_conformance.apps.selftest.blind.memory import Memory, changing, refused_but, scheduled, shown_as, vanishing
from kms_conformance.apps.selftest.blind.second.mixins import due
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.apps.selftest.reply_mutations import field, on
from kms_conformance.emulator import Decisions, Key, Rules

_window = rows_of("windows and dates")
_end = rows_of("the end of the waiting period")

_WHOLE = re.compile(r"-?[0-9]{1,9}")
_DIGITS = re.compile(r"\s*\+?([0-9]{1,9})")
_BAD_WINDOWS = frozenset({"window_out_of_range", "window_negative", "window_huge", "window_malformed"})


def _clamped(value: object, rules: Rules) -> int | None:
    text = "" if isinstance(value, bool) else str(value)
    if not _WHOLE.fullmatch(text):
        return None
    return min(max(int(text), rules.window_minimum), rules.window_maximum)


def _or_default(value: object, _: Rules) -> int | None:
    return 30 if not isinstance(value, bool) and str(value) == "0" else None


def _first_digits(value: object, rules: Rules) -> int | None:
    match = _DIGITS.match(value) if isinstance(value, str) else None
    days = int(match[1]) if match else 0
    return days if rules.window_minimum <= days <= rules.window_maximum else None


def _by_default_window(_: Memory, key: Key, _now: datetime) -> Key:
    if key.deletion is None or key.window_days is None:
        return key
    return replace(key, deletion=key.deletion + timedelta(days=30 - key.window_days))


class _SinceCreation(Memory):
    """The waiting period is counted from the creation of the key; a date that has passed is the next day."""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        for key in super().effects(operation, before, after, keys):
            if operation == "schedule" and key.window_days is not None:
                date = key.created + timedelta(days=key.window_days)
                yield replace(key, deletion=max(date, self.now + timedelta(days=1)))
            else:
                yield key


class _SweptByList(Memory):
    """Keys are deleted by ListKeys alone, which leaves out what is due: no other request looks at the date."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._swept: set[str] = set()

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        self.known[key.id] = key
        return there or key.id not in self._swept

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        found = tuple(super().listed(keys))
        self._swept |= {key.id for key in found if due(key, self.now)}
        return [key for key in found if not due(key, self.now)]


class _Hidden(Memory):
    """A key whose date has come is hidden from every request, but its row stays, and one operation finds it."""

    _finding = ""

    def key_visible(self, key: Key, now: datetime) -> bool:
        super().key_visible(key, now)
        return True

    def refusal_for(self, operation: str, key: Key) -> str | None:
        if due(key, self.now):
            hidden = "lost_key" if operation == "decrypt" else "unknown_key"
            return None if operation == self._finding else hidden
        return super().refusal_for(operation, key)

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        return super().alias_taken(alias, [key for key in keys if not due(key, self.now)])

    def quota_left(self, keys: Collection[Key]) -> bool:
        return super().quota_left([key for key in keys if not due(key, self.now)])

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if not due(key, self.now)]

    def found(
        self, operation: str, keys: Mapping[str, Key], earlier: Callable[[float], Mapping[str, Key]]
    ) -> Mapping[str, Key]:
        there = super().found(operation, keys, earlier)
        if operation not in {"resolve_alias", "list_aliases"}:
            return there
        return {name: key for name, key in there.items() if not due(key, self.now)}


class _RevivedByCancel(_Hidden):
    """CancelKeyDeletion looks at the state alone and not at the date, so that it revives a deleted key."""

    _finding = "cancel"


class _RevivedByDecrypt(_Hidden):
    """Decrypt finds the key in a table of material that the clean-up job does not touch."""

    _finding = "decrypt"


class _TimersRun(Memory):
    """Each scheduling starts a timer, and cancelling does not stop it."""

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        return there and not any(date <= now for date in self.dates[key.id])


class _AliasStaysTaken(Decisions):
    """Aliases of deleted keys stay in the index of names that are taken."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._names: dict[str, str] = {}

    def alias_taken(self, alias: str, keys: Collection[Key]) -> bool:
        there = {key.id for key in keys}
        return super().alias_taken(alias, keys) or self._names.get(alias, "") not in {"", *there}

    def key_visible(self, key: Key, now: datetime) -> bool:
        there = super().key_visible(key, now)
        if not there:
            self._names |= dict.fromkeys(key.aliases, key.id)
        return there


WINDOWS = (
    _window(
        "dates-in-local-time",
        "critical",
        "Deletion dates are three and a half hours early: local time is written as if it were UTC.",
        "schedule.window.start",
        "expiry.not-early",
        because="Times without a zone on a server west of Greenwich; seen with an emulator.",
        does=(dating(lambda now, days: now + timedelta(days=days) - timedelta(hours=3, minutes=30)),),
    ),
    _window(
        "dates-without-time",
        "critical",
        "Deletion dates are at midnight before the end of the window: the column holds a day, not a time.",
        "schedule.window.start",
        "expiry.not-early",
        because="A column of type DATE; reported of services with soft deletion.",
        does=(dating(lambda now, days: (now + timedelta(days=days)).replace(hour=0, minute=0, second=0)),),
    ),
    _window(
        "window-since-creation",
        "major",
        "The waiting period of a key is counted from its creation, not from the request.",
        "schedule.window.start",
        "lifecycle.sequence",
        because="The date is a computed field of the key, made from its creation date; kind of a reported bug.",
        does=(_SinceCreation,),
    ),
    _window(
        "windows-clamped",
        "critical",
        "A window out of range counts as the nearest bound, and succeeds.",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        "schedule.window.zero",
        because="Retention days of vaults with soft deletion are clamped; habit of their authors.",
        does=(reading_windows(_clamped),),
    ),
    _window(
        "zero-is-default",
        "major",
        "A window of 0 days counts as none given, and the key waits 30 days.",
        "schedule.window.zero",
        because="`days or 30`, where 0 is false; common in emulators in Python and JavaScript.",
        does=(reading_windows(_or_default),),
    ),
    _window(
        "first-digits-of-window",
        "major",
        "Windows are read up to the first character that is no digit: 7.5 and 7d count as seven days.",
        "schedule.window.fraction",
        "schedule.window.text",
        of=(HUAWEI, ALIBABA),
        because="`parseInt` of JavaScript and `strtol` of C; common bug of servers that get numbers as text.",
        does=(reading_windows(_first_digits),),
    ),
    _window(
        "dates-in-other-unit",
        "major",
        "Deletion dates are in milliseconds where seconds are due, or in seconds where milliseconds are due.",
        "schedule.window.start",
        "schedule.reply.date",
        "describe.reply",
        of=(HUAWEI, AWS),
        because="A serialiser's default for times; reported of an emulator in Java.",
        says=(
            on("schedule", field("DeletionDate", lambda date: date * 1000)),
            on("describe", field("KeyMetadata.DeletionDate", lambda date: date * 1000)),
            on("describe", field("key_info.scheduled_deletion_date", lambda date: date[:-3])),
            on("list", field("key_details.scheduled_deletion_date", lambda date: date[:-3])),
        ),
    ),
    _window(
        "first-date-stays",
        "critical",
        "A key that is scheduled again after a cancellation keeps the date of the first time.",
        "schedule.window.start",
        "lifecycle.sequence",
        because="The job of a key is inserted unless there is one; reported of services with a table of jobs.",
        does=(changing("schedule", lambda memory, _, after: replace(after, deletion=memory.dates[after.id][0])),),
    ),
    _window(
        "date-shown-for-thirty-days",
        "major",
        "The description of a pending key shows the date of a window of 30 days, whatever was asked for.",
        "schedule.window.start",
        "describe.date-agrees",
        because="The date is computed at each read, from a constant; reported of an emulator.",
        does=(shown_as(("describe",), _by_default_window),),
    ),
    _window(
        "bad-window-checked-after-saving",
        "critical",
        "A bad window is refused after the key was scheduled for seven days.",
        "refused.changes-nothing",
        "schedule.window.below-minimum",
        "schedule.window.above-maximum",
        because="The state is set before the date is computed, and the computation raises; common in emulators.",
        does=(refused_but("schedule", lambda _, key: key.state is not PENDING, scheduled, _BAD_WINDOWS),),
    ),
)

ENDS = (
    _end(
        "job-in-local-time",
        "critical",
        "Keys are deleted eight hours before their date: the clean-up job compares it with local time.",
        "expiry.not-early",
        because="Times without a zone on a server east of Greenwich; common.",
        does=(vanishing(lambda _, key, now: not due(key, now + timedelta(hours=8))),),
    ),
    _end(
        "swept-by-list-alone",
        "critical",
        "Keys whose date has come are deleted when keys are listed, and by nothing else.",
        "expiry.gone",
        "expiry.no-cancel",
        because="Deletion is lazy, and one read was forgotten; kind of what emulators without a job do.",
        does=(_SweptByList,),
    ),
    _end(
        "cancel-revives-deleted",
        "critical",
        "A deleted key is unknown to all requests, but cancelling its deletion brings it back.",
        "expiry.no-cancel",
        "expiry.not-recoverable",
        because="Cancelling looks at the state and not at the date; seen with emulators.",
        does=(_RevivedByCancel,),
    ),
    _end(
        "deleted-material-decrypts",
        "critical",
        "A deleted key is unknown to all requests, but what it encrypted is still decrypted.",
        "expiry.decrypt",
        because="Material is kept apart from the rows of keys; reported of services with a separate key store.",
        does=(_RevivedByDecrypt,),
    ),
    _end(
        "cancelled-timer-fires",
        "critical",
        "A key is deleted at the date of a deletion that was cancelled.",
        "cancel.effect",
        "expiry.nothing-else",
        "lifecycle.sequence",
        because="A timer or a queued job for each scheduling, which cancelling does not stop; common.",
        does=(_TimersRun,),
    ),
    _end(
        "alias-of-deleted-stays-taken",
        "major",
        "An alias of a deleted key can be given to no other key.",
        "expiry.aliases",
        of=(AWS,),
        because="The index of aliases is not cleaned when a key ends; reported of services with soft deletion.",
        does=(_AliasStaysTaken,),
    ),
)
