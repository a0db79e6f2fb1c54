"""The two clocks of the emulator: the system clock for signatures and tokens, a movable clock for key lifetimes.

`POST /_control/clock` with `{"advance_seconds": N}` moves the movable clock forward by N seconds. The
reply holds the new time; with N = 0, the request only reads the time. It needs no credentials, because the credentials
of the emulator are public.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.core.runtime import REAL
from kms_conformance.emulator.messages import Headers, Inbound, Outbound, encode_json, parse_json, reply

if TYPE_CHECKING:
    from collections.abc import Callable


def system_time() -> datetime:
    """The time of the system clock, in UTC."""
    return REAL.now()


class MovableClock:
    """Gives two times: `now`, for key lifetimes, can be moved forward; `real`, for authentication, cannot.

    If the clock moves `everything`, both are the same, as on a server whose whole time is moved from outside.
    """

    def __init__(self, source: Callable[[], datetime] = system_time, *, everything: bool = False) -> None:
        self._source = source
        self.everything = everything
        self._offset = timedelta()
        self._lock = threading.Lock()

    def real(self) -> datetime:
        """The time for signatures, tokens and HTTP dates, in UTC: that of the system clock, unless everything moves."""
        return self._source() + self._offset if self.everything else self._source()

    def now(self) -> datetime:
        """The time for key lifetimes, in UTC and whole seconds, the resolution that all services report."""
        with self._lock:
            return (self._source() + self._offset).replace(microsecond=0)

    def advance(self, seconds: float) -> datetime:
        """Move `now` forward by `seconds` and return it; raises `OverflowError` for a date that Python cannot hold."""
        with self._lock:
            # The date in 4000 days (11 years) must be valid too, so that every waiting period ends at a valid date.
            offset = self._offset + timedelta(seconds=seconds)
            _ = self._source() + offset + timedelta(days=4000)
            self._offset = offset
        return self.now()


def iso(moment: datetime) -> str:
    """The time as ISO 8601 text in UTC and whole seconds, such as `2021-05-26T18:22:03Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


CONTROL_PATH = "/_control/clock"
_JSON: Headers = (("Content-Type", "application/json"),)


def answer_control(inbound: Inbound, clock: MovableClock) -> Outbound:
    """Answer a clock request: 200 with the new time, 400 for an invalid body, 405 for a method other than POST."""
    if inbound.method != "POST":
        return _problem(405, "Use POST.").with_header("Allow", "POST")
    try:
        seconds = _seconds(parse_json(inbound.body))
        now = clock.advance(seconds)
    except ValueError as problem:
        return _problem(400, str(problem))
    except OverflowError:
        return _problem(400, "advance_seconds leads beyond the end of the calendar; use a smaller number.")
    return reply(200, _JSON, {"now": iso(now)}, encode_json)


def _seconds(body: Any) -> float:  # noqa: ANN401 - parsed JSON
    seconds = body.get("advance_seconds") if isinstance(body, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError('The body must be {"advance_seconds": N}, N being a number of seconds.')  # noqa: TRY004 - the caller catches ValueError
    if seconds < 0:
        raise ValueError("advance_seconds is negative; the clock only moves forward.")
    return seconds


def _problem(status: int, text: str) -> Outbound:
    return reply(status, _JSON, {"error": text}, encode_json)
