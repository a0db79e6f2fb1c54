"""The clock that decides when a target deletes its keys.

An emulator may offer `time_control`, a URL by which this clock is advanced. Otherwise the clock shows the real time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

from kms_conformance.client.judge import Inconclusive
from kms_conformance.wire.dates import http_date, iso_date
from kms_conformance.wire.decode import decode_json
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session


class TimeControl:
    """The current time for the target's keys. Signatures, tokens and HTTP dates always use real time."""

    def __init__(self, session: Session, url: str | None, moved: Callable[[], object] = lambda: None) -> None:
        """`moved` is called after the clock was advanced: what ends by that may show late."""
        self._session = session
        self._url = url
        self._moved = moved
        self._ahead = timedelta()
        self._known = url is None

    @property
    def offered(self) -> bool:
        """Whether the target file has a time_control URL."""
        return self._url is not None

    def now(self) -> datetime:
        """The time for keys, timezone-aware, UTC.

        The first call asks the target, because an earlier run may have advanced the clock.
        """
        if not self._known:
            self.advance(0)
        return self._session.world.clock.now() + self._ahead

    def advance(self, seconds: float) -> datetime:
        """Advance the clock; returns the new time. Raises `Inconclusive` if the clock cannot be advanced."""
        if self._url is None:
            raise Inconclusive(
                "The waiting period cannot be skipped: the target offers no time_control.",
                "An emulator can offer one (see the format of the target file); on a cloud this is not tested.",
            )
        body = json.dumps({"advance_seconds": seconds}).encode()
        exchange = self._session.send(Request("POST", self._url, (("Content-Type", "application/json"),), body))
        reply = exchange.reply
        if reply is None or reply.status != 200:
            problem = exchange.failure.text if exchange.failure else f"status {reply and reply.status}"
            raise Inconclusive(f"The target's time_control does not work: {problem}", "Is its URL right?")
        now = _time(reply.body)
        self._ahead = now - self._session.world.clock.now()
        self._known = True
        if seconds:
            self._moved()
        return now


def skew(date: str | None, sent_at: datetime, now: datetime) -> float | None:
    """Seconds by which an endpoint's clock is ahead of ours, by the Date header of its reply.

    None without a valid header. The request was sent at `sent_at`, the reply was complete at `now`. The header has a
    resolution of one second, so any date between these times counts as 0.
    """
    told = http_date(date)
    if told is None:
        return None
    if sent_at - timedelta(seconds=1) <= told <= now:
        return 0.0
    return (told - (sent_at if told < sent_at else now)).total_seconds()


def _time(body: bytes) -> datetime:
    said = decode_json(body).value
    now = iso_date(str(said.get("now"))) if isinstance(said, dict) else None
    if now is None:
        raise Inconclusive(
            "The reply of the target's time_control has no valid time.", 'Expected {"now": "2026-01-01T00:00:00Z"}.'
        )
    return now
