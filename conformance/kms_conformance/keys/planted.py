"""Planted keys: keys that a run leaves pending on purpose, so that later runs can see their waiting period end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kms_conformance.client.ledger import Ledger
from kms_conformance.client.ledger_lines import LedgerLine


@dataclass(frozen=True)
class PlantedKey:
    """One planted key, as the ledger records it. All times are by the target's clock, aware, in UTC.

    - `end`: the end of the waiting period, computed as the time of the request plus the window.
    - `until`: the deletion date that the target gave.
    - `ciphertexts`: texts that were encrypted with the key before it was scheduled.
    - `companions`: the ids of our other keys, which must still exist when the planted key is gone.
    - `last_seen`: the last time at which a run read the key as pending.
    - `ended`: true once the ledger records that the key is gone.
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
    """The keys of this account that are planted now, or that stayed planted until they were gone; earliest first."""
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
            # A run has taken the key for its checks, so it is not a planted key any more.
            found.pop(entry.marker, None)
    records = ledger.records()
    return tuple(key for key in found.values() if ledger.is_certain(records[key.marker]))


def _planted(entry: LedgerLine) -> PlantedKey:
    facts = entry.facts
    asked, end, until = (datetime.fromisoformat(facts[name]) for name in ("asked", "end", "until"))
    texts, beside = (tuple(facts[name].split()) for name in ("ciphertexts", "beside"))
    return PlantedKey(entry.marker, str(entry.key), end, until, texts, beside, asked)
