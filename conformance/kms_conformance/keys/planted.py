"""Planted keys: keys left pending on purpose, as the ledger records them from planting to the end of their period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import LedgerLine


@dataclass(frozen=True)
class PlantedKey:
    """One planted key. Times are those of the target's clock, aware, in UTC.

    `end` is the end of its waiting period computed from window and request, `until` the date that the target gave.
    `ciphertexts` were encrypted with it before. `companions` are ids of our other keys, which must outlive it.
    `last_seen` is when a run last read it as pending. `ended` is true once the ledger records it as gone.
    """

    marker: str
    key: str
    end: datetime
    until: datetime
    ciphertexts: tuple[str, ...]
    companions: tuple[str, ...]
    last_seen: datetime
    ended: bool = False

    @classmethod
    def scheduled(cls, marker: str, key: str, asked: datetime, days: int, until: datetime) -> PlantedKey:
        """A key scheduled at `asked` with a window of `days`, for which the target gave the date `until`."""
        return cls(marker, key, asked + timedelta(days=days), until, (), (), asked)

    @property
    def last(self) -> datetime:
        """The later of the computed end and the target's own date."""
        return max(self.end, self.until)

    def facts(self, asked: datetime) -> Mapping[str, str]:
        """The facts of the ledger's `planted` entry; `asked` is the time of the schedule request."""
        return {
            "asked": asked.isoformat(),
            "end": self.end.isoformat(),
            "until": self.until.isoformat(),
            "ciphertexts": " ".join(self.ciphertexts),
            "beside": " ".join(self.companions),
        }


def planted_keys(ledger: Ledger) -> tuple[PlantedKey, ...]:
    """All keys of this account that are planted, or were until they were gone; the earliest first."""
    found: dict[str, PlantedKey] = {}
    for entry in ledger.entries():
        if entry.event == "planted":
            found[entry.marker] = _planted(entry)
        elif entry.event == "seen" and entry.marker in found:
            seen = datetime.fromisoformat(entry.facts["when"])
            found[entry.marker] = replace(found[entry.marker], last_seen=max(seen, found[entry.marker].last_seen))
        elif entry.event == "gone" and entry.marker in found:
            found[entry.marker] = replace(found[entry.marker], ended=True)
        elif entry.event in ("taken", "created"):
            # A run reuses the key as an ordinary one.
            found.pop(entry.marker, None)
    records = ledger.records()
    return tuple(key for key in found.values() if ledger.is_certain(records[key.marker]))


def _planted(entry: LedgerLine) -> PlantedKey:
    facts = entry.facts
    asked, end, until = (datetime.fromisoformat(facts[name]) for name in ("asked", "end", "until"))
    texts, beside = (tuple(facts[name].split()) for name in ("ciphertexts", "beside"))
    return PlantedKey(entry.marker, str(entry.key), end, until, texts, beside, asked)
