"""Keys of others, watched while a check sends requests on keys of the run.

An owner may change a key at the same moment. So a change is held against the target only on one of these grounds:

- The same requests bring the same change again, each time.
- No other key could show it again, it shows right after the request that makes such a change (`StepByStep`), and nobody
  is seen at work in the account.
- The key shows the description of a key of the run, which no owner writes.

And only if the key stays as it is while the run merely reads. Any other change of a state or of a deletion date stays
open, unless there is evidence that others made it. What owners change every day, such as a description, is theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import DISABLED, ENABLED, PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import difference, is_grave
from kms_conformance.keys.elapsed import Elapsed
from kms_conformance.keys.reader import shown
from kms_conformance.suite.scenario import Scenario

# For so long the run only reads, at least, before each repetition and after the last one; and so much longer than the
# requests took, each time by this factor more, so that nothing that recurs falls in step. Changes that owners make in
# the few moments of the requests each time, and none in all the other time, are rare.
_CONTROL_SECONDS, _CONTROL_FACTOR = 1.0, 2
# So often the requests are sent again. The last time is left out if no key is left that could show the change.
_REPETITIONS = 2
# To see whether others work in the account, the run looks so often, after so many seconds each.
_LOOKS, _LOOK_SECONDS = 10, 2.0
_ID = re.compile(r"[0-9A-Fa-f-]{32,}")
# At most so many keys are read after each step.
_MOST_SINGLE = 4
# The state that an operation brings a key of others to, if it is carried out on the wrong key.
_BRINGS = {"disable": DISABLED, "enable": ENABLED, "schedule": PENDING}


@dataclass(frozen=True)
class WatchedChange:
    """A key of others before and after the requests; `expected` and `observed` have the fields that differ, as JSON."""

    was: KeyView
    now: KeyView
    expected: str
    observed: str

    @property
    def kind(self) -> tuple[object, ...]:
        """What two changes of different keys have in common if one request makes both: the states and the fields."""
        return self.was.state, self.now.state, *self.names

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that differ; `state` is one."""
        return tuple(sorted(json.loads(self.expected)))

    def is_doubtful(self, *, seen: bool) -> bool:
        """Whether the target may have made it; `seen`: another key could have shown it again, and did not."""
        return is_grave(self.was, self.now) or (self.was.state != self.now.state and not seen)


_Changes = Mapping[str, WatchedChange]


@dataclass(frozen=True)
class WatchedKeys:
    """Keys of others as they were at a moment.

    `since`: the monotonic time and the number of requests of the run at this moment.
    """

    kms: Scenario
    elapsed: Elapsed
    before: Mapping[str, KeyView]
    since: tuple[float, int]

    @classmethod
    def of(cls, kms: Scenario, keys: Iterable[str]) -> WatchedKeys:
        """Read the keys."""
        before = {key: kms.pool.read_known(key) for key in keys}
        return cls(kms, kms.elapsed(), before, (kms.client.world.clock.monotonic(), kms.client.requests))

    @property
    def taken(self) -> tuple[float, int]:
        """How many seconds and requests have passed since the keys were read."""
        client = self.kms.client
        return client.world.clock.monotonic() - self.since[0], client.requests - self.since[1]

    def with_ours(self, ours: Mapping[str, KeyView]) -> WatchedKeys:
        """These keys and some of the run, which show too what requests do to keys like these."""
        return replace(self, before={**self.before, **ours})

    def must_be_untouched(self, again: Callable[[], object], steps: StepByStep | None = None) -> None:
        """Judge that the requests since have changed none of the keys; `again` sends the same requests once more.

        `steps`: what was read between these requests.

        Raises `Inconclusive` for a change of another shard of this run, and as `explain` does.
        """
        kms, taken, changes = self.kms, self.taken, self.changes()
        if changes and kms.sharded:
            raise Inconclusive(
                f"Keys changed: {', '.join(changes)}; they may belong to another shard, which runs at the same time.",
                "Run without shards on a small account.",
            )
        if steps is not None:
            steps.end(changes, "schedule", "cancel")
        repeated, moving = self._repeated(changes, again, taken) if changes else ({}, frozenset[str]())
        once = {} if steps is None else {key: each for key, each in steps.found.items() if key not in moving}
        if once and _others_at_work(kms, once):
            once = {}
        blamed = {key: each for key, each in changes.items() if self._is_ours(each)} | once | repeated
        for key in self.before:
            change = blamed.get(key)
            expected, observed = (change.expected, change.observed) if change else ("", "")
            kms.judge.that("isolation.other-keys", change is None, f"{key} has {expected}", f"it has {observed}")
        self.explain({key: change for key, change in changes.items() if key not in blamed}, moving)

    def changes(self) -> dict[str, WatchedChange]:
        """The keys that read otherwise now, and again a moment later, for a reason that is not known.

        That a key reads as before again is no lag of the target: its owner may change it back. Keys of the run, which
        nobody else changes, are judged elsewhere.
        """
        differ = self.differing(key for key in self.before if key not in self.kms.pool.keys)
        if differ:
            self.kms.client.world.clock.sleep(_CONTROL_SECONDS)
        return self.differing(differ)

    def differing(self, keys: Iterable[str]) -> dict[str, WatchedChange]:
        """Read some of the keys; those that read otherwise now, for a reason that is not known."""
        read = ((key, self.change_of(key, self.before[key], self.kms.pool.read(key))) for key in keys)
        return {key: change for key, change in read if change is not None}

    def change_of(self, key: str, was: KeyView, now: KeyView) -> WatchedChange | None:
        """What differs between two reads of a key of others; None if nothing does that a request could have changed."""
        expected, observed = difference(self.kms.pool, self.elapsed, (key, was, now))
        return WatchedChange(was, now, expected, observed) if observed else None

    def explain(self, changes: _Changes, moving: frozenset[str] = frozenset()) -> None:
        """Note changes that others have made; the keys `moving` were seen to change while the run only read.

        Raises `Inconclusive` for a change of a state or a deletion date without evidence that others made it. Evidence
        is that the key moves while the run only reads. If the requests were sent again beside another key that could
        have shown the change, that is evidence too: alone for a change that owners make every day, and together with
        others at work in the account for one that concerns the deletion.
        """
        if not changes:
            return
        told = "; ".join(f"{key} had {each.expected}, now {each.observed}" for key, each in changes.items())
        found = f"Keys of others changed, and not because of requests of the check: {told}"
        seen = {key for key, each in changes.items() if self._witnesses(each, changes)}
        doubtful = {key for key, each in changes.items() if key not in moving and each.is_doubtful(seen=key in seen)}
        if doubtful:
            working = _others_at_work(self.kms, doubtful)
            doubtful -= working | (seen if moving or working else set())
        if doubtful:
            hint = "If their owners changed them, run again; otherwise read the exchanges of this check."
            raise Inconclusive(f"{found}.", hint)
        self.kms.client.findings.observe(found)

    def _repeated(
        self, changes: _Changes, again: Callable[[], object], taken: tuple[float, int]
    ) -> tuple[dict[str, WatchedChange], frozenset[str]]:
        """The changes of a kind that each repetition of the requests made too, and the keys that move without them.

        `taken`: how many seconds and requests the first time took.
        """
        found, kinds = dict(changes), {change.kind for change in changes.values()}
        moving = self._moving(taken, _CONTROL_FACTOR)
        for number in range(_REPETITIONS):
            if number and not any(self._may_return(change, found) for change in found.values()):
                break
            watched = WatchedKeys.of(self.kms, self.before)
            again()
            taken = max(taken, watched.taken)
            seen = {key: change for key, change in watched.changes().items() if change.kind in kinds}
            found = {**seen, **found}
            moving |= self._moving(taken, _CONTROL_FACTOR * (number + 2))
            kinds &= {change.kind for key, change in seen.items() if key not in moving}
            if not kinds:
                break
        return {key: each for key, each in found.items() if each.kind in kinds and key not in moving}, moving

    def _moving(self, taken: tuple[float, int], factor: int) -> frozenset[str]:
        """The keys that change while the run only reads, so many times as long as the requests took, and as often.

        Others work with these keys.
        """
        seconds, requests = taken
        quiet, until = WatchedKeys.of(self.kms, self.before), self.kms.client.requests + factor * requests
        self.kms.client.world.clock.sleep(max(_CONTROL_SECONDS, factor * seconds))
        moved: dict[str, WatchedChange] = {}
        while True:
            moved |= quiet.differing(key for key in quiet.before if key not in moved)
            if self.kms.client.requests >= until or len(moved) == len(quiet.before):
                return frozenset(moved)

    def _is_ours(self, change: WatchedChange) -> bool:
        """Whether the key has got the description of a key of the run."""
        ours = {view.description for view in self.kms.pool.first.values() if view.description}
        return change.now.description in ours and change.was.description not in ours

    def only_ones(self) -> Iterable[tuple[str, KeyView]]:
        """The keys that no other one of them is like: a change of such a key cannot come again.

        Keys of other kinds than those of the run, such as those that a cloud manages itself, are left out.
        """
        kinds = {str(self._kind(view)[1:]) for view in self.kms.pool.first.values()}
        alike = ((key, view) for key, view in self.before.items() if str(self._kind(view)[1:]) in kinds)
        return ((key, view) for key, view in alike if not self._is_witnessed(view, [key]))

    def _may_return(self, change: WatchedChange, changes: Iterable[str]) -> bool:
        """Whether the same requests could make the change once more: on the same key, or on another one."""
        return change.was.state == change.now.state or self._witnesses(change, changes)

    def _witnesses(self, change: WatchedChange, changes: Iterable[str]) -> bool:
        """Whether a key that did not change is as the changed one was, so that it could have shown the change too."""
        return self._is_witnessed(change.was, changes)

    def _is_witnessed(self, was: KeyView, but: Iterable[str]) -> bool:
        kind, left_out = self._kind(was), set(but)
        return any(self._kind(view) == kind for key, view in self.before.items() if key not in left_out)

    def _kind(self, view: KeyView) -> tuple[object, ...]:
        """The state of a key, and those of its fixed fields that are not its own: a cloud manages some keys itself."""
        values = (view.fields.get(name) for name in self.kms.profile.key_fields.fields)
        return (view.state, *(value for value in values if not _is_own(view, str(value))))


def _is_own(view: KeyView, value: str) -> bool:
    """Whether no other key has this value of a field: a date, a name, the id of a version."""
    return value == view.born or str(view.id) in value or _ID.fullmatch(value) is not None


@dataclass
class StepByStep:
    """Keys of others that are the only ones of their kind, read after every few requests.

    `found`: the changes that showed right after a request that makes such a change. An owner would have to make the
    same one in the same moment.
    """

    watched: WatchedKeys
    found: dict[str, WatchedChange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = dict(islice(self.watched.only_ones(), _MOST_SINGLE))

    def look(self, *operations: str) -> None:
        """Read the keys after requests for these operations."""
        self.watched.kms.pool.patience.wait_for_late_effects()
        for key in self._last:
            self._note(key, self.watched.kms.pool.read(key), operations)

    def end(self, changes: _Changes, *operations: str) -> None:
        """Note what was read after the last requests, which were for these operations."""
        for key in self._last.keys() & changes.keys():
            self._note(key, changes[key].now, operations)

    def _note(self, key: str, now: KeyView, operations: Iterable[str]) -> None:
        was, self._last[key] = self._last[key], now
        change = self.watched.change_of(key, was, now)
        like = any(_is_like(operation, was, now) for operation in operations) or self.watched.elapsed.died(was, now)
        if change is not None and like:
            self.found.setdefault(key, change)


def _is_like(operation: str, was: KeyView, now: KeyView) -> bool:
    """Whether an operation, carried out on the wrong key, could have made this change of that key."""
    if was.state != now.state:
        return now.state == _BRINGS.get(operation) or (operation == "cancel" and was.state == PENDING)
    # The documents refuse all that an owner could change on a pending key.
    return was.state == PENDING or any(value and not now.fields.get(name) for name, value in was.fields.items())


def _others_at_work(kms: Scenario, keys: Iterable[str]) -> frozenset[str]:
    """Those of the keys, and of the ids in the list of keys, that change while the run only reads, for some seconds."""
    kms.pool.patience.wait_for_late_effects()
    watched = tuple(keys)

    def look() -> dict[str, object]:
        # Not all fields: some may move by themselves.
        return {**dict.fromkeys(kms.pool.list_keys(), "listed"), **{key: shown(kms.pool.read(key)) for key in watched}}

    was, clock = look(), kms.client.world.clock
    for _ in range(_LOOKS):
        clock.sleep(_LOOK_SECONDS)
        now = look()
        moved = frozenset(key for key in {**was, **now} if was.get(key) != now.get(key))
        if moved:
            return moved
    return frozenset()
