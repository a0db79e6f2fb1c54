"""Keeps to the number of requests per second that the user promised the endpoint."""

from __future__ import annotations

from pyrate_limiter import Limiter, Rate


class Pace:
    """Spaces requests evenly: a burst within the promised second is what quotas are tripped by. None means no pace."""

    def __init__(self, requests_per_second: float | None) -> None:
        self._limiter: Limiter | None = None
        if requests_per_second is not None:
            milliseconds = max(1, round(1000 / requests_per_second))
            # The default buffer of 50 ms would turn 5 requests a second into 4. Without any, the limiter's releases 4.0
            # to 4.2 wait for their next clean-up, 10 s later.
            self._limiter = Limiter(Rate(1, milliseconds), buffer_ms=1)

    def wait(self) -> None:
        """Return when the next request may be sent."""
        if self._limiter is not None:
            self._limiter.try_acquire("request")

    def close(self) -> None:
        """Let go of the limiter's thread."""
        if self._limiter is not None:
            self._limiter.close()
