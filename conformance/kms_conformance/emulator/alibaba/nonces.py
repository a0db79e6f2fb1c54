"""Nonces that were used: each may be used once while a signature with it would still be fresh."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from kms_conformance.emulator.alibaba.moments import SKEW

# A signature may be dated up to the skew ahead, and be fresh until the skew after that.
_KEPT = SKEW + SKEW + timedelta(minutes=1)
_SWEEP_EVERY = 1000


class Nonces:
    """Remembers (access key, nonce); safe for threads."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def seen(self, access_key_id: str, nonce: str, now: datetime) -> bool:
        """Whether the nonce was used before; from now on it was."""
        with self._lock:
            if len(self._used) % _SWEEP_EVERY == _SWEEP_EVERY - 1:
                self._used = {key: used for key, used in self._used.items() if now - used < _KEPT}
            known = (access_key_id, nonce) in self._used
            self._used[access_key_id, nonce] = now
            return known
