"""What is ours on a target: keys are announced before they are created, proved to be ours, taken back, and let go.

A key is ours if its creation was announced in the ledger and the key carries the marker of that announcement, or was
seen to carry it and still has the date of creation that it had then: descriptions are changed by checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import MARKER_PREFIX, PLAIN, Ledger, Record
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import mark_of
from kms_conformance.core.text import MOST, shortened
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import Reader

_POLL_SECONDS = 0.2
# A proxy has given up on the service, which may have carried the request out.
_TIMED_OUT = 408


@dataclass(frozen=True)
class Recovered:
    """Keys of ours that are still to be let go, and keys that look like ours and are not in this ledger."""

    undone: tuple[str, ...]
    strangers: tuple[str, ...]


class Estate(Reader):
    """Keeps the ledger and the target in step."""

    def __init__(self, client: Client, ledger: Ledger, most: int, share: int | None = None) -> None:
        """`most` bounds how many keys this run uses; the target's limit, how many of ours there are at all.

        `share` is a shard's part of that limit, for what its own runs have left as well.
        """
        super().__init__(client)
        self.ledger = ledger
        self.share = client.target.limits.max_keys if share is None else share
        self.most = min(most, self.share)
        self.created = 0
        self.ever: set[str] = set()
        self.new: set[str] = set()
        # What the target listed before we created anything.
        self.strangers: frozenset[str] = frozenset()
        # How those read then: their descriptions are not ours to change.
        self.at_entry: dict[str, KeyView] = {}
        self._markers: dict[str, str] = {}
        self._used = 0
        self._intended = 0
        # Creates of this run that were refused, by marker: nobody has looked yet whether they made a key all the same.
        self._refused: dict[str, Answer] = {}
        self._looked = 0
        self._in_stock = False

    @property
    def room(self) -> int:
        """How many more keys may be created: by this run's share, and by what there is of ours on the target."""
        there = [record for record in self.ledger.here if record.there]
        of_share = sum(mark_of(record.run) == self.ledger.mark for record in there)
        limit = self.client.target.limits.max_keys
        return max(0, min(self.most - self._used, limit - len(there), self.share - of_share))

    def take_stock(self) -> None:
        """Learn, once a run, which keys of earlier runs are gone by now: they count no longer."""
        if self._in_stock:
            return
        self._in_stock = True
        for record in self.ledger.here:
            waits = record.event == "scheduled" and self.ledger.is_certain(record)
            if waits and record.key is not None and self.read(record.key).state == GONE:
                self.ledger.write("gone", record.marker, record.key)
        self.settle_doubts()

    def settle_doubts(self) -> None:
        """Learn what became of creates of dead runs of which no reply, or a refusal, is known. Raises `Inconclusive`.

        One list for all of them; what is found is held by this run.
        """
        records = [record for record in self.ledger.doubtful() if record.run != self.ledger.run]
        if records:
            found = self._look_for(tuple(record.marker for record in records))
            missing = (record for record in records if record.marker not in found)
            self.ledger.close_all(record.marker for record in missing if self.ledger.is_certain(record))

    def marker(self, key: str) -> str:
        """The description by which a key of ours is known."""
        return self._markers[key]

    # --- creating -----------------------------------------------------------------------------------------------------

    def attempt(self, send: Callable[[str], Answer], kind: str = PLAIN) -> tuple[Answer, str | None]:
        """Announce a key, let `send` ask for it with the marker that it must carry, and see what became of that.

        Returns the answer, and the id of the key, or None where there is none. A lost reply is resolved by looking for
        the marker: then, as in all other cases in which no key of ours can be told, `Inconclusive` is raised.
        """
        marker = f"{MARKER_PREFIX}{self.ledger.run}-{self._intended}"
        self._intended += 1
        self.ledger.write("intent", marker, kind=kind)
        self.created += 1
        self._used += 1
        try:
            answer = send(marker)
        except Inconclusive:
            self.look_for(marker)
            raise
        key = self.client.dialect.created_id(answer.value)
        if key is not None:
            return answer, self._claimed(marker, key)
        if 400 <= answer.status < 500 and answer.status != _TIMED_OUT:
            self.created -= 1
            self._used -= 1
            self.ledger.write("refused", marker)
            self._refused[marker] = answer
            return answer, None
        found = self.look_for(marker)
        return answer, found[0] if found else None

    def look_for(self, marker: str) -> tuple[str, ...]:
        """The keys that carry a marker of ours, now in the ledger: a request that was sent again may have made two."""
        return self._look_for((marker,)).get(marker, ())

    @property
    def unlooked(self) -> int:
        """How many creates of this run were refused since somebody last looked whether they made a key."""
        return len(self._refused) - self._looked

    def made_though_refused(self, *, last: bool = False) -> tuple[tuple[str, Answer], ...]:
        """The keys that refused creates of this run have made all the same, each with the refusal: ours to let go.

        One list for all of them, none where nothing was refused. After the `last` look, what was not found is not
        there; before it, a key may not show yet. Raises `Inconclusive`.
        """
        if not self._refused:
            return ()
        found = self._look_for(tuple(self._refused))
        made = tuple((keys[0], self._refused.pop(marker)) for marker, keys in found.items())
        self.created += len(made)
        self._used += len(made)
        self._looked = len(self._refused)
        if last:
            self._close_refused()
        return made

    def _close_refused(self) -> None:
        self.ledger.close_all(self._refused)
        self._refused.clear()
        self._looked = 0

    def _look_for(self, markers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """The keys that carry these markers, by marker, now in the ledger; one list for all of them."""
        found: dict[str, list[str]] = {}
        # What was there before this run cannot carry a marker that it has made up since.
        passed_over = self.ever | (self.strangers if all(self.ledger.run in marker for marker in markers) else set())
        for key in self.census():
            if key in passed_over:
                continue
            view = self.at_entry.get(key) or self.read(key)
            marker = next((marker for marker in markers if _carries(view, marker)), None)
            if marker is not None:
                keys = found.setdefault(marker, [])
                # Each in a line of its own: one marker has room for one key.
                self._adopt(marker if not keys else f"{marker}/{len(keys)}", key, view)
                keys.append(key)
        return {marker: tuple(keys) for marker, keys in found.items()}

    def _claimed(self, marker: str, key: str) -> str:
        """Raises `Inconclusive` for a key that was there before us or lacks the marker: it is never touched."""
        if len(key) > MOST:
            raise Inconclusive(f"The reply to a create names a key by {len(key)} characters: {shortened(key)}.")
        if key in self.strangers or key in self.ever:
            raise Inconclusive(f"The reply to a create names a key that was there before: {key}.")
        view = self.settled(key, lambda view: view.state != GONE)
        if view.state == GONE or view.description != marker:
            raise Inconclusive(
                f"The key {key} that a create named does not carry our description, so it is left alone."
            )
        self._adopt(marker, key, view)
        self.new.add(key)
        return key

    def _adopt(self, marker: str, key: str, view: KeyView) -> None:
        self.learn_account(view)
        self.ledger.write("created", marker, key, **({"born": view.born} if view.born else {}))
        self._hold(marker, key)

    def _hold(self, marker: str, key: str) -> None:
        self.ever.add(key)
        self._markers[key] = marker.partition("/")[0]

    def bring_over(self) -> None:
        """Take into the ledger what those of earlier credentials know of keys that are listed here and proved ours."""
        for other in self.ledger.others:
            known = self.ledger.records().keys()
            found = [record for record in other.records().values() if record.marker not in known]
            proved = [record.marker for record in found if other.is_free(record) and self._is_here(record)]
            self.ledger.bring_over(other, proved)

    def _is_here(self, record: Record) -> bool:
        if record.key is None:
            return record.doubtful and any(_carries(view, record.marker) for view in self.at_entry.values())
        if not record.there or record.key not in self.strangers:
            return False
        return self._proved_by(record, self.at_entry.get(record.key) or self.read(record.key))

    def learn_account(self, view: KeyView) -> None:
        """An account that had no keys tells whose it is by the first one."""
        account = self.client.dialect.account_of(view.arn)
        if account is not None:
            self.ledger.belongs_to(account, self.client.recorder.redactor.text(account))

    # --- taking back --------------------------------------------------------------------------------------------------

    def take_back(self, kind: str) -> tuple[str, KeyView] | None:
        """A key of this kind that an earlier run left, held by this run from now on; None if there is none."""
        if self._used >= self.most:
            return None
        self.take_stock()
        for record in self.ledger.reusable(kind):
            view = self._proved(record)
            if view is not None and self.ledger.take(record):
                assert record.key is not None
                self._hold(record.marker, record.key)
                self._used += 1
                return record.key, view
        return None

    def borrow(self, key: str) -> None:
        """Name a planted key in requests that must be refused; it stays what it is."""
        self.ledger.borrow(key)

    def take_over(self, key: str) -> bool:
        """Make a planted key one like any other, to be let go at the end; False if another run is at work on it."""
        record = self.ledger.records()[self.ledger.marker_of(key)]
        if not self.ledger.take(record):
            return False
        self._hold(record.marker, key)
        return True

    def recover(self, *, write: bool = True) -> Recovered:
        """Find what dead runs left undone: by the ledger, and by the markers that it knows on all keys there are.

        With `write` the keys to be let go are held by this run, and the ledger learns what became of others.
        """
        views = {key: self.read(key) for key in dict.fromkeys(self.census())}
        undone: list[str] = []
        for record in self.ledger.unfinished():
            marked = tuple(key for key, view in views.items() if _carries(view, record.marker))
            keys = marked if record.key is None else (record.key,)
            proved = [view for key in keys if (view := self._proved(record, key)) is not None]
            undone += [str(view.id) for view in proved if not self.is_let_go(view)]
            if write:
                self._write_recovered(record, proved)
        if write:
            doubtful = {record.marker for record in self.ledger.doubtful() if self.ledger.is_certain(record)}
            found = {marker for marker in doubtful if any(_carries(view, marker) for view in views.values())}
            self.ledger.close_all(doubtful - found)
        known = {record.key for record in self.ledger.records().values()} | set(undone)
        markers = [record.marker for record in self.ledger.records().values() if self.ledger.is_free(record)]
        unknown = {key: view for key, view in views.items() if key not in known and _carries(view, MARKER_PREFIX)}
        for key, view in unknown.items():
            marker = next((marker for marker in markers if _carries(view, marker)), None)
            if marker is not None and not self.is_let_go(view):
                undone.append(key)
                if write:
                    self._adopt(f"{marker}/{key}", key, view)
        strangers = tuple(key for key, view in unknown.items() if key not in undone and not self.is_let_go(view))
        return Recovered(tuple(undone), strangers)

    def _write_recovered(self, record: Record, proved: list[KeyView]) -> None:
        for view in proved:
            key = str(view.id)
            if record.key is None:
                self._adopt(record.marker if view is proved[0] else f"{record.marker}/{key}", key, view)
            elif self.ledger.take(record):
                self._hold(record.marker, key)
            if self.is_let_go(view):
                self.finish(key, "scheduled", view.deletion_at)
        if proved:
            return
        now = None if record.key is None else self.read(record.key)
        if not self.ledger.is_certain(record):
            return
        if now is None or now.state == GONE or self.is_another(record, now):
            self.ledger.write("gone", record.marker, record.key)

    def _proved(self, record: Record, key: str | None = None) -> KeyView | None:
        """How a key reads that a record speaks of, if it is there and provably the one; None otherwise."""
        named = key or record.key
        if named is None:
            return None
        view = self.read(named)
        return view if view.id == named and self._proved_by(record, view) else None

    def _proved_by(self, record: Record, view: KeyView) -> bool:
        """Whether a key that was read is there, and is the one that a record speaks of."""
        same = view.born is not None and view.born == record.facts.get("born")
        return view.state != GONE and (same or _carries(view, record.marker.partition("/")[0]))

    def is_another(self, record: Record, view: KeyView) -> bool:
        """Whether an id that was ours names another key by now, made at another time: ours is gone."""
        born = record.facts.get("born")
        other = born is not None and view.born is not None and view.born != born
        return view.state != GONE and other and not self._proved_by(record, view)

    # --- letting go ---------------------------------------------------------------------------------------------------

    def is_let_go(self, view: KeyView) -> bool:
        """Whether nothing is left to be done about a key."""
        return view.state in (GONE, PENDING)

    def finish(self, key: str, event: str, until: datetime | None = None) -> None:
        """Write down that a key needs nothing more."""
        self.ledger.write(
            event, self.ledger.marker_of(key), key, **({} if until is None else {"until": until.isoformat()})
        )

    def hold_written(self) -> None:
        """Hold each key of this run that the ledger has: a signal may have come right after its line was written."""
        for record in self.ledger.unfinished():
            if record.run == self.ledger.run and record.key is not None:
                self._hold(record.marker, record.key)

    def resolve(self) -> None:
        """Look once more for each key of this run of which nobody knows whether it was made. Raises `Inconclusive`."""
        own = (record for record in self.ledger.records().values() if record.run == self.ledger.run)
        unknown = {record.marker for record in own if record.event == "intent"}
        if not unknown and not self._refused:
            return
        deadline = self._clock.monotonic() + self.patience
        while True:
            found = self._look_for((*unknown, *self._refused))
            unknown -= found.keys()
            for marker in found.keys() & self._refused.keys():
                del self._refused[marker]
            if not unknown or self._clock.monotonic() >= deadline:
                break
            self._clock.sleep(_POLL_SECONDS)
        self.ledger.close_all(unknown)
        self._close_refused()


def _carries(view: KeyView, marker: str) -> bool:
    """Checks add to a description and take that back; nobody but us makes one that begins with our marker."""
    said = view.description or ""
    # The marker of the first key is how that of the tenth begins.
    another = marker[-1:].isdigit() and said[len(marker) : len(marker) + 1].isdigit()
    return said.startswith(marker) and not another
