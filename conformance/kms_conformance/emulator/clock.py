"""The emulator's two times: real time for signatures and tokens, a movable one for the lives of keys.

`POST /_control/clock` with `{"advance_seconds": N}` moves the lives of keys forward, and nothing else. It needs no
credentials: whoever reaches an emulator may spoil it anyway. N = 0 asks for the time.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from kms_conformance.emulator.messages import Headers, Inbound, Outbound, encode_json, parse_json, reply

if TYPE_CHECKING:
    from collections.abc import Callable


def system_time() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


class MovableClock:
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


CONTROL_PATH = "/_control/clock"
_JSON: Headers = (("Content-Type", "application/json"),)


def answer_control(inbound: Inbound, clock: MovableClock) -> Outbound:
    """200 with the new time, 400 with an explanation for what is no such body, 405 for another method."""
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
        raise ValueError('The body must be {"advance_seconds": N}, N being a number of seconds.')  # noqa: TRY004 - one kind of problem
    if seconds < 0:
        raise ValueError("advance_seconds is negative; the clock only moves forward.")
    return seconds


def _problem(status: int, text: str) -> Outbound:
    return reply(status, _JSON, {"error": text}, encode_json)
