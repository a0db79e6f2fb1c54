"""Reads that lag behind: describing a key tells of how it was some 300 ms ago."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from datetime import datetime

from kms_conformance.emulator import Decisions, Key, Rules

_SECONDS = 0.3


class Lagging(Decisions):
    """Every change shows `_SECONDS` of real time later; creation at once, as there was nothing before it."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        self._versions: dict[str, list[tuple[float, Key]]] = {}

    def effects(self, operation: str, before: Key, after: Key, keys: Collection[Key]) -> Iterable[Key]:
        stored = tuple(super().effects(operation, before, after, keys))
        for key in stored:
            versions = self._versions.setdefault(key.id, [(0.0, before)])
            if versions[-1][1] != key:
                versions.append((time.monotonic(), key))
        return stored

    def shown(self, operation: str, key: Key, now: datetime) -> Key:
        found = super().shown(operation, key, now)
        if operation != "describe":
            return found
        ripe = time.monotonic() - _SECONDS
        return next((old for since, old in reversed(self._versions.get(key.id, [])) if since <= ripe), found)
