"""Lines of a ledger file: their format, the record of a key that is made of them, and the strict reader."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kms_conformance.client.ledger_files import LedgerError
from kms_conformance.client.oracle import GONE
from kms_conformance.core.shard_marks import is_run_id
from kms_conformance.dialects.base import KeyView

FORMAT = 1
MARKER_PREFIX = "kms-conformance-"
#: The event of a line about a run, not about a key. The line has the account and the credentials that the run uses.
ACCOUNT = "account"
#: The kind of keys that any check may use. Keys of other kinds are for special checks.
PLAIN = "plain"

# Events after which the key may exist and be enabled.
OPEN = frozenset({"intent", "created", "taken"})
# Events after which the key is scheduled for deletion.
WAITING = frozenset({"scheduled", "planted"})
# Events after which nothing is left to do for the key.
CLOSED = frozenset({"refused", "gone"})
# Events of a request to create a key, after which nobody has checked whether the key exists.
_DOUBTFUL = frozenset({"intent", "refused"})
_MEMBERS = ("format", "at", "run", "event", "marker", "key")

LineContent = tuple[str, str, str | None, Mapping[str, str]]


@dataclass(frozen=True)
class LedgerLine:
    """One line about a key: its event, the run that wrote it, the id of the key once known, and further facts."""

    event: str
    marker: str
    key: str | None = None
    run: str = ""
    at: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """The JSON text of the line."""
        head = {"format": FORMAT, "at": self.at, "run": self.run, "event": self.event, "marker": self.marker}
        return json.dumps(head | ({"key": self.key} if self.key else {}) | dict(self.facts))


@dataclass(frozen=True)
class KeyRecord:
    """All lines on one marker combined: latest event, current holder, and all facts.

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
        """The key in words: its id, or the marker of the request to create it."""
        return f"the key {self.key}" if self.key else f"a key that may have been created as {self.marker}"

    @property
    def open(self) -> bool:
        """Whether the key may exist without being scheduled for deletion."""
        return self.event in OPEN

    @property
    def doubtful(self) -> bool:
        """Whether a request to create a key that was refused, or got no reply, may have created the key."""
        return self.key is None and self.event in _DOUBTFUL

    @property
    def may_exist(self) -> bool:
        """Whether the key may exist, and so may count against the quota of keys."""
        return self.event not in CLOSED

    def is_proved_by(self, view: KeyView) -> bool:
        """Whether a key that was read is the recorded key: its creation date or its marker proves it."""
        same = view.born is not None and view.born == self.facts.get("born")
        return view.state != GONE and (same or carries(view, self.marker.partition("/")[0]))

    def is_another(self, view: KeyView) -> bool:
        """Whether the recorded id now names a key with another creation date; then the recorded key is gone."""
        born = self.facts.get("born")
        other = born is not None and view.born is not None and view.born != born
        return view.state != GONE and other and not self.is_proved_by(view)


@dataclass(frozen=True)
class RunAccount:
    """The account of a run.

    - account: the digest of the account's id.
    - shown: the id in the form in which it may be shown.
    - credential: the digest of the credentials.
    """

    account: str = ""
    shown: str = ""
    credential: str = ""


def entries_in(data: bytes, path: Path) -> Iterator[LedgerLine]:
    """Parse complete lines; malformed ones are skipped. Raises `LedgerError` for another format version."""
    for line in data.splitlines():
        try:
            raw = json.loads(line)
            known = raw["format"], raw["event"], raw["marker"]
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        if known[0] != FORMAT:
            raise LedgerError(
                f"The ledger {path} was written by another version of kms-conformance (format {known[0]}).\n"
                "It lists keys that this version cannot see: use the version that wrote it."
            )
        if not _is_written_by_us(raw):
            continue
        facts = {name: str(value) for name, value in raw.items() if name not in _MEMBERS}
        yield LedgerLine(raw["event"], raw["marker"], raw.get("key"), raw.get("run", ""), raw.get("at", ""), facts)


def _is_written_by_us(raw: Mapping[str, object]) -> bool:
    """Whether the members of a line have the types that this suite writes.

    The run id must also have the form of one, because it becomes part of a file name.
    """
    texts = [raw.get(name, "") for name in _MEMBERS if name not in ("format", "key")]
    run = raw.get("run", "")
    key = raw.get("key")
    return (
        all(isinstance(text, str) for text in texts)
        and (key is None or isinstance(key, str))
        and isinstance(run, str)
        and is_run_id(run)
    )


def carries(view: KeyView, marker: str) -> bool:
    """Whether a description begins with a marker; checks append text to descriptions of our keys."""
    description = view.description or ""
    # The marker of key 1 is also the beginning of the marker of key 10.
    longer = marker[-1:].isdigit() and description[len(marker) : len(marker) + 1].isdigit()
    return description.startswith(marker) and not longer
