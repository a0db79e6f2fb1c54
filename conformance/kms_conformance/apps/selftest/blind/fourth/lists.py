"""The fourth blind set: lists and their pages."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from kms_conformance.apps.selftest.behaviour_mutations import DISABLED, PENDING, listing
from kms_conformance.apps.selftest.blind.fourth.mixins import NAMED, rows_of
from kms_conformance.apps.selftest.blind.memory import Memory
from kms_conformance.apps.selftest.blind.second.mixins import DAY, pending, since_schedule
from kms_conformance.apps.selftest.deviation import ALIBABA, AWS, HUAWEI
from kms_conformance.emulator import Decisions, Key, Rules

_list = rows_of("lists")
_MARKERS = ("marker", "Marker", "PageNumber")


class _StaleMarker(Memory):
    """After a key was deleted, the next page of a list that was begun before is the first one."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._listed = 0

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        found = super().parameters(operation, sent)
        if operation != "list":
            return found
        before, self._listed = self._listed, len(self.known)
        fresh = len(self.known) >= before
        return found if fresh else {name: value for name, value in found.items() if name not in _MARKERS}


class _Phantom(Memory):
    """A key that is created with tags is listed a second time, under an id that no key has."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._phantoms: dict[str, str] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation in {"create", "tag"} and after.tags:
            self._phantoms.setdefault(after.id, str(uuid.uuid4()))
        return super().effects(operation, before, after, keys)

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        for key in super().listed(keys):
            yield key
            if key.id in self._phantoms:
                yield replace(key, id=self._phantoms[key.id])


class _LeavesAfterADay(Memory):
    """Pending keys leave the lists after a day."""

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if not pending(key) or since_schedule(self, key) < DAY]


class _StillPending(Memory):
    """Lists show a key as pending until it is enabled or disabled after its cancellation."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._cancelled: dict[str, datetime] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if operation == "cancel" and before.deletion is not None:
            self._cancelled[after.id] = before.deletion
        elif operation in {"enable", "disable", "schedule"}:
            self._cancelled.pop(after.id, None)
        return super().effects(operation, before, after, keys)

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        date = self._cancelled.get(key.id) if operation == "list" else None
        return found if date is None else replace(found, state=PENDING, deletion=date)


class _OverlappingPages(Decisions):
    """A page begins with the last key of the page before."""

    def parameters(self, operation: str, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        found = dict(super().parameters(operation, sent))
        for name in ("marker", "Marker"):
            text = str(found.get(name, ""))
            if operation == "list" and text.isdigit() and 0 < int(text) < 10**6:
                found[name] = str(int(text) - 1)
        return found


class _LockedRow(Memory):
    """Lists leave out the key that was changed last, as its row is locked."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._last = ""

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        if before != after:
            self._last = after.id
        return super().effects(operation, before, after, keys)

    def listed(self, keys: Iterable[Key]) -> Iterable[Key]:
        return [key for key in super().listed(keys) if key.id != self._last]


def _once_for_each_alias(keys: tuple[Key, ...]) -> Iterable[Key]:
    for key in keys:
        yield from [key] * max(1, len(key.aliases))


LISTS = (
    _list(
        "stale-marker-restarts",
        "major",
        "If a key is deleted while pages of a list are read, the next page is the first one again.",
        "list.complete",
        does=(_StaleMarker,),
    ),
    _list(
        "tags-make-phantoms",
        "major",
        "A key that has tags is listed a second time, under an id that no key has.",
        "list.complete",
        "list.row-agrees",
        "list.reply",
        of=NAMED,
        does=(_Phantom,),
    ),
    _list(
        "listed-once-for-each-alias",
        "major",
        "A key with several aliases is listed as often.",
        "list.complete",
        of=NAMED,
        does=(listing(_once_for_each_alias),),
    ),
    _list(
        "without-alias-unlisted",
        "major",
        "Keys without an alias are not listed.",
        "list.complete",
        "pending.listed",
        of=NAMED,
        does=(listing(lambda keys: [key for key in keys if key.aliases]),),
    ),
    _list(
        "pending-leave-after-a-day",
        "major",
        "Pending keys leave the lists after a day.",
        "pending.listed",
        does=(_LeavesAfterADay,),
    ),
    _list(
        "cancelled-listed-as-pending",
        "major",
        "Lists show a cancelled key as pending until its state changes again.",
        "list.row-agrees",
        "list.complete",
        of=(HUAWEI, ALIBABA),
        does=(_StillPending,),
    ),
    _list(
        "marker-counts-twice",
        "major",
        "Every page after the first one begins with the last key of the page before.",
        "list.complete",
        of=(HUAWEI, AWS),
        does=(_OverlappingPages,),
    ),
    _list(
        "last-changed-unlisted",
        "major",
        "The key that was changed last is not listed.",
        "list.complete",
        "pending.listed",
        does=(_LockedRow,),
    ),
    _list(
        "first-six-alone",
        "major",
        "A list has the first six keys of the account, and says that it is complete.",
        "list.complete",
        "pending.listed",
        does=(listing(lambda keys: keys[:6]),),
    ),
    _list(
        "without-description-unlisted",
        "major",
        "Keys with an empty description are not listed.",
        "list.complete",
        does=(listing(lambda keys: [key for key in keys if key.description or key.default]),),
    ),
    _list(
        "disabled-listed-twice",
        "major",
        "A disabled key is listed twice.",
        "list.complete",
        does=(listing(lambda keys: [one for key in keys for one in [key] * (1 + (key.state is DISABLED))]),),
    ),
)
