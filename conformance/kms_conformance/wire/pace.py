"""Rate limit of requests: at most the rate of the target file, and slower if the endpoint throttles.

Additive increase and multiplicative decrease, as in TCP congestion control. No limiter library that we know of can
change its rate while in use.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kms_conformance.core.runtime import REAL, Clock

if TYPE_CHECKING:
    from collections.abc import Callable

#: Longest interval between two requests, in seconds: a third of the rate of the slowest service with a known quota, and
#: less than a run grants each request. An account that others use, too, may be throttled at any rate; then the back-off
#: of each request handles that.
MAX_INTERVAL = 1.5
#: Factors by which the interval changes after a throttled and after a served request. They were simulated for an
#: endpoint that allows 2 requests a second, counted by a time window, by a token bucket, or by the spacing of requests:
#: 300 requests took 157 to 192 s, and 20 of them were refused once.
_SLOWER = 1.5
_FASTER = 0.98
# Intervals below this number of seconds become 0, because even an exchange on loopback takes as long.
_NO_INTERVAL = 0.001
# Weight of the last gap between two requests in the moving average.
_WEIGHT = 0.1


class Pace:
    """Spaces requests evenly, because bursts within a second exceed quotas. A rate of None means no limit."""

    def __init__(self, requests_per_second: float | None, clock: Clock = REAL) -> None:
        self._clock = clock
        self._promised = 0.0 if requests_per_second is None else 1 / requests_per_second
        self._interval = self._promised
        self._next = 0.0
        self._last = self._clock.monotonic()
        self._mean_gap = self._promised
        self._lock = threading.Lock()
        #: Reserves the moment of a request among several processes: takes the earliest moment and the promised seconds
        #: between two requests, and returns the moment. None if this process alone sends requests.
        self.reserve: Callable[[float, float], float] | None = None

    @property
    def interval(self) -> float:
        """Current seconds between two requests."""
        return self._interval

    def wait(self) -> None:
        """Block until the next request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._next)
            if self.reserve is not None and self._promised:
                at = self.reserve(at, self._promised)
            self._next = at + self._interval
            self._mean_gap += (min(at - self._last, MAX_INTERVAL) - self._mean_gap) * _WEIGHT
            self._last = at
        # Without this test, sleep(0) would take a quarter of a millisecond: it yields to other threads.
        if at > now:
            self._clock.sleep(at - now)

    def slow_down(self) -> None:
        """Slow down after a throttled request, relative to the measured rate."""
        with self._lock:
            slower = max(self._interval, self._mean_gap) * _SLOWER
            self._interval = max(self._promised, min(slower, MAX_INTERVAL))

    def speed_up(self) -> None:
        """Speed up a little after a served request, up to the configured rate."""
        with self._lock:
            faster = self._interval * _FASTER
            self._interval = max(self._promised, faster if faster > _NO_INTERVAL else 0.0)
