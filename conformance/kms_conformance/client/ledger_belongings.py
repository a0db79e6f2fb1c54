"""Lines of a ledger on belongings of keys: what runs may have given to a key, and what was given back since.

A line with the event `made` stands in the ledger before the request that may give a key one more alias, tag, grant or
another belonging. A line `returned` closes all earlier `made` lines of the same key and kinds; `kept` says that a run
tried to give something back, and the target refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kms_conformance.client.ledger_lines import LedgerLine

MADE = "made"
RETURNED = "returned"
KEPT = "kept"
EVENTS = frozenset({MADE, RETURNED, KEPT})

# Longer names and values are not written: no target accepts them, and lines stay short. AWS allows policies of 32 KiB.
_LONGEST = 32768


@dataclass(frozen=True)
class OpenBelongings:
    """What runs may have made of one kind on one key, and nobody is known to have given back.

    - runs: the runs that may have made it.
    - names: the recorded names; empty for kinds whose names the target shows.
    - kept: why it could not be given back at the last try; "" if nobody tried.
    """

    runs: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    kept: str = ""


class BelongingsBook:
    """The combined lines on belongings, by key and kind."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, OpenBelongings]] = {}
        self._own: dict[tuple[str, str], str] = {}
        self._returned: set[str] = set()

    def fold(self, entry: LedgerLine) -> None:
        """Take one line into account; malformed lines are skipped."""
        kinds = _texts(entry.facts.get("kinds", "[]"))
        if entry.key is None or kinds is None:
            return
        if entry.event == RETURNED:
            self._returned.add(entry.key)
        there = self._open.setdefault(entry.key, {})
        for kind in kinds:
            known = there.get(kind, OpenBelongings())
            if entry.event == RETURNED:
                there.pop(kind, None)
            elif entry.event == KEPT:
                there[kind] = replace(known, kept=entry.facts.get("reason", ""))
            else:
                names = tuple(dict.fromkeys((*known.names, *(_texts(entry.facts.get("names", "[]")) or ()))))
                there[kind] = OpenBelongings(known.runs | {entry.run}, names)
                if "own" in entry.facts:
                    self._own[entry.key, kind] = entry.facts["own"]
        if not there:
            del self._open[entry.key]

    def forget(self, key: str) -> None:
        """Take into account that a key is gone, and its belongings with it."""
        self._open.pop(key, None)

    def of(self, key: str) -> Mapping[str, OpenBelongings]:
        """What may be left on a key, by kind."""
        return self._open.get(key, {})

    def was_returned(self, key: str) -> bool:
        """Whether a run has given back what was on a key."""
        return key in self._returned

    def own(self, key: str, kind: str) -> str | None:
        """The value that a key had before any run changed it; None if no line has it."""
        return self._own.get((key, kind))

    def announces(self, run: str, key: str, kind: str, names: Iterable[str]) -> bool:
        """Whether the lines cover that this run may make these names."""
        found = self.of(key).get(kind)
        return found is not None and run in found.runs and set(names) <= set(found.names)


def facts_of(kinds: Iterable[str], names: Iterable[str] = (), own: str | None = None) -> Mapping[str, str]:
    """The facts of a line; values that are too long are left out."""
    written = list(recordable(names))
    return {
        "kinds": json.dumps(list(kinds)),
        **({"names": json.dumps(written)} if written else {}),
        **({"own": own} if own is not None and len(own) <= _LONGEST else {}),
    }


def recordable(names: Iterable[str]) -> tuple[str, ...]:
    """The names that a line can hold."""
    return tuple(name for name in names if len(name) <= _LONGEST)


def _texts(raw: str) -> tuple[str, ...] | None:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return tuple(found) if isinstance(found, list) and all(isinstance(each, str) for each in found) else None


def earlier(names: Iterable[str]) -> OpenBelongings:
    """What a run of an earlier release, which recorded no belongings, may have left under these names."""
    return OpenBelongings(frozenset({""}), tuple(names))
