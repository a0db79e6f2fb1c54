"""The write-ahead record of every key that a run created: a key is ours from the moment we might have created it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from conformance.target import Target

FORMAT = 1
_SCOPES = ("project_id", "project", "access_key_id")
MARKER_PREFIX = "kms-conformance-"


@dataclass(frozen=True)
class Entry:
    """One line of what became of a key: intent, created, refused, scheduled or gone; `key` is its id once known."""

    event: str
    marker: str
    key: str | None = None


class Ledger:
    """One file a target, one JSON object a line, each on disk before the next request leaves."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, target: Target, directory: Path | None = None) -> Ledger:
        """The ledger of a target: named after it, told apart by its endpoint."""
        # One URL serves a whole region: the keys of one project or account are not those of the next.
        scope = next((str(value) for name in _SCOPES if (value := getattr(target.auth, name, None))), "")
        digest = hashlib.sha256(f"{target.dialect} {target.base_url} {scope}".encode()).hexdigest()[:8]
        return cls((directory or state_directory()) / f"{target.name}-{digest}.jsonl")

    def write(self, event: str, marker: str, key: str | None = None) -> None:
        """Append one line and wait until it is on disk."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = {"format": FORMAT, "at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event}
        line |= {"marker": marker} | ({"key": key} if key else {})
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, (json.dumps(line) + "\n").encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def entries(self) -> Iterator[Entry]:
        """All lines, oldest first; a last line that a crash cut short is passed over."""
        if not self.path.exists():
            return
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                raw = json.loads(line)
                yield Entry(raw["event"], raw["marker"], raw.get("key"))
            except (ValueError, KeyError):
                continue

    def unfinished(self) -> tuple[Entry, ...]:
        """The keys that were, or may have been, created and are not known to be scheduled for deletion."""
        latest: dict[str, Entry] = {}
        for entry in self.entries():
            known = latest.get(entry.marker)
            latest[entry.marker] = Entry(entry.event, entry.marker, entry.key or (known.key if known else None))
        return tuple(entry for entry in latest.values() if entry.event in {"intent", "created"})


def state_directory() -> Path:
    """Where ledgers are kept between runs: $KMS_CONFORMANCE_STATE, or the user's XDG state directory."""
    if given := os.environ.get("KMS_CONFORMANCE_STATE"):
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "kms-conformance"
