"""Lines of a ledger file: their format, the records that they add up to, and the strict reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kms_conformance.client.ledger_files import LedgerError
from kms_conformance.core.shard_marks import is_run_id

FORMAT = 1
MARKER_PREFIX = "kms-conformance-"
#: The event of a line that says in whose account, and with which credentials, a run works; it is of no key.
ACCOUNT = "account"
#: What a key is for: only the plain ones serve any check, others are of a special kind.
PLAIN = "plain"

# What a line may say of a key. After the first group the key may be there and enabled, after the second it is pending,
# after the third there is nothing to be done any more.
OPEN = frozenset({"intent", "created", "taken"})
WAITING = frozenset({"scheduled", "planted"})
CLOSED = frozenset({"refused", "gone"})
# Nobody has looked yet for what such a create may have made.
_DOUBTFUL = frozenset({"intent", "refused"})
_MEMBERS = ("format", "at", "run", "event", "marker", "key")

LineContent = tuple[str, str, str | None, Mapping[str, str]]


@dataclass(frozen=True)
class LedgerLine:
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
class KeyRecord:
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
        return self.event in OPEN

    @property
    def doubtful(self) -> bool:
        """Whether a key may have been made by a create of which no reply is known, or that was refused."""
        return self.key is None and self.event in _DOUBTFUL

    @property
    def there(self) -> bool:
        """Whether the key may be there at all, and so counts against quotas."""
        return self.event not in CLOSED


@dataclass(frozen=True)
class RunAccount:
    """Whose keys a run made: the digest of an account, how the account is shown, and the digest of credentials."""

    account: str = ""
    shown: str = ""
    credential: str = ""


def entries_in(data: bytes, path: Path) -> Iterator[LedgerLine]:
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
        yield LedgerLine(raw["event"], raw["marker"], raw.get("key"), raw.get("run", ""), raw.get("at", ""), facts)


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
