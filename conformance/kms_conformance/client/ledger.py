"""The ledger of keys, written ahead: a line is on disk before the request that may create or change a key."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from kms_conformance.client.lease import Lease, locked, try_locks
from kms_conformance.client.ledger_belongings import EVENTS, KEPT, MADE, RETURNED, BelongingsBook, facts_of
from kms_conformance.client.ledger_files import (
    account_digest,
    credential_of,
    earlier_place_of,
    others_of,
    place_of,
)
from kms_conformance.client.ledger_lines import (
    ACCOUNT,
    CLOSED,
    OPEN,
    PLAIN,
    WAITING,
    KeyRecord,
    LedgerLine,
    LineContent,
    RunAccount,
    entries_in,
)
from kms_conformance.core.disk import append, make_folder, sync_folder
from kms_conformance.core.runtime import REAL
from kms_conformance.core.shard_marks import mark_of, run_id, same_division
from kms_conformance.target import Target


class Ledger:
    """The ledger of one target: a file with one JSON object a line, each on disk before the next request is sent.

    Several runs may share a file. Each line is appended as a whole under a lock. A living run holds a lease, and other
    runs leave its keys alone. A run whose lease has ended is called dead.
    """

    def __init__(self, path: Path, run: str = "", earlier: Path | None = None, credential: str = "") -> None:
        """A ledger for one run.

        - run: the unique id of the run. `core/shard_marks.py` explains its prefix in a shard.
        - earlier: a file whose lines count as if they were the first lines of this ledger.
        - credential: the digest of the credentials of this run.
        """
        self.path = path
        self._paths = (path,) if earlier is None else (earlier, path)
        self._read: dict[Path, int] = {}
        self._mine = RunAccount(credential=credential)
        self._identities: dict[str, RunAccount] = {}
        self._others: tuple[Path, ...] = ()
        self.run = run or secrets.token_hex(4)
        self.clock = REAL
        self._lease = Lease(path, self.run)
        self._records: dict[str, KeyRecord] = {}
        self._held: set[str] = set()
        self._evidence: dict[str, LedgerLine] = {}
        self._belongings = BelongingsBook()

    @classmethod
    def of(cls, target: Target, directory: Path | None = None, mark: str = "") -> Ledger:
        """The ledger of a target, which is the same for all credentials of the target (see `ledger_files.py`)."""
        run = run_id(mark, secrets.token_hex(4))
        path, earlier = place_of(target, directory), earlier_place_of(target, directory)
        found = cls(path, run, None if earlier == path else earlier, credential_of(target))
        found._others = others_of(target, directory)
        return found

    @property
    def mark(self) -> str:
        """The mark of the shard of this run; empty if the run is not sharded."""
        return mark_of(self.run)

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, event: str, marker: str, key: str | None = None, **facts: str) -> None:
        """Append one line and wait until it is on disk."""
        with self._exclusive():
            self._append((event, marker, key, facts))

    def close_all(self, markers: Iterable[str]) -> None:
        """Write that no keys with these markers exist."""
        lines: list[LineContent] = [("gone", marker, None, {}) for marker in markers]
        if lines:
            with self._exclusive():
                self._append(*lines)

    def take(self, record: KeyRecord) -> bool:
        """Take over a key of an earlier run; False if another run holds the key, or has changed its record."""
        with self._exclusive():
            now = self.records().get(record.marker)
            if now is None or now.key != record.key or not now.may_exist or not self.is_free(now):
                return False
            self._append(("taken", record.marker, record.key, {}))
            return True

    def borrow(self, key: str) -> None:
        """Allow this run to name a planted key in requests that must be refused; the key stays planted.

        An earlier run has left a planted key pending on purpose, so that later runs can watch its waiting period end.
        """
        if any(record.key == key for record in self.records().values()):
            self._held.add(key)

    def note(self, requirement: str, specs: str) -> None:
        """Write that a requirement held, so that later runs can recall this; for requirements that few runs can judge.

        `specs` is a text, such as a digest, that identifies what was demanded.
        """
        self.write("held", requirement, None, specs=specs)

    def announce(self, key: str, kind: str, names: tuple[str, ...] = (), own: str | None = None) -> None:
        """Write that the next request may give a key a belonging of this kind, with these names.

        `own` is the value that the key had before any run changed it.
        """
        self.write(MADE, self.marker_of(key), key, **facts_of([kind], names, own))

    def close_belongings(self, key: str, kinds: Iterable[str]) -> None:
        """Write that nothing of these kinds is left on a key, except for kinds of which no line is open."""
        unrecorded = self.is_unrecorded(key)
        there = [kind for kind in kinds if unrecorded or kind in self._belongings.of(key)]
        if there or unrecorded:
            self.write(RETURNED, self.marker_of(key), key, **facts_of(there))

    def is_unrecorded(self, key: str) -> bool:
        """Whether a key was created by an earlier release, which recorded no belongings and gave none back."""
        return "belongings" not in self.records()[self.marker_of(key)].facts and not self._belongings.was_returned(key)

    def keep_belongings(self, key: str, kind: str, reason: str) -> None:
        """Write why something of this kind could not be given back."""
        self.write(KEPT, self.marker_of(key), key, **facts_of([kind]), reason=reason)

    @property
    def belongings(self) -> BelongingsBook:
        """What runs may have left on keys."""
        self.records()
        return self._belongings

    def burdened(self) -> tuple[KeyRecord, ...]:
        """Keys of this run and of dead runs, not planted, on which a run may have left something."""
        there = self.belongings
        return tuple(
            record
            for record in self.here
            if record.key is not None
            and (there.of(record.key) or self.is_unrecorded(record.key))
            and record.may_exist
            and record.event != "planted"
            and self.is_free(record)
        )

    def was_kept(self, record: KeyRecord) -> bool:
        """Whether a run tried in vain to give back everything that is left on a key."""
        return all(found.kept for found in self.belongings.of(record.key or "").values())

    def bring_over(self, other: Ledger, markers: Iterable[str]) -> None:
        """Copy all lines on these markers from another ledger, after the keys were found in this account."""
        wanted = frozenset(markers)
        lines = [entry.line for entry in other.entries() if entry.marker in wanted and entry.event != ACCOUNT]
        if lines:
            with self._exclusive():
                self._write([*self._account_line(REAL.now()), *lines])

    def try_locks(self) -> None:
        """Verify that locks work in the folder of this ledger. Raises `LocksDoNotHold`, and `OSError`."""
        try_locks(self.path.parent)

    def beat(self) -> None:
        """Renew the lease for runs on other machines."""
        self._lease.beat()

    def close(self) -> None:
        """Release the lease; other runs may take over unfinished keys."""
        self._lease.end()

    @property
    def others(self) -> tuple[Ledger, ...]:
        """Ledgers of the same target name with other credentials or endpoints. Their keys may be in this account."""
        return tuple(Ledger(path) for path in self._others)

    # --- accounts ---------------------------------------------------------------------------------------------------

    def belongs_to(self, account: str, shown: str, *, note: bool = True) -> None:
        """Set the account that the endpoint has reported; `shown` is its display form.

        With `note`, the account is also written to the ledger.
        """
        self._mine = replace(self._mine, account=account_digest(account), shown=shown)
        # Commands that only read the ledger learn the account from this line.
        if note and self._mine.credential and self.records() and self._known != self._mine:
            with self._exclusive():
                self._write(self._account_line(REAL.now()))

    def is_elsewhere(self, record: KeyRecord) -> bool:
        """Whether a key is known to be in another account than this run."""
        return self._is_of_another(record, self._account)

    def is_certain(self, record: KeyRecord) -> bool:
        """Whether a key must be in this account. If the account does not list such a key, the key is gone."""
        made = self._identities.get(record.origin, RunAccount())
        if record.run == self.run or made.account == self._mine.account:
            return True
        return not (made.account and self._mine.account) and made.credential in ("", self._mine.credential)

    def elsewhere(self) -> tuple[tuple[KeyRecord, str], ...]:
        """Keys of other accounts that are not known to be scheduled, each with the display form of its account."""
        return tuple(
            (record, self._identities[record.origin].shown)
            for record in self.records().values()
            if record.open and self.is_elsewhere(record)
        )

    @property
    def _account(self) -> str:
        return self._mine.account or self._known.account

    def _is_of_another(self, record: KeyRecord, account: str) -> bool:
        made = self._identities.get(record.origin, RunAccount()).account
        return bool(made and account) and made != account

    @property
    def _known(self) -> RunAccount:
        """The account last noted by a run with these credentials."""
        noted = (found for found in reversed(self._identities.values()) if found.account)
        return next((found for found in noted if found.credential == self._mine.credential), RunAccount())

    # --- reading ----------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[LedgerLine]:
        """All lines, oldest first; lines cut short by a crash are skipped. Raises `LedgerError`."""
        for path in self._paths:
            if path.exists():
                yield from entries_in(path.read_bytes(), path)

    def records(self) -> Mapping[str, KeyRecord]:
        """The record of each marker, in the order of their first lines."""
        for path in self._paths:
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._read.get(path, 0))
                    new = file.read()
                whole = new[: new.rfind(b"\n") + 1]
                self._read[path] = self._read.get(path, 0) + len(whole)
                for entry in entries_in(whole, path):
                    self._fold(entry)
        return self._records

    @property
    def here(self) -> tuple[KeyRecord, ...]:
        """Records of the account of this run."""
        records = self.records().values()
        account = self._account
        return tuple(record for record in records if not self._is_of_another(record, account))

    def unfinished(self) -> tuple[KeyRecord, ...]:
        """Keys of this run and of dead runs that may exist and are not known to be scheduled for deletion."""
        return tuple(record for record in self.here if record.open and self.is_free(record))

    def doubtful(self) -> tuple[KeyRecord, ...]:
        """Requests to create a key, by this run or dead runs, of which nobody has checked whether the key exists."""
        return tuple(record for record in self.here if record.doubtful and self.is_free(record))

    def reusable(self, kind: str, *, of_siblings: bool = False) -> tuple[KeyRecord, ...]:
        """Keys of a kind that dead runs have left, scheduled for deletion or not. Planted keys are not included.

        Keys that other shards of the same run have left are included only with `of_siblings`: these shards reuse them
        in their next run.
        """
        return tuple(
            record
            for record in self.here
            if record.kind == kind
            and record.key is not None
            and record.event in ("scheduled", "created", "taken")
            and record.run != self.run
            and (of_siblings or not same_division(self.mark, mark_of(record.run)))
            and self.is_free(record)
        )

    def holds(self, key: str) -> bool:
        """Whether this run may name the key: by a line on disk it created or took over the key, or it borrowed it."""
        return key in self._held

    def marker_of(self, key: str) -> str:
        """The marker of a known key. Raises `KeyError`."""
        found = next((record.marker for record in self.records().values() if record.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def intends(self, marker: str) -> bool:
        """Whether a line on disk announces that this run creates a key with this marker."""
        record = self._records.get(marker)
        return record is not None and record.event == "intent" and record.run == self.run

    def recalls(self, requirement: str, specs: str) -> bool:
        """Whether the last note on a requirement (see `note`) has the same `specs`."""
        self.records()
        found = self._evidence.get(requirement)
        return found is not None and found.facts.get("specs") == specs

    def is_free(self, record: KeyRecord) -> bool:
        """Whether no other living run holds the key."""
        return record.run == self.run or not any(Lease.alive(path, record.run) for path in self._paths)

    def _append(self, *lines: LineContent) -> None:
        """Append lines, given as (event, marker, key, facts), and wait until they are on disk."""
        now = self.clock.now()
        at = now.isoformat(timespec="seconds")
        own = [LedgerLine(*line[:3], self.run, at, line[3]).line for line in lines]
        self._write([*self._account_line(now), *own])

    def _account_line(self, now: datetime) -> list[str]:
        """The line on the account of this run, unless it is already written."""
        if self._identities.get(self.run, RunAccount()) == self._mine:
            return []
        facts = {"shown": self._mine.shown, "credential": self._mine.credential}
        at = now.isoformat(timespec="seconds")
        return [LedgerLine(ACCOUNT, self._mine.account, None, self.run, at, facts).line]

    def _write(self, lines: list[str]) -> None:
        self._lease.begin()
        if append(self.path, [line.encode() for line in lines]):
            sync_folder(self.path.parent)
        self.records()

    def _fold(self, entry: LedgerLine) -> None:
        if entry.event == "held":
            self._evidence[entry.marker] = entry
            return
        if entry.event in EVENTS:
            self._belongings.fold(entry)
            return
        if entry.event == ACCOUNT:
            self._identities.pop(entry.run, None)
            self._identities[entry.run] = RunAccount(
                entry.marker, entry.facts.get("shown", ""), entry.facts.get("credential", "")
            )
            return
        known = self._records.get(entry.marker)
        facts = {**(known.facts if known else {}), **entry.facts}
        latest = entry.event if entry.event in OPEN | WAITING | CLOSED or known is None else known.event
        kind = facts.get("kind", PLAIN)
        run = entry.run or (known.run if known else "")
        origin = known.origin if known else entry.run
        if latest == "gone" and entry.key is not None:
            self._belongings.forget(entry.key)
        record = KeyRecord(entry.marker, latest, entry.key or (known.key if known else None), run, kind, facts, origin)
        self._records[entry.marker] = record
        if record.key is not None and entry.event in ("created", "taken"):
            (self._held.add if record.run == self.run else self._held.discard)(record.key)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        make_folder(self.path.parent)
        with locked(self.path):
            yield
