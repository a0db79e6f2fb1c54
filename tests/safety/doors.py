"""Doors of emulators that turn requests away before anything is carried out."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from kms_conformance.emulator import Decisions, Inbound


def refusing(refusal: str, when: Callable[[Inbound], bool]) -> type[Decisions]:
    """An emulator that refuses requests at its door, before anything is carried out."""

    class Refusing(Decisions):
        def token_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return refusal if when(inbound) else super().token_problem(found, inbound)

        def signature_problem(self, found: str | None, inbound: Inbound) -> str | None:
            return refusal if when(inbound) else super().signature_problem(found, inbound)

    return Refusing


class Bucket:
    """Lets so many requests a second pass, that many at once at most; true for one too many."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._left = max(1.0, rate)
        self._at = time.monotonic()
        self._lock = threading.Lock()
        self.refused = 0

    def __call__(self, _: Inbound) -> bool:
        with self._lock:
            now = time.monotonic()
            self._left = min(max(1.0, self._rate), self._left + (now - self._at) * self._rate)
            self._at = now
            if self._left >= 1:
                self._left -= 1
                return False
            self.refused += 1
            return True
