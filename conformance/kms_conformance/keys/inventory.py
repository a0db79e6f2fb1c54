"""The inventory of our keys on a target: finds them, proves that they are ours, and keeps their records in the ledger.

The ledger is the file in which each key is recorded before it is created, with its marker: a random description. A key
is ours if its description begins with a recorded marker. Checks change descriptions, so a key that once had the marker
is still ours if it has the same creation date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from kms_conformance.client.answer import Answer
from kms_conformance.client.internal_errors import PAUSES
from kms_conformance.client.judge import Denied, Inconclusive, Undecided
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import MARKER_PREFIX, PLAIN, KeyRecord, carries
from kms_conformance.client.oracle import GONE, PENDING
from kms_conformance.client.target_client import Client
from kms_conformance.core.shard_marks import mark_of
from kms_conformance.core.text import MOST, shortened
from kms_conformance.dialects.base import KeyView
from kms_conformance.keys.reader import Reader

# A proxy sends 408 when the service is slow. The service may have carried out the request, so 408 is not a refusal.
_TIMED_OUT = 408


@dataclass(frozen=True)
class Recovered:
    """The keys that `Inventory.recover` found, by id.

    - undone: our keys that are not scheduled yet.
    - unrecorded: keys with a marker of this suite that this ledger does not record.
    - burdened: our keys on which a run may have left belongings, such as aliases.
    """

    undone: tuple[str, ...]
    unrecorded: tuple[str, ...]
    burdened: tuple[str, ...] = ()


class Inventory(Reader):
    """The keys of a run and of earlier runs on a target, kept consistent with the ledger.

    - `held`: the ids of all keys that this run created or reused, and must schedule for deletion.
    - `new`: the ids of the keys that this run created.
    - `created`: the number of create requests that were not refused; the outcome of some may be unknown.
    - `preexisting`: the ids that the target listed before the run created a key.
    - `views_before`: by id, these keys as they were read at that time.
    """

    def __init__(self, client: Client, ledger: Ledger, most: int, share: int | None = None) -> None:
        """`most` limits the keys that this run uses at once; `limits.max_keys` of the target limits all keys of ours.

        `share` is a shard's part of `limits.max_keys`. It also limits the keys that earlier runs of the shard left.
        """
        super().__init__(client)
        self.ledger = ledger
        self.share = client.target.limits.max_keys if share is None else share
        self.most = min(most, self.share)
        self.of_siblings = False  # whether keys that ended processes of this run have left are used
        self.created = 0
        self.held: set[str] = set()
        self.new: set[str] = set()
        self.preexisting: frozenset[str] = frozenset()
        self.views_before: dict[str, KeyView] = {}
        self._markers: dict[str, str] = {}
        self._used = self._intended = 0
        # The refused creates of this run, by marker. A faulty target may have created a key all the same. For
        # `_checked` of these creates, the run has looked for a key once; it looks again at its end.
        self._refused: dict[str, Answer] = {}
        self._checked = 0
        self._gone_keys_closed = False

    @property
    def room(self) -> int:
        """The number of further keys that the limits of the run, the shard and the target allow."""
        there = [record for record in self.ledger.here if record.may_exist]
        of_share = sum(mark_of(record.run) == self.ledger.mark for record in there)
        limit = self.client.target.limits.max_keys
        return max(0, min(self.most - self._used, limit - len(there), self.share - of_share))

    def no_room(self, usable: int) -> Inconclusive:
        """Why no more keys may be created; `usable` is the number of keys that checks can still use."""
        limit = f"the limit of its tier or limits.max_keys ({self.client.target.limits.max_keys}) is reached."
        lost = f" {self._used - usable} of its keys can be used no more." if self._used > usable else ""
        first = "Repair the failures first: one may have ended a key. Otherwise raise" if lost else "Raise"
        reason = f"The check needs one more key, and this run may not create one: {limit}{lost}"
        return Inconclusive(reason, f"{first} limits.max_keys in the target file, or run a higher tier.")

    def close_gone_keys(self) -> None:
        """Close the ledger records of scheduled keys that are now gone, so that they do not count against the limits.

        This is done only once in a run.
        """
        if self._gone_keys_closed:
            return
        self._gone_keys_closed = True
        for record in self.ledger.here:
            waits = record.event == "scheduled" and self.ledger.is_certain(record)
            if waits and record.key is not None and self.read(record.key).state == GONE:
                self.ledger.write("gone", record.marker, record.key)
        self.resolve_earlier_runs()

    def resolve_earlier_runs(self) -> None:
        """Look for keys that ended runs may have created: the reply to the create was lost, or refused the request.

        One listing serves all these requests. This run holds each key that is found. Raises `Inconclusive` if the
        target does not list its keys.
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

        Returns the answer and the id of the key, or None without a key. After an internal error, `send` is called again
        if no key has the marker. Raises `Inconclusive` if the reply is lost or names a key that is not provably ours.
        """
        marker = f"{MARKER_PREFIX}{self.ledger.run}-{self._intended}"
        self._intended += 1
        self.ledger.write("intent", marker, kind=kind, belongings="recorded")
        self.created += 1
        self._used += 1
        try:
            answer, found = self._sent(send, marker)
        except Inconclusive:
            self.find_by_marker(marker)
            raise
        self.new.update(found)
        key = self.client.dialect.created_id(answer.value)
        if key is not None and not found:
            return answer, self._claimed(marker, key)
        if 400 <= answer.status < 500 and answer.status != _TIMED_OUT:
            self.created -= 1
            self._used -= 1
            self.ledger.write("refused", marker)
            self._refused[marker] = answer
            return answer, None
        found = found or self.find_by_marker(marker)
        return answer, found[0] if found else None

    def _sent(self, send: Callable[[str], Answer], marker: str) -> tuple[Answer, tuple[str, ...]]:
        """The answer to a create, and the keys that it created although the answer is an internal error."""
        for pause in PAUSES:
            try:
                return send(marker), ()
            except Undecided as undecided:
                if found := self.patience.until("list", lambda: self.find_by_marker(marker), bool):
                    return undecided.answer, found
                self.client.world.clock.sleep(pause)
        return send(marker), ()

    def find_by_marker(self, marker: str) -> tuple[str, ...]:
        """Find the keys with a marker and record them; a request that was sent again may have created two."""
        return self._find_by_markers((marker,)).get(marker, ())

    @property
    def unchecked_refusals(self) -> int:
        """The number of refused creates for which the run has not yet looked for a key."""
        return len(self._refused) - self._checked

    def keys_of_refused_creates(self, *, last: bool = False) -> tuple[tuple[str, Answer], ...]:
        """Find the keys that a faulty target created although it refused the create; returns pairs of id and refusal.

        The run holds these keys from now on. One listing serves all refusals. Nothing is sent if no create was refused.
        With `last`, the records of refused creates without a key are closed; without it they stay open, because a new
        key may not be listed yet. Raises `Inconclusive` if the target does not list its keys.
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
        # A key that existed before this run cannot have a marker that this run generated.
        passed_over = self.held | (self.preexisting if all(self.ledger.run in marker for marker in markers) else set())
        for key in self.list_keys():
            # A key that was there before and may not even be described was not created with these credentials. A new
            # key that may not be described yet can be ours: then `Denied` is raised, and the records stay open.
            if key in passed_over or key in self.denied & self.preexisting:
                continue
            view = self.views_before.get(key) or self.read(key)
            marker = next((marker for marker in markers if carries(view, marker)), None)
            if marker is not None:
                keys = found.setdefault(marker, [])
                # The ledger records one key for each marker, so the marker of a further key gets a suffix.
                self._adopt(marker if not keys else f"{marker}/{len(keys)}", key, view)
                keys.append(key)
        return {marker: tuple(keys) for marker, keys in found.items()}

    def _claimed(self, marker: str, key: str) -> str:
        """Record a created key. Raises `Inconclusive` if it existed before or lacks the marker: it is not ours then."""
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
        """Copy records from the ledgers of earlier credentials, if the recorded key is listed here and proved ours."""
        for other in self.ledger.others:
            known = self.ledger.records().keys()
            found = [record for record in other.records().values() if record.marker not in known]
            proved = [record.marker for record in found if other.is_free(record) and self._is_here(record)]
            self.ledger.bring_over(other, proved)

    def _is_here(self, record: KeyRecord) -> bool:
        if record.key is None:
            return record.doubtful and any(carries(view, record.marker) for view in self.views_before.values())
        if not record.may_exist or record.key not in self.preexisting:
            return False
        return record.is_proved_by(self.views_before.get(record.key) or self.read(record.key))

    def learn_account(self, view: KeyView) -> None:
        """Note in the ledger which account it belongs to, from the ARN of a key.

        An account without keys does not show its id before the first key is created.
        """
        account = self.client.dialect.account_of(view.arn)
        if account is not None:
            self.ledger.belongs_to(account, self.client.exchange_log.redactor.text(account))

    # --- reusing ------------------------------------------------------------------------------------------------------

    def reuse(self, kind: str) -> tuple[str, KeyView] | None:
        """Hold a key of this kind that an earlier run left; None if there is none or the run may use no more keys."""
        if self._used >= self.most:
            return None
        self.close_gone_keys()
        for record in self.ledger.reusable(kind, of_siblings=self.of_siblings):
            view = self._proved(record)
            if view is not None and self.ledger.take(record):
                assert record.key is not None
                self._hold(record.marker, record.key)
                self._used += 1
                return record.key, view
        return None

    def borrow(self, key: str) -> None:
        """Allow requests that name a planted key and must be refused; the key stays planted."""
        self.ledger.borrow(key)

    def take_over(self, key: str) -> bool:
        """Hold a planted key like any other, to be scheduled at the end; False if another run holds it."""
        record = self.ledger.records()[self.ledger.marker_of(key)]
        if not self.ledger.take(record):
            return False
        self._hold(record.marker, key)
        return True

    def recover(self, *, write: bool = True) -> Recovered:
        """Find keys that ended runs did not schedule, by the records of the ledger and the markers of listed keys.

        With `write`, this run holds the keys that must still be scheduled, and the ledger records which other keys are
        scheduled or gone.
        """
        views = dict(self._readable(dict.fromkeys(self.list_keys())))
        undone: list[str] = []
        for record in self.ledger.unfinished():
            marked = tuple(key for key, view in views.items() if carries(view, record.marker))
            keys = marked if record.key is None else (record.key,)
            proved = [view for key in keys if (view := self._proved(record, key)) is not None]
            undone += [str(view.id) for view in proved if not self.is_released(view)]
            if write:
                self._write_recovered(record, proved)
        burdened = self._recover_burdened(write=write)
        if write:
            doubtful = {record.marker for record in self.ledger.doubtful() if self.ledger.is_certain(record)}
            found = {marker for marker in doubtful if any(carries(view, marker) for view in views.values())}
            self.ledger.close_all(doubtful - found)
        known = {record.key for record in self.ledger.records().values()} | set(undone)
        markers = [record.marker for record in self.ledger.records().values() if self.ledger.is_free(record)]
        unknown = {key: view for key, view in views.items() if key not in known and carries(view, MARKER_PREFIX)}
        for key, view in unknown.items():
            marker = next((marker for marker in markers if carries(view, marker)), None)
            if marker is not None and not self.is_released(view):
                undone.append(key)
                if write:
                    self._adopt(f"{marker}/{key}", key, view)
        strangers = tuple(key for key, view in unknown.items() if key not in undone and not self.is_released(view))
        return Recovered(tuple(undone), strangers, burdened)

    def _recover_burdened(self, *, write: bool) -> tuple[str, ...]:
        """Find our keys on which a run may have left belongings; with `write`, this run holds them."""
        found = [each for each in self.ledger.burdened() if each.key in self.held or self._proved(each) is not None]
        for record in found if write else ():
            if self.ledger.take(record):
                self._hold(record.marker, str(record.key))
        return tuple(str(record.key) for record in found)

    def _readable(self, keys: Iterable[str]) -> Iterator[tuple[str, KeyView]]:
        for key in keys:
            with suppress(Denied):
                yield key, self.read(key)

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
        if now is None or now.state == GONE or record.is_another(now):
            self.ledger.write("gone", record.marker, record.key)

    def _proved(self, record: KeyRecord, key: str | None = None) -> KeyView | None:
        """Read the key of a record; None if it is gone or cannot be proved to be the recorded key."""
        named = key or record.key
        if named is None:
            return None
        view = self.read(named)
        return view if view.id == named and record.is_proved_by(view) else None

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
        """Hold each key that the ledger records for this run.

        After a signal right after the ledger entry was written, the run does not hold the key yet.
        """
        for record in self.ledger.unfinished():
            if record.run == self.ledger.run and record.key is not None and self.ledger.holds(record.key):
                self._hold(record.marker, record.key)

    def resolve(self) -> None:
        """Look again for keys of this run whose creation was refused or has no known outcome. Raises `Inconclusive`."""
        own = (record for record in self.ledger.records().values() if record.run == self.ledger.run)
        unknown = {record.marker for record in own if record.event == "intent"}
        if not unknown and not self._refused:
            return

        def look() -> dict[str, tuple[str, ...]]:
            found = self._find_by_markers((*unknown, *self._refused))
            unknown.difference_update(found)
            for marker in found.keys() & self._refused.keys():
                del self._refused[marker]
            return found

        self.patience.until("list", look, lambda _: not unknown)
        self.ledger.close_all(unknown)
        self._close_refused()
