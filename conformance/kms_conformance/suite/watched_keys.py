"""Keys of others, watched while a check sends requests on keys of the run.

An owner may change a key at the same moment. So a change is held against the target only if the same requests bring
changes again, or if it is one that they would make on the key that they name, and no other key could show it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.oracle import PENDING
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.bystanders import changed_fields
from kms_conformance.keys.elapsed import Elapsed
from kms_conformance.suite.scenario import Scenario


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

        Raises `Inconclusive` for a change that may be one of the key's owner, or of another shard of this run.
        """
        kms, changes = self.kms, self.changes()
        if changes and kms.sharded:
            raise Inconclusive(
                f"Keys changed: {', '.join(changes)}; they may belong to another shard, which runs at the same time.",
                "Run without shards on a small account.",
            )
        if changes:
            second = WatchedKeys.of(kms, self.before)
            again()
            repeated = second.changes()
            if not repeated and not any(self._is_like_ours(change, changes) for change in changes.values()):
                told = "; ".join(f"{key} had {each.expected}, now {each.observed}" for key, each in changes.items())
                raise Inconclusive(
                    f"Keys of others changed, and not when the same requests were sent once more: {told}.",
                    "If their owners changed them, run again; otherwise read the exchanges of this check.",
                )
            changes = {**repeated, **changes}
        for key in self.before:
            change = changes.get(key)
            expected, observed = (change.expected, change.observed) if change else ("", "")
            kms.judge.that("isolation.other-keys", change is None, f"{key} has {expected}", f"it has {observed}")

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
