"""Keys of others, watched while a check sends requests on keys of the run.

An owner may change a key at the same moment. So a change is held against the target only if the same requests bring
changes again, or if it is one that they would make on the key that they name, and no other key could show it again; and
only if the key stays as it is while the run merely reads. A change that concerns the deletion of a key stays open
otherwise, unless others are seen at work in the account. Any other change is the owner's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import changed_fields, is_grave
from kms_conformance.keys.elapsed import Elapsed
from kms_conformance.keys.reader import shown
from kms_conformance.suite.scenario import Scenario

# For so long the run only reads, at least, before a change is held against the target; and so much longer than the
# requests took.
_CONTROL_SECONDS, _CONTROL_FACTOR = 1.0, 2
# To see whether others work in the account, the run looks so often, after so many seconds each.
_LOOKS, _LOOK_SECONDS = 10, 2.0


@dataclass(frozen=True)
class _Change:
    """A key of others before and after the requests; `expected` and `observed` have the fields that differ, as JSON."""

    was: KeyView
    now: KeyView
    expected: str
    observed: str


@dataclass(frozen=True)
class WatchedKeys:
    """Keys of others as they were at a moment."""

    kms: Scenario
    elapsed: Elapsed
    before: dict[str, KeyView]

    @classmethod
    def of(cls, kms: Scenario, keys: Iterable[str]) -> WatchedKeys:
        """Read the keys."""
        return cls(kms, kms.elapsed(), {key: kms.pool.read_known(key) for key in keys})

    def must_be_untouched(self, again: Callable[[], object]) -> None:
        """Judge that the requests since have changed none of the keys; `again` sends the same requests once more.

        Raises `Inconclusive` for a change of another shard of this run, and for a grave one that may be of the owner.
        """
        kms, changes = self.kms, self.changes()
        if changes and kms.sharded:
            raise Inconclusive(
                f"Keys changed: {', '.join(changes)}; they may belong to another shard, which runs at the same time.",
                "Run without shards on a small account.",
            )
        blamed: dict[str, _Change] = {}
        if changes:
            second, started = WatchedKeys.of(kms, self.before), kms.client.world.clock.monotonic()
            again()
            repeated = second.changes()
            blamed = {**repeated, **changes}
            if not repeated and not any(self._is_like_ours(change, changes) for change in changes.values()):
                blamed = {}
            used = self._changing(kms.client.world.clock.monotonic() - started) if blamed else frozenset()
            blamed = {key: change for key, change in blamed.items() if key not in used}
            self._explain({key: change for key, change in changes.items() if key not in blamed}, at_work=bool(used))
        for key in self.before:
            change = blamed.get(key)
            expected, observed = (change.expected, change.observed) if change else ("", "")
            kms.judge.that("isolation.other-keys", change is None, f"{key} has {expected}", f"it has {observed}")

    def _changing(self, seconds: float) -> frozenset[str]:
        """The keys that change while the run only reads, for longer than the requests took: others work with them."""
        quiet = WatchedKeys.of(self.kms, self.before)
        self.kms.client.world.clock.sleep(max(_CONTROL_SECONDS, _CONTROL_FACTOR * seconds))
        return frozenset(quiet.changes())

    def _explain(self, changes: Mapping[str, _Change], *, at_work: bool) -> None:
        """Note changes that others have made. Raises `Inconclusive` for a grave one if nobody is seen `at_work`."""
        if not changes:
            return
        told = "; ".join(f"{key} had {each.expected}, now {each.observed}" for key, each in changes.items())
        found = f"Keys of others changed, and not because of requests of the check: {told}"
        grave = [key for key, change in changes.items() if is_grave(change.was, change.now)]
        if grave and not at_work and not others_at_work(self.kms, grave):
            hint = "If their owners changed them, run again; otherwise read the exchanges of this check."
            raise Inconclusive(f"{found}.", hint)
        self.kms.client.findings.observe(found)

    def changes(self) -> dict[str, _Change]:
        found = {}
        for key, was in self.before.items():
            expected, observed = changed_fields(self.kms.pool, self.elapsed, key, was)
            if observed:
                found[key] = _Change(was, self.kms.pool.last_read(key), expected, observed)
        return found

    def _is_like_ours(self, change: _Change, changes: Iterable[str]) -> bool:
        """Whether the requests would make this change, and no other key of its kind and state could show it again."""
        was, now = change.was, change.now
        lost = [name for name, value in was.fields.items() if value and not now.fields.get(name)]
        ours = {view.description for key in self.kms.pool.keys if (view := self.kms.pool.first.get(key)) is not None}
        # The documents refuse all that an owner could change on a pending key.
        moved = was.state != now.state or was.state == PENDING or was.deletion_at != now.deletion_at
        if not moved and not lost and now.description not in ours:
            return False
        kind = self._kind(was)
        return not any(self._kind(view) == kind for key, view in self.before.items() if key not in changes)

    def _kind(self, view: KeyView) -> tuple[object, ...]:
        """The state of a key, and those of its fixed fields that are not its own: a cloud manages some keys itself."""
        values = (view.fields.get(name) for name in self.kms.profile.key_fields.fields)
        return (view.state, *(value for value in values if value != view.born and str(view.id) not in str(value)))


def others_at_work(kms: Scenario, keys: Iterable[str]) -> bool:
    """Whether somebody else changes these keys, or the list of keys, while the run only reads, within some seconds."""
    kms.pool.patience.wait_for_late_effects()
    watched = tuple(keys)

    def look() -> tuple[object, ...]:
        # Not all fields: some may move by themselves.
        return sorted(kms.pool.list_keys()), *(shown(kms.pool.read(key)) for key in watched)

    was, clock = look(), kms.client.world.clock
    for _ in range(_LOOKS):
        clock.sleep(_LOOK_SECONDS)
        if look() != was:
            return True
    return False
