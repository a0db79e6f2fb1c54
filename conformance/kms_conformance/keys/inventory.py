"""The inventory of our keys on a target: recorded before creation, proved to be ours, reused, and closed at the end.

A key is ours if the ledger announced its creation and its description begins with the marker of that announcement. A
key that once had the marker is still ours if its creation date has not changed, because checks change descriptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kms_conformance.client.answer import Answer
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX, PLAIN, KeyRecord
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import mark_of
from kms_conformance.core.text import MOST, shortened
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import Reader

_POLL_SECONDS = 0.2
# A proxy sends 408 when the service is slow; the service may have carried out the request.
_TIMED_OUT = 408


@dataclass(frozen=True)
class Recovered:
    """Keys of ours that are not scheduled yet (`undone`), and keys with our marker that this ledger does not record."""

    undone: tuple[str, ...]
    unrecorded: tuple[str, ...]


class Inventory(Reader):
    """The keys of a run and of earlier runs on a target, kept consistent with the ledger.

    `held` are the ids of all keys that this run created or reused, `new` those that it created. `created` counts
    creations, including requests whose outcome is unknown. `preexisting` are the ids that the target listed before the
    run created anything, and `views_before` holds how they read then.
    """

    def __init__(self, client: Client, ledger: Ledger, most: int, share: int | None = None) -> None:
        """`most` limits the keys that this run uses; `limits.max_keys` of the target limits all keys of ours.

        `share` is a shard's part of `limits.max_keys`. Keys that earlier runs of the same shard left count as well.
        """
        super().__init__(client)
        self.ledger = ledger
        self.share = client.target.limits.max_keys if share is None else share
        self.most = min(most, self.share)
        self.created = 0
        self.held: set[str] = set()
        self.new: set[str] = set()
        self.preexisting: frozenset[str] = frozenset()
        self.views_before: dict[str, KeyView] = {}
        self._markers: dict[str, str] = {}
        self._used = 0
        self._intended = 0
        # Refused creates of this run by marker. They may have made a key all the same; `_checked` of them were checked
        # once and are checked again at the end of the run.
        self._refused: dict[str, Answer] = {}
        self._checked = 0
        self._gone_keys_closed = False

    @property
    def room(self) -> int:
        """How many more keys may be created, by the limits of the run, of the shard and of the target."""
        there = [record for record in self.ledger.here if record.may_exist]
        of_share = sum(mark_of(record.run) == self.ledger.mark for record in there)
        limit = self.client.target.limits.max_keys
        return max(0, min(self.most - self._used, limit - len(there), self.share - of_share))

    def close_gone_keys(self) -> None:
        """Close the ledger records of earlier runs' keys that are gone, so that these do not count; once a run."""
        if self._gone_keys_closed:
            return
        self._gone_keys_closed = True
        for record in self.ledger.here:
            waits = record.event == "scheduled" and self.ledger.is_certain(record)
            if waits and record.key is not None and self.read(record.key).state == GONE:
                self.ledger.write("gone", record.marker, record.key)
        self.resolve_earlier_runs()

    def resolve_earlier_runs(self) -> None:
        """Look for keys whose creation by an ended run had no known reply, or a refusal. Raises `Inconclusive`.

        All are looked for in one listing. A key that is found is held by this run.
        """
        records = [record for record in self.ledger.doubtful() if record.run != self.ledger.run]
        if records:
            found = self._find_by_markers(tuple(record.marker for record in records))
            missing = (record for record in records if record.marker not in found)
            self.ledger.close_all(record.marker for record in missing if self.ledger.is_certain(record))

    def marker(self, key: str) -> str:
        """The description that this suite gave a key."""
        return self._markers[key]

    # --- creating -----------------------------------------------------------------------------------------------------

    def attempt(self, send: Callable[[str], Answer], kind: str = PLAIN) -> tuple[Answer, str | None]:
        """Create a key: record the intent, call `send` with the marker of the new key, and record the outcome.

        Returns the answer and the id of the key, or None if the request was refused. Raises `Inconclusive` if the reply
        is lost, after looking for the marker, and if the reply names a key that cannot be proved ours.
        """
        marker = f"{MARKER_PREFIX}{self.ledger.run}-{self._intended}"
        self._intended += 1
        self.ledger.write("intent", marker, kind=kind)
        self.created += 1
        self._used += 1
        try:
            answer = send(marker)
        except Inconclusive:
            self.find_by_marker(marker)
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
        found = self.find_by_marker(marker)
        return answer, found[0] if found else None

    def find_by_marker(self, marker: str) -> tuple[str, ...]:
        """Find the keys with a marker and record them; a request that was sent again may have created two."""
        return self._find_by_markers((marker,)).get(marker, ())

    @property
    def unchecked_refusals(self) -> int:
        """How many creates were refused since the last check whether refused creates have made keys."""
        return len(self._refused) - self._checked

    def keys_of_refused_creates(self, *, last: bool = False) -> tuple[tuple[str, Answer], ...]:
        """Find the keys that refused creates of this run have made all the same; returns pairs of id and refusal.

        The keys are held from now on. One listing serves all refusals; none is sent if nothing was refused. With `last`
        the records of refusals without a key are closed; before, a key may not be listed yet. Raises `Inconclusive`.
        """
        if not self._refused:
            return ()
        found = self._find_by_markers(tuple(self._refused))
        made = tuple((keys[0], self._refused.pop(marker)) for marker, keys in found.items())
        self.created += len(made)
        self._used += len(made)
        self._checked = len(self._refused)
        if last:
            self._close_refused()
        return made

    def _close_refused(self) -> None:
        self.ledger.close_all(self._refused)
        self._refused.clear()
        self._checked = 0

    def _find_by_markers(self, markers: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
        """Find the keys with these markers in one listing and record them; returns their ids by marker."""
        found: dict[str, list[str]] = {}
        # A key that was there before this run cannot have a marker that this run generated.
        passed_over = self.held | (self.preexisting if all(self.ledger.run in marker for marker in markers) else set())
        for key in self.list_keys():
            if key in passed_over:
                continue
            view = self.views_before.get(key) or self.read(key)
            marker = next((marker for marker in markers if _carries(view, marker)), None)
            if marker is not None:
                keys = found.setdefault(marker, [])
                # The ledger records one key a marker: further keys get a suffix.
                self._adopt(marker if not keys else f"{marker}/{len(keys)}", key, view)
                keys.append(key)
        return {marker: tuple(keys) for marker, keys in found.items()}

    def _claimed(self, marker: str, key: str) -> str:
        """Record a created key. Raises `Inconclusive` if it was there before or lacks the marker: it is not touched."""
        if len(key) > MOST:
            raise Inconclusive(f"The reply to a create names a key by {len(key)} characters: {shortened(key)}.")
        if key in self.preexisting or key in self.held:
            raise Inconclusive(f"The reply to a create names a key that was there before: {key}.")
        view = self.read_until(key, lambda view: view.state != GONE)
        if view.state == GONE or view.description != marker:
            raise Inconclusive(
                f"The reply to a create names the key {key}, whose description is not ours: it is left alone."
            )
        self._adopt(marker, key, view)
        self.new.add(key)
        return key

    def _adopt(self, marker: str, key: str, view: KeyView) -> None:
        self.learn_account(view)
        self.ledger.write("created", marker, key, **({"born": view.born} if view.born else {}))
        self._hold(marker, key)

    def _hold(self, marker: str, key: str) -> None:
        self.held.add(key)
        self._markers[key] = marker.partition("/")[0]

    def bring_over(self) -> None:
        """Copy records from ledgers of earlier credentials, of keys that are listed here and proved to be ours."""
        for other in self.ledger.others:
            known = self.ledger.records().keys()
            found = [record for record in other.records().values() if record.marker not in known]
            proved = [record.marker for record in found if other.is_free(record) and self._is_here(record)]
            self.ledger.bring_over(other, proved)

    def _is_here(self, record: KeyRecord) -> bool:
        if record.key is None:
            return record.doubtful and any(_carries(view, record.marker) for view in self.views_before.values())
        if not record.may_exist or record.key not in self.preexisting:
            return False
        return self._proved_by(record, self.views_before.get(record.key) or self.read(record.key))

    def learn_account(self, view: KeyView) -> None:
        """Note the account of the ledger by the ARN of a key: an empty account shows its id with its first key."""
        account = self.client.dialect.account_of(view.arn)
        if account is not None:
            self.ledger.belongs_to(account, self.client.exchange_log.redactor.text(account))

    # --- reusing ------------------------------------------------------------------------------------------------------

    def reuse(self, kind: str) -> tuple[str, KeyView] | None:
        """Hold a key of this kind that an earlier run left; None if there is none."""
        if self._used >= self.most:
            return None
        self.close_gone_keys()
        for record in self.ledger.reusable(kind):
            view = self._proved(record)
            if view is not None and self.ledger.take(record):
                assert record.key is not None
                self._hold(record.marker, record.key)
                self._used += 1
                return record.key, view
        return None

    def borrow(self, key: str) -> None:
        """Allow a planted key in requests that must be refused; it stays planted."""
        self.ledger.borrow(key)

    def take_over(self, key: str) -> bool:
        """Hold a planted key like any other, to be scheduled at the end; False if another run holds it."""
        record = self.ledger.records()[self.ledger.marker_of(key)]
        if not self.ledger.take(record):
            return False
        self._hold(record.marker, key)
        return True

    def recover(self, *, write: bool = True) -> Recovered:
        """Find keys that ended runs did not schedule, by the ledger's records and by markers of listed keys.

        With `write`, this run holds the keys that are still to be scheduled, and the ledger records the state of the
        others.
        """
        views = {key: self.read(key) for key in dict.fromkeys(self.list_keys())}
        undone: list[str] = []
        for record in self.ledger.unfinished():
            marked = tuple(key for key, view in views.items() if _carries(view, record.marker))
            keys = marked if record.key is None else (record.key,)
            proved = [view for key in keys if (view := self._proved(record, key)) is not None]
            undone += [str(view.id) for view in proved if not self.is_released(view)]
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
            if marker is not None and not self.is_released(view):
                undone.append(key)
                if write:
                    self._adopt(f"{marker}/{key}", key, view)
        strangers = tuple(key for key, view in unknown.items() if key not in undone and not self.is_released(view))
        return Recovered(tuple(undone), strangers)

    def _write_recovered(self, record: KeyRecord, proved: list[KeyView]) -> None:
        for view in proved:
            key = str(view.id)
            if record.key is None:
                self._adopt(record.marker if view is proved[0] else f"{record.marker}/{key}", key, view)
            elif self.ledger.take(record):
                self._hold(record.marker, key)
            if self.is_released(view):
                self.finish(key, "scheduled", view.deletion_at)
        if proved:
            return
        now = None if record.key is None else self.read(record.key)
        if not self.ledger.is_certain(record):
            return
        if now is None or now.state == GONE or self.is_another(record, now):
            self.ledger.write("gone", record.marker, record.key)

    def _proved(self, record: KeyRecord, key: str | None = None) -> KeyView | None:
        """Read the key of a record; None if it is gone or cannot be proved to be that key."""
        named = key or record.key
        if named is None:
            return None
        view = self.read(named)
        return view if view.id == named and self._proved_by(record, view) else None

    def _proved_by(self, record: KeyRecord, view: KeyView) -> bool:
        """Whether a key exists and is the one of the record: by its creation date, or by its marker."""
        same = view.born is not None and view.born == record.facts.get("born")
        return view.state != GONE and (same or _carries(view, record.marker.partition("/")[0]))

    def is_another(self, record: KeyRecord, view: KeyView) -> bool:
        """Whether the id of a record now names another key, by its creation date; the recorded key is gone."""
        born = record.facts.get("born")
        other = born is not None and view.born is not None and view.born != born
        return view.state != GONE and other and not self._proved_by(record, view)

    # --- closing records ----------------------------------------------------------------------------------------------

    def is_released(self, view: KeyView) -> bool:
        """Whether a key is gone or scheduled for deletion."""
        return view.state in (GONE, PENDING)

    def finish(self, key: str, event: str, until: datetime | None = None) -> None:
        """Record that a key is scheduled or gone; `until` is its deletion date."""
        self.ledger.write(
            event, self.ledger.marker_of(key), key, **({} if until is None else {"until": until.isoformat()})
        )

    def hold_recorded(self) -> None:
        """Hold each key of this run in the ledger: a signal may have come right after its entry was written."""
        for record in self.ledger.unfinished():
            if record.run == self.ledger.run and record.key is not None:
                self._hold(record.marker, record.key)

    def resolve(self) -> None:
        """Look again for keys of this run whose creation has no known outcome. Raises `Inconclusive`."""
        own = (record for record in self.ledger.records().values() if record.run == self.ledger.run)
        unknown = {record.marker for record in own if record.event == "intent"}
        if not unknown and not self._refused:
            return
        deadline = self._clock.monotonic() + self.settle_seconds
        while True:
            found = self._find_by_markers((*unknown, *self._refused))
            unknown -= found.keys()
            for marker in found.keys() & self._refused.keys():
                del self._refused[marker]
            if not unknown or self._clock.monotonic() >= deadline:
                break
            self._clock.sleep(_POLL_SECONDS)
        self.ledger.close_all(unknown)
        self._close_refused()


def _carries(view: KeyView, marker: str) -> bool:
    """Whether a description begins with a marker; checks append text to descriptions of our keys."""
    description = view.description or ""
    # The marker of key 1 is also the beginning of that of key 10.
    longer = marker[-1:].isdigit() and description[len(marker) : len(marker) + 1].isdigit()
    return description.startswith(marker) and not longer
