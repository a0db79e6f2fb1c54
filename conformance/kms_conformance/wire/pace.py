"""Keeps to the number of requests per second that the user promised the endpoint, and to fewer where it asks for it.

Additive increase and multiplicative decrease, as congestion is controlled elsewhere: no limiter that we know of can be
told in its course to be slower.
"""

from __future__ import annotations

import threading

from kms_conformance.core.runtime import REAL, Clock

#: Slower than one request in 5 s a run would not end; what throttles beyond that is waited for request by request.
MAX_INTERVAL = 5.0
#: Simulated for an endpoint that allows 2 requests a second, by window, by bucket or by spacing: 300 requests take 157
#: to 192 s, and 20 of them are refused once.
_SLOWER = 1.5
_FASTER = 0.98
# Below this there is nothing left to speed up: an exchange on loopback takes as long.
_NO_INTERVAL = 0.001
# How much the last gap between two requests counts in the mean of all.
_WEIGHT = 0.1


class Pace:
    """Spaces requests evenly: a burst within the promised second is what quotas are tripped by. None means no pace."""

    def __init__(self, requests_per_second: float | None, clock: Clock = REAL) -> None:
        self._clock = clock
        self._promised = 0.0 if requests_per_second is None else 1 / requests_per_second
        self._interval = self._promised
        self._next = 0.0
        self._last = self._clock.monotonic()
        self._mean_gap = self._promised
        self._lock = threading.Lock()

    @property
    def interval(self) -> float:
        """Seconds between two requests, as things are."""
        return self._interval

    def wait(self) -> None:
        """Return when the next request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            at = max(now, self._next)
            self._next = at + self._interval
            self._mean_gap += (min(at - self._last, MAX_INTERVAL) - self._mean_gap) * _WEIGHT
            self._last = at
        # Even no seconds of sleep take a quarter of a millisecond: the thread gives up its turn.
        if at > now:
            self._clock.sleep(at - now)

    def throttled(self) -> None:
        """The endpoint says that we are too fast: slower than we were, whatever was allowed."""
        with self._lock:
            slower = max(self._interval, self._mean_gap) * _SLOWER
            self._interval = max(self._promised, min(slower, MAX_INTERVAL))

    def served(self) -> None:
        """The endpoint has served a request: it may bear a little more, up to what was promised."""
        with self._lock:
            faster = self._interval * _FASTER
            self._interval = max(self._promised, faster if faster > _NO_INTERVAL else 0.0)
