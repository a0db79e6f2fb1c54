"""Two times: the real one, for signatures and tokens, and a movable one, for the lives of keys."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def system_time() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


class Clock:
    """The lives of keys run on `now`, which may be moved forward; authentication runs on `real`, which may not."""

    def __init__(self, source: Callable[[], datetime] = system_time) -> None:
        self._source = source
        self._offset = timedelta()
        self._lock = threading.Lock()

    def real(self) -> datetime:
        """The time that signatures and tokens are judged by."""
        return self._source()

    def now(self) -> datetime:
        """The time that keys live by: whole seconds, the granularity that all services report."""
        with self._lock:
            return (self._source() + self._offset).replace(microsecond=0)

    def advance(self, seconds: float) -> datetime:
        """Move `now` forward by `seconds` and return it; raises `OverflowError` beyond the calendar's end."""
        with self._lock:
            # Eleven years of room, so that no window that starts now can end beyond the calendar.
            offset = self._offset + timedelta(seconds=seconds)
            _ = self._source() + offset + timedelta(days=4000)
            self._offset = offset
        return self.now()


def iso(moment: datetime) -> str:
    """`2021-05-26T18:22:03Z`: UTC, whole seconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
