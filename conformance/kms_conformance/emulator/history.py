"""The former contents of the key store, for emulators whose replies lag behind the changes.

The store notes its contents before each change. Contents that were replaced are kept for a limited time, because a
lag is never longer than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kms_conformance.core.runtime import REAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kms_conformance.emulator.keys import Key


@dataclass(frozen=True)
class Contents:
    """All keys that the store held until a moment, in seconds of `Clock.monotonic`."""

    until: float
    keys: Mapping[str, Key]


class History:
    """Remembers which keys the store held before each change.

    `seconds` is for how long, in time of the process: the movable clock has no influence. With 0, nothing is
    remembered, so that an emulator without lag does no work for it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Oldest first.
        self._former: list[Contents] = []

    def note(self, keys: Mapping[str, Key]) -> None:
        """Note the contents of the store, which is about to change."""
        if self._seconds <= 0:
            return
        now = REAL.monotonic()
        kept = [contents for contents in self._former if contents.until > now - self._seconds]
        self._former = [*kept, Contents(now, dict(keys))]

    def at(self, seconds_ago: float, keys: Mapping[str, Key]) -> Mapping[str, Key]:
        """The contents of the store `seconds_ago` seconds ago; `keys` are its contents now."""
        moment = REAL.monotonic() - seconds_ago
        return next((contents.keys for contents in self._former if contents.until > moment), keys)
