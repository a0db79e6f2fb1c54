"""The write-ahead record of every key that a run created: a key is ours from the moment we might have created it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.clock import REAL
from conformance.lease import Lease, locked
from conformance.mistake import UserMistake
from conformance.shard import mark_of, siblings
from conformance.target import Target

FORMAT = 1
_SCOPES = ("project_id", "project", "access_key_id")
MARKER_PREFIX = "kms-conformance-"
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


class LedgerError(UserMistake):
    """A ledger that this version cannot read; its keys must not be forgotten for that."""


@dataclass(frozen=True)
class Entry:
    """One line of what became of a key: its event, the run that wrote it, `key` as its id once known, and the rest."""

    event: str
    marker: str
    key: str | None = None
    run: str = ""
    at: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """What all lines on one marker come to: the latest event, who holds the key, and every fact that was noted."""

    marker: str
    event: str
    key: str | None
    run: str
    kind: str
    facts: Mapping[str, str]

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


class Ledger:
    """One file a target, one JSON object a line, each on disk before the next request leaves.

    Several runs may write to one file: a line is appended as a whole under a lock, and each run holds a lease, so that
    the others leave its keys alone for as long as it lives, and no longer.
    """

    def __init__(self, path: Path, run: str = "") -> None:
        """`run` is an id that nobody else has; what a shard's begins with, see `conformance.shard`."""
        self.path = path
        self.run = run or secrets.token_hex(4)
        self.clock = REAL
        self._lease = Lease(path, self.run)
        self._read_to = 0
        self._records: dict[str, Record] = {}
        self._held: set[str] = set()
        self._evidence: dict[str, Entry] = {}

    @classmethod
    def of(cls, target: Target, directory: Path | None = None, mark: str = "") -> Ledger:
        """The ledger of a target: named after it, told apart by its endpoint."""
        # One URL serves a whole region: the keys of one project or account are not those of the next.
        scope = next((str(value) for name in _SCOPES if (value := getattr(target.auth, name, None))), "")
        digest = hashlib.sha256(f"{target.dialect} {target.base_url} {scope}".encode()).hexdigest()[:8]
        run = f"{mark}-{secrets.token_hex(4)}" if mark else ""
        return cls((directory or state_directory()) / f"{target.name}-{digest}.jsonl", run)

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

    def close(self) -> None:
        """Give up the lease: what is left to be done may be done by others."""
        self._lease.end()

    # --- reading ----------------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """All lines, oldest first; one that a crash cut short is passed over. Raises `LedgerError`."""
        if self.path.exists():
            yield from _entries_in(self.path.read_bytes(), self.path)

    def records(self) -> Mapping[str, Record]:
        """What is known of each marker, in the order in which they were first written."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read_to += len(whole)
            for entry in _entries_in(whole, self.path):
                self._fold(entry)
        return self._records

    def unfinished(self) -> tuple[Record, ...]:
        """The keys that were, or may have been, created and are not known to be scheduled: ours, and of dead runs."""
        return tuple(record for record in self.records().values() if record.open and self.is_free(record))

    def doubtful(self) -> tuple[Record, ...]:
        """The creates, ours and of dead runs, of which nobody has looked yet what they made."""
        return tuple(record for record in self.records().values() if record.doubtful and self.is_free(record))

    def reusable(self, kind: str) -> tuple[Record, ...]:
        """The keys of a kind that dead runs left, whether scheduled or not; a planted one is left where it is.

        A shard leaves alone what other shards have left: they will want it in the next night.
        """
        return tuple(
            record
            for record in self.records().values()
            if record.kind == kind
            and record.key is not None
            and record.event in ("scheduled", "created", "taken")
            and record.run != self.run
            and not siblings(self.mark, mark_of(record.run))
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
        return record.run == self.run or not Lease.alive(self.path, record.run)

    def _append(self, *lines: _Line) -> None:
        """Append lines of (event, marker, key, facts), and wait until they are on disk."""
        self._lease.begin()
        at = self.clock.now().isoformat(timespec="seconds")
        written = b""
        for event, marker, key, facts in lines:
            line: dict[str, Any] = {"format": FORMAT, "at": at, "run": self.run, "event": event, "marker": marker}
            line |= ({"key": key} if key else {}) | dict(facts)
            written += json.dumps(line).encode() + b"\n"
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            # A line that a crash cut short must not swallow the next one.
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if torn else b"") + written)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if size == 0:
            _sync_folder(self.path.parent)
        self.records()

    def _fold(self, entry: Entry) -> None:
        if entry.event == "held":
            self._evidence[entry.marker] = entry
            return
        known = self._records.get(entry.marker)
        facts = {**(known.facts if known else {}), **entry.facts}
        latest = entry.event if entry.event in _OPEN | _WAITING | _CLOSED or known is None else known.event
        kind = facts.get("kind", PLAIN)
        run = entry.run or (known.run if known else "")
        record = Record(entry.marker, latest, entry.key or (known.key if known else None), run, kind, facts)
        self._records[entry.marker] = record
        if record.key is not None and entry.event in ("created", "taken"):
            (self._held.add if record.run == self.run else self._held.discard)(record.key)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(self.path):
            yield


def _entries_in(data: bytes, path: Path) -> Iterator[Entry]:
    """The entries that whole lines hold."""
    for line in data.splitlines():
        try:
            raw = json.loads(line)
            known = raw["format"], raw["event"], raw["marker"]
        except (ValueError, KeyError, TypeError):
            continue
        if known[0] != FORMAT:
            raise LedgerError(
                f"The ledger {path} was written by another version of kms-conformance (format {known[0]}).\n"
                "It knows of keys that this version would overlook: use the version that wrote it."
            )
        facts = {name: str(value) for name, value in raw.items() if name not in _MEMBERS}
        yield Entry(raw["event"], raw["marker"], raw.get("key"), raw.get("run", ""), raw.get("at", ""), facts)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def state_directory() -> Path:
    """Where ledgers are kept between runs: $KMS_CONFORMANCE_STATE, or the user's XDG state directory."""
    if given := os.environ.get("KMS_CONFORMANCE_STATE"):
        return Path(given)
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base) / "kms-conformance"
    try:
        return Path.home() / ".local" / "state" / "kms-conformance"
    except RuntimeError as error:
        raise LedgerError(
            "There is no folder for the ledger of keys: there is no HOME, and this user is in no list of users.\n"
            "Nothing was asked.\n"
            "Set KMS_CONFORMANCE_STATE to a folder that can be written, and that is kept between runs."
        ) from error
