"""The write-ahead record of every key that a run created: a key is ours from the moment we might have created it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from kms_conformance.client.lease import Lease, locked, try_locks
from kms_conformance.client.ledger_files import (
    LedgerError,
    account_digest,
    credential_of,
    earlier_place_of,
    others_of,
    place_of,
)
from kms_conformance.core.disk import append, make_folder, sync_folder
from kms_conformance.core.runtime import REAL
from kms_conformance.core.shard_marks import is_run_id, mark_of, run_id, same_division
from kms_conformance.target import Target

FORMAT = 1
MARKER_PREFIX = "kms-conformance-"
#: The event of a line that says in whose account, and with which credentials, a run works; it is of no key.
ACCOUNT = "account"
#: What a key is for: only the plain ones serve any check, others are of a special kind.
PLAIN = "plain"

# What a line may say of a key. After the first group the key may be there and enabled, after the second it is pending,
# after the third there is nothing to be done any more.
_OPEN = frozenset({"intent", "created", "taken"})
_WAITING = frozenset({"scheduled", "planted"})
_CLOSED = frozenset({"refused", "gone"})
# Nobody has looked yet for what such a create may have made.
_DOUBTFUL = frozenset({"intent", "refused"})
_MEMBERS = ("format", "at", "run", "event", "marker", "key")

_Line = tuple[str, str, str | None, Mapping[str, str]]


@dataclass(frozen=True)
class Entry:
    """One line of what became of a key: its event, the run that wrote it, `key` as its id once known, and the rest."""

    event: str
    marker: str
    key: str | None = None
    run: str = ""
    at: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The line as it is written."""
        head = {"format": FORMAT, "at": self.at, "run": self.run, "event": self.event, "marker": self.marker}
        return json.dumps(head | ({"key": self.key} if self.key else {}) | dict(self.facts))


@dataclass(frozen=True)
class Record:
    """What all lines on one marker come to: the latest event, who holds the key, and every fact that was noted.

    `origin` is the run that announced the key, `run` the one that holds it.
    """

    marker: str
    event: str
    key: str | None
    run: str
    kind: str
    facts: Mapping[str, str]
    origin: str = ""

    @property
    def named(self) -> str:
        """The key in words: by its id, or by the marker that a request to create it carried."""
        return f"the key {self.key}" if self.key else f"a key that may have been created as {self.marker}"

    @property
    def open(self) -> bool:
        """Whether the key may be there and not be scheduled for deletion."""
        return self.event in _OPEN

    @property
    def doubtful(self) -> bool:
        """Whether a key may have been made by a create of which no reply is known, or that was refused."""
        return self.key is None and self.event in _DOUBTFUL

    @property
    def there(self) -> bool:
        """Whether the key may be there at all, and so counts against quotas."""
        return self.event not in _CLOSED


@dataclass(frozen=True)
class Identity:
    """Whose keys a run made: the digest of an account, how the account is shown, and the digest of credentials."""

    account: str = ""
    shown: str = ""
    credential: str = ""


class Ledger:
    """One file a target, one JSON object a line, each on disk before the next request leaves.

    Several runs may write to one file: a line is appended as a whole under a lock, and each run holds a lease, so that
    the others leave its keys alone for as long as it lives, and no longer.
    """

    def __init__(self, path: Path, run: str = "", earlier: Path | None = None, credential: str = "") -> None:
        """`run` is an id that nobody else has; what a shard's begins with, see `core/shard_marks.py`.

        `earlier` is a file whose lines count as if they stood first in this one; `credential` tells the credentials of
        this run from others.
        """
        self.path = path
        self._paths = (path,) if earlier is None else (earlier, path)
        self._read: dict[Path, int] = {}
        self._mine = Identity(credential=credential)
        self._identities: dict[str, Identity] = {}
        self._others: tuple[Path, ...] = ()
        self.run = run or secrets.token_hex(4)
        self.clock = REAL
        self._lease = Lease(path, self.run)
        self._records: dict[str, Record] = {}
        self._held: set[str] = set()
        self._evidence: dict[str, Entry] = {}

    @classmethod
    def of(cls, target: Target, directory: Path | None = None, mark: str = "") -> Ledger:
        """The ledger of a target, whatever credentials it is reached with (see `ledger_files.py`)."""
        run = run_id(mark, secrets.token_hex(4))
        path, earlier = place_of(target, directory), earlier_place_of(target, directory)
        found = cls(path, run, None if earlier == path else earlier, credential_of(target))
        found._others = others_of(target, directory)
        return found

    @property
    def mark(self) -> str:
        """The mark of the shard that this run is; empty for a whole one."""
        return mark_of(self.run)

    # --- writing ----------------------------------------------------------------------------------------------------

    def write(self, event: str, marker: str, key: str | None = None, **facts: str) -> None:
        """Append one line and wait until it is on disk."""
        with self._exclusive():
            self._append((event, marker, key, facts))

    def close_all(self, markers: Iterable[str]) -> None:
        """Write down that no key carries these markers."""
        lines: list[_Line] = [("gone", marker, None, {}) for marker in markers]
        if lines:
            with self._exclusive():
                self._append(*lines)

    def take(self, record: Record) -> bool:
        """Make a key of an earlier run ours for this run; False if another run was faster, or still holds it."""
        with self._exclusive():
            now = self.records().get(record.marker)
            if now is None or now.key != record.key or not now.there or not self.is_free(now):
                return False
            self._append(("taken", record.marker, record.key, {}))
            return True

    def borrow(self, key: str) -> None:
        """Let this run name a planted key in requests that must be refused: it stays what it is."""
        if any(record.key == key for record in self.records().values()):
            self._held.add(key)

    def note(self, requirement: str, specs: str) -> None:
        """Note that a requirement was judged, by these specs, and held: some can be judged in the rarest runs only."""
        self.write("held", requirement, None, specs=specs)

    def bring_over(self, other: Ledger, markers: Iterable[str]) -> None:
        """Copy all lines on these markers from another ledger: their keys were found here, and proved to be those."""
        wanted = frozenset(markers)
        lines = [entry.line for entry in other.entries() if entry.marker in wanted and entry.event != ACCOUNT]
        if lines:
            with self._exclusive():
                self._write([*self._account_line(REAL.now()), *lines])

    def try_locks(self) -> None:
        """Make sure that locks beside this ledger keep others out. Raises `LocksDoNotHold`, and `OSError`."""
        try_locks(self.path.parent)

    def beat(self) -> None:
        """Show other machines that this run is at work."""
        self._lease.beat()

    def close(self) -> None:
        """Give up the lease: what is left to be done may be done by others."""
        self._lease.end()

    @property
    def others(self) -> tuple[Ledger, ...]:
        """Ledgers of targets of this name, with other credentials or elsewhere: they may hold keys of this account."""
        return tuple(Ledger(path) for path in self._others)

    # --- whose keys -------------------------------------------------------------------------------------------------

    def belongs_to(self, account: str, shown: str, *, note: bool = True) -> None:
        """Take note of the account that the endpoint has told; `shown` is how to show it, `note` writes it down."""
        self._mine = replace(self._mine, account=account_digest(account), shown=shown)
        # Who only reads the ledger afterwards knows by that line which account was meant.
        if note and self._mine.credential and self.records() and self._known != self._mine:
            with self._exclusive():
                self._write(self._account_line(REAL.now()))

    def is_elsewhere(self, record: Record) -> bool:
        """Whether a key is known to be of another account than the one that this run works in."""
        return self._is_of_another(record, self._account)

    def is_certain(self, record: Record) -> bool:
        """Whether a key must be of this account, so that one which is not there is gone."""
        made = self._identities.get(record.origin, Identity())
        if record.run == self.run or made.account == self._mine.account:
            return True
        return not (made.account and self._mine.account) and made.credential in ("", self._mine.credential)

    def elsewhere(self) -> tuple[tuple[Record, str], ...]:
        """The keys of other accounts that are not known to be scheduled, each with its account as it may be shown."""
        return tuple(
            (record, self._identities[record.origin].shown)
            for record in self.records().values()
            if record.open and self.is_elsewhere(record)
        )

    @property
    def _account(self) -> str:
        return self._mine.account or self._known.account

    def _is_of_another(self, record: Record, account: str) -> bool:
        made = self._identities.get(record.origin, Identity()).account
        return bool(made and account) and made != account

    @property
    def _known(self) -> Identity:
        """What was last noted of the account by a run with these credentials."""
        noted = (found for found in reversed(self._identities.values()) if found.account)
        return next((found for found in noted if found.credential == self._mine.credential), Identity())

    # --- reading ----------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """All lines, oldest first; one that a crash cut short is passed over. Raises `LedgerError`."""
        for path in self._paths:
            if path.exists():
                yield from _entries_in(path.read_bytes(), path)

    def records(self) -> Mapping[str, Record]:
        """What is known of each marker, in the order in which they were first written."""
        for path in self._paths:
            if path.exists():
                with path.open("rb") as file:
                    file.seek(self._read.get(path, 0))
                    new = file.read()
                whole = new[: new.rfind(b"\n") + 1]
                self._read[path] = self._read.get(path, 0) + len(whole)
                for entry in _entries_in(whole, path):
                    self._fold(entry)
        return self._records

    @property
    def here(self) -> tuple[Record, ...]:
        """What is known of each marker of the account that this run works in."""
        records = self.records().values()
        account = self._account
        return tuple(record for record in records if not self._is_of_another(record, account))

    def unfinished(self) -> tuple[Record, ...]:
        """The keys that were, or may have been, created and are not known to be scheduled: ours, and of dead runs."""
        return tuple(record for record in self.here if record.open and self.is_free(record))

    def doubtful(self) -> tuple[Record, ...]:
        """The creates, ours and of dead runs, of which nobody has looked yet what they made."""
        return tuple(record for record in self.here if record.doubtful and self.is_free(record))

    def reusable(self, kind: str) -> tuple[Record, ...]:
        """The keys of a kind that dead runs left, whether scheduled or not; a planted one is left where it is.

        A shard leaves alone what other shards have left: they will want it in the next night.
        """
        return tuple(
            record
            for record in self.here
            if record.kind == kind
            and record.key is not None
            and record.event in ("scheduled", "created", "taken")
            and record.run != self.run
            and not same_division(self.mark, mark_of(record.run))
            and self.is_free(record)
        )

    def holds(self, key: str) -> bool:
        """Whether this run holds a key: it has created it or taken it over, and a line on disk says so."""
        return key in self._held

    def marker_of(self, key: str) -> str:
        """The marker of a key that the ledger knows. Raises `KeyError`."""
        found = next((record.marker for record in self.records().values() if record.key == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def intends(self, marker: str) -> bool:
        """Whether this run is about to create a key with this marker, and a line on disk says so."""
        record = self._records.get(marker)
        return record is not None and record.event == "intent" and record.run == self.run

    def recalls(self, requirement: str, specs: str) -> bool:
        """Whether a requirement was last noted to hold by these specs."""
        self.records()
        found = self._evidence.get(requirement)
        return found is not None and found.facts.get("specs") == specs

    def is_free(self, record: Record) -> bool:
        """Whether a key is not in the hands of another run that lives."""
        return record.run == self.run or not any(Lease.alive(path, record.run) for path in self._paths)

    def _append(self, *lines: _Line) -> None:
        """Append lines of (event, marker, key, facts), and wait until they are on disk."""
        now = self.clock.now()
        at = now.isoformat(timespec="seconds")
        own = [Entry(*line[:3], self.run, at, line[3]).line for line in lines]
        self._write([*self._account_line(now), *own])

    def _account_line(self, now: datetime) -> list[str]:
        """The line on the account that this run works in, where it is not there yet."""
        if self._identities.get(self.run, Identity()) == self._mine:
            return []
        facts = {"shown": self._mine.shown, "credential": self._mine.credential}
        at = now.isoformat(timespec="seconds")
        return [Entry(ACCOUNT, self._mine.account, None, self.run, at, facts).line]

    def _write(self, lines: list[str]) -> None:
        self._lease.begin()
        if append(self.path, [line.encode() for line in lines]):
            sync_folder(self.path.parent)
        self.records()

    def _fold(self, entry: Entry) -> None:
        if entry.event == "held":
            self._evidence[entry.marker] = entry
            return
        if entry.event == ACCOUNT:
            self._identities.pop(entry.run, None)
            self._identities[entry.run] = Identity(
                entry.marker, entry.facts.get("shown", ""), entry.facts.get("credential", "")
            )
            return
        known = self._records.get(entry.marker)
        facts = {**(known.facts if known else {}), **entry.facts}
        latest = entry.event if entry.event in _OPEN | _WAITING | _CLOSED or known is None else known.event
        kind = facts.get("kind", PLAIN)
        run = entry.run or (known.run if known else "")
        origin = known.origin if known else entry.run
        record = Record(entry.marker, latest, entry.key or (known.key if known else None), run, kind, facts, origin)
        self._records[entry.marker] = record
        if record.key is not None and entry.event in ("created", "taken"):
            (self._held.add if record.run == self.run else self._held.discard)(record.key)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        make_folder(self.path.parent)
        with locked(self.path):
            yield


def _entries_in(data: bytes, path: Path) -> Iterator[Entry]:
    """The entries that whole lines hold."""
    for line in data.splitlines():
        try:
            raw = json.loads(line)
            known = raw["format"], raw["event"], raw["marker"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if known[0] != FORMAT:
            raise LedgerError(
                f"The ledger {path} was written by another version of kms-conformance (format {known[0]}).\n"
                "It knows of keys that this version would overlook: use the version that wrote it."
            )
        if not _is_written_by_us(raw):
            continue
        facts = {name: str(value) for name, value in raw.items() if name not in _MEMBERS}
        yield Entry(raw["event"], raw["marker"], raw.get("key"), raw.get("run", ""), raw.get("at", ""), facts)


def _is_written_by_us(raw: Mapping[str, object]) -> bool:
    """Whether the members of a line are what we write: a run's id becomes part of the name of a file."""
    texts = [raw.get(name, "") for name in _MEMBERS if name not in ("format", "key")]
    run = raw.get("run", "")
    key = raw.get("key")
    return (
        all(isinstance(text, str) for text in texts)
        and (key is None or isinstance(key, str))
        and isinstance(run, str)
        and is_run_id(run)
    )
