"""Compares the keys of others before and after a run, to attest that the run changed none of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger_lines import MARKER_PREFIX
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.core.text import shortened
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.elapsed import Cause, Elapsed, all_fields
from kms_conformance.keys.inventory import Inventory
from kms_conformance.keys.reader import DATE_PAUSE_SECONDS, Reader


@dataclass(frozen=True)
class Change:
    """A key of others that reads differently after the run; `before` and `after` hold the differing fields as JSON."""

    key: str
    before: str
    after: str


@dataclass(frozen=True)
class EndedKey:
    """A key of others that was pending before the run and is gone, because its deletion date has passed.

    - date: the deletion date, ISO 8601, UTC.
    - cause: `clock` if this run moved the clock past the date; `date` if it would have passed anyway.
    """

    key: str
    date: str
    cause: Cause


@dataclass(frozen=True)
class Isolation:
    """The comparison of the keys of others before and after a run.

    - `listed`, `listed_after`: the number of keys of others that the target listed before and after the run.
    - `bound`: the largest number of keys that are read.
    - `described`: the number of keys that were read before the run.
    - `digest_before`, `digest_after`: digests over the fields of all keys that were read twice, sorted by id, without
      ended keys and without fields that count down to a deletion date.
    - `appeared`, `vanished`: the ids that were listed only after or only before the run, without ended keys.
    - `changed`: the keys that read differently after the run, for a reason that is not known.
    - `complete`: true if every key that was read before the run was read again after it.
    - `ended`: the keys whose waiting period ended during the run.
    - `denied`: the number of keys that these credentials may not describe; only the list shows that they are there.
    - `clock_days`: by how many days this run moved the target's clock.
    """

    listed: int
    listed_after: int
    bound: int
    described: int
    digest_before: str
    digest_after: str
    appeared: tuple[str, ...]
    vanished: tuple[str, ...]
    changed: tuple[Change, ...]
    complete: bool
    ended: tuple[EndedKey, ...] = ()
    denied: int = 0
    clock_days: float = 0.0

    def cleaned(self, clean: Callable[[str], str]) -> Isolation:
        """A copy without secrets, which a target may have written into a key's fields."""
        changed = (
            Change(shortened(clean(c.key)), shortened(clean(c.before)), shortened(clean(c.after))) for c in self.changed
        )
        ended = (replace(each, key=shortened(clean(each.key))) for each in self.ended)
        appeared, vanished = (tuple(shortened(clean(key)) for key in keys) for keys in (self.appeared, self.vanished))
        return replace(self, changed=tuple(changed), ended=tuple(ended), appeared=appeared, vanished=vanished)

    def to_json(self) -> dict[str, Any]:
        """The JSON form that `specs/schemas/verdict.schema.json` describes."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]  # lists for tuples

    @classmethod
    def of(
        cls,
        before: Mapping[str, KeyView],
        after: Mapping[str, KeyView],
        listed: tuple[Sequence[str], Sequence[str]],
        bound: int,
        elapsed: Elapsed,
        *,
        denied: int = 0,
        moved: timedelta = timedelta(),
    ) -> Isolation:
        """Compare the keys as read before and after the run; `listed` holds the ids of others at both times.

        `denied` and `moved` are for the fields `denied` and `clock_days`.
        """
        read = sorted(key for key in before if key in after)
        causes = {key: elapsed.ended(before[key], after[key]) for key in read}
        differ = {key: elapsed.unexplained(before[key], after[key]) for key in read if causes[key] is None}
        ended = tuple(_ended(key, before[key], cause) for key, cause in causes.items() if cause is not None)
        passed = {each.key for each in ended}
        return cls(
            listed=len(listed[0]),
            listed_after=len(listed[1]),
            bound=bound,
            described=len(before),
            digest_before=_digest(before, before, after, differ),
            digest_after=_digest(after, before, after, differ),
            appeared=tuple(sorted(set(listed[1]) - set(listed[0]))),
            vanished=tuple(sorted(set(listed[0]) - set(listed[1]) - passed)),
            changed=tuple(_change(before[key], after[key], names) for key, names in differ.items() if names),
            complete=len(read) == len(before),
            ended=ended,
            denied=denied,
            clock_days=round(moved / timedelta(days=1), 1),
        )


def difference(reader: Reader, elapsed: Elapsed, read: tuple[str, KeyView, KeyView]) -> tuple[str, str]:
    """The fields that differ between two reads of a key of others, before and after, as JSON; `read`: id and reads.

    Both texts are empty if nothing differs that a request could have changed.
    """
    key, was, now = read
    find_moving_fields(reader, elapsed, {key: was}, {key: now})
    if elapsed.explains(was, now):
        return "", ""
    change = _change(was, now, elapsed.unexplained(was, now))
    return change.before, change.after


def find_moving_fields(
    reader: Reader, elapsed: Elapsed, before: Mapping[str, KeyView], after: Mapping[str, KeyView]
) -> None:
    """Note in `Reader.moving_fields` which of the fields that differ also differ between two reads after the run.

    Only fields of no page are looked at. Without a difference in them, nothing is sent.
    """
    known = reader.client.profile.key_fields.known | {"state"}
    differ = {key: {*elapsed.unexplained(before[key], now)} - known for key, now in after.items() if now.state != GONE}
    found = [key for key, names in differ.items() if names]
    if not found:
        return
    reader.client.world.clock.sleep(DATE_PAUSE_SECONDS)
    for key, again in read_each(reader, found).items():
        was, now, later = map(all_fields, (before[key], after[key], again))
        reader.moving_fields |= {name for name in differ[key] if now.get(name) != later.get(name)}
        if (now.keys() ^ later.keys()) - known:
            # Such fields come and go with each read.
            reader.moving_fields |= {name for name in differ[key] if name not in was or name not in now}


def is_grave(was: KeyView, now: KeyView) -> bool:
    """Whether a change of a key of others concerns its deletion, or bears the prefix of the markers of this suite.

    Any other change is one that owners make every day, and that no check has seen a request of a run make.
    """
    deletion = {was.state, now.state} & {PENDING, GONE} and was.state != now.state
    named = MARKER_PREFIX in _text(all_fields(now)) and MARKER_PREFIX not in _text(all_fields(was))
    return bool(deletion) or was.deletion_at != now.deletion_at or named


def read_each(reader: Reader, keys: Iterable[str]) -> dict[str, KeyView]:
    """Read keys of others; a key that cannot be read is left out (`Reader.denied` tells which are denied).

    A key that was denied before is not asked for again.
    """
    found: dict[str, KeyView] = {}
    for key in keys:
        if key not in reader.denied:
            with suppress(Inconclusive):
                found[key] = reader.read(key)
    return found


def dead_keys(reader: Reader, before: Mapping[str, KeyView], elapsed: Elapsed) -> tuple[str, ...]:
    """The keys of others that are gone although their deletion date has not come; read until that stands."""
    found = []
    for key, was in before.items():
        with suppress(Inconclusive):
            if elapsed.died(was, reader.read_until(key, partial(_lives, elapsed, was))):
                found.append(key)
    return tuple(found)


def _lives(elapsed: Elapsed, was: KeyView, now: KeyView) -> bool:
    return not elapsed.died(was, now)


def denied_and_unlisted(inventory: Inventory) -> tuple[str, ...]:
    """The keys that were there before the run, may not be described, and are listed no more.

    Sends nothing if no key may not be described.
    """
    denied = inventory.denied & inventory.preexisting
    return tuple(sorted(denied.difference(inventory.list_keys()))) if denied else ()


def _ended(key: str, was: KeyView, cause: Cause) -> EndedKey:
    assert was.deletion_at is not None
    return EndedKey(key, was.deletion_at.isoformat(), cause)


def _change(before: KeyView, after: KeyView, differ: Iterable[str]) -> Change:
    was, now = all_fields(before), all_fields(after)
    if after.state == GONE:
        return Change(str(before.id), _text({"state": before.state}), _text({"state": GONE}))
    return Change(
        str(before.id),
        _text({name: was.get(name) for name in differ}),
        _text({name: now.get(name) for name in differ}),
    )


def _digest(
    views: Mapping[str, KeyView],
    before: Mapping[str, KeyView],
    after: Mapping[str, KeyView],
    differ: Mapping[str, Sequence[str]],
) -> str:
    """The digest over the fields in `views`; fields that differ and are not in `differ` only count down: left out."""
    kept: dict[str, dict[str, Any]] = {}
    for key, names in differ.items():
        was, now = all_fields(before[key]), all_fields(after[key])
        fields = all_fields(views[key])
        kept[key] = {name: fields[name] for name in fields if was.get(name) == now.get(name) or name in names}
    return f"sha256:{hashlib.sha256(_text(kept).encode()).hexdigest()}"


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
