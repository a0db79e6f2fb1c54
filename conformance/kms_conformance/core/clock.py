"""The one place that reads the time and waits, so that a run can be judged again by the time that it had."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """Real time."""

    def now(self) -> datetime:
        """The time of day, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds since some moment, in whole microseconds; only differences mean anything."""
        return time.monotonic_ns() // 1000 / 1_000_000

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


REAL = Clock()
