"""The clock that decides when a target deletes its keys.

An emulator may offer `time_control`, a URL by which this clock is advanced. Otherwise the clock shows the real time.
Where all of the server's time moves, signatures are made by the same clock. How far a run advances the clock is known
before its first request.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from kms_conformance.catalogue.profile import Profile
from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.tier import EFFORTS, Tier
from kms_conformance.target.model import ClockScope
from kms_conformance.wire.dates import http_date, iso_date
from kms_conformance.wire.decode import decode_json
from kms_conformance.wire.messages import Request
from kms_conformance.wire.session import Session

# A target may round a deletion date up to the next day.
_ROUNDING = timedelta(days=1)
# Longer than all margins before and after a deletion date, than the time that the requests between them take, than the
# hours that pass between two reads of a pending key, and than `LOOK` in addition.
_MARGINS = timedelta(hours=5)
#: By how much a clock is moved to see whether it moves the target. Signatures are taken for 15 minutes at most.
LOOK = timedelta(minutes=10)
#: The advice where `time_control` moves, and the target does not.
STILL = (
    "base_url must be the server that was started by `kms-conformance clock`, without a proxy in front of it. The "
    "command cannot move static programs (most written in Go), containers and other hosts. Without time_control, a run "
    "leaves the end of the waiting period open."
)


@dataclass(frozen=True)
class Moment:
    """A moment of a run: the real time, and by how much the run had moved the target's clock until then."""

    real: datetime
    moved: timedelta


class TimeControl:
    """The current time for the target's keys. Signatures, tokens and HTTP dates use real time, unless all time moves.

    - `moved`: by how much this run has moved the clock.
    - `held`: true while other processes of this run test the target, so that its clock must not be moved.
    """

    def __init__(
        self,
        session: Session,
        url: str | None,
        note_move: Callable[[], object] = lambda: None,
        most: timedelta | None = None,
        *,
        moves: ClockScope = "lifetimes",
    ) -> None:
        """`note_move` is called after the clock was advanced: what ends by that may show late.

        `most` is the longest time by which the run may advance the clock in all; None: any time; zero: it may not. If
        the clock `moves` everything, the session signs by it from now on.
        """
        self._session = session
        self._url = url
        self._note_move = note_move
        self._most = most
        self.moved = timedelta()
        self.held = False
        self._ahead = timedelta()
        self._known = url is None
        self._everything = url is not None and moves == "everything"
        if self._everything:
            session.endpoint_now = self.now

    @property
    def moves_everything(self) -> bool:
        """Whether signatures are made by this clock, because all of the server's time moves with it."""
        return self._everything

    @property
    def known(self) -> bool:
        """Whether the time for keys is known without a request."""
        return self._known

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

    def require_moved(self, created_at: datetime | None) -> None:
        """Raise `Inconclusive` if a key that was just created has a date of the real time, although all time has moved.

        Such a date says that the clock does not move this target, so that no date of it can be judged.
        """
        if not self._everything or created_at is None:
            return
        now = self.now()
        real = now - self._ahead
        if abs(real - created_at) < LOOK / 4 and now - created_at > LOOK / 2:
            raise Inconclusive(
                f"The clock of the target does not move: a new key is dated {created_at:%Y-%m-%dT%H:%M:%SZ}, and by "
                f"time_control it is {now:%Y-%m-%dT%H:%M:%SZ}.",
                STILL,
            )

    def mark(self) -> Moment:
        """The present moment. Sends nothing, even if the target's time is not known yet."""
        return Moment(self._session.world.clock.now(), self.moved)

    def at(self, moment: Moment) -> datetime:
        """The time for keys at a moment of this run."""
        if not self._known:
            self.advance(0)
        return moment.real + self._ahead - (self.moved - moment.moved)

    def advance(self, seconds: float) -> datetime:
        """Advance the clock; returns the new time. Raises `Inconclusive` if it cannot or must not be."""
        if self._url is None:
            raise Inconclusive(
                "The waiting period cannot be skipped: the target offers no time_control.",
                "An emulator can offer one (see the format of the target file); on a cloud this is not tested.",
            )
        if self.held and seconds:
            raise Inconclusive(
                "The clock is not moved while several processes test the target.", "Run with one process: -n 0."
            )
        if self._most == timedelta() and seconds:
            raise Inconclusive(
                "The clock is not moved: before the run, it could not be looked up whether keys of others end by that.",
                "Run again when the endpoint serves, or add --yes.",
            )
        if self._most is not None and self.moved + timedelta(seconds=seconds) > self._most:
            raise Inconclusive(
                f"The clock is not moved further: it was announced that this run moves it by at most {self._most.days} "
                "days, because keys of others end by it.",
                "If no key at this endpoint matters, write `disposable: true` into the target file.",
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
        self.moved += timedelta(seconds=seconds)
        if seconds:
            self._note_move()
            if self._everything:
                self._session.renew_connections()
        return now


def usual_window(profile: Profile) -> int:
    """The window in days for checks that do not test windows: one day more than the minimum, within the bounds."""
    return min(profile.window.minimum + 1, profile.window.maximum)


def reach_of_run(profile: Profile, tier: Tier) -> timedelta:
    """The longest time by which a run at this tier moves the clock: three waiting periods, and walks of the model."""
    ends = _one_end(profile, usual_window(profile)) + _one_end(profile, profile.window.minimum)
    return ends + timedelta(days=profile.window.maximum + EFFORTS[tier].clock_days)


def reach_of_clients(profile: Profile, clients: int) -> timedelta:
    """The longest time by which a run through so many clients of vendors moves the clock: one waiting period each."""
    return clients * _one_end(profile, profile.window.minimum)


def _one_end(profile: Profile, days: int) -> timedelta:
    """From the scheduling of a key to the time at which it must be gone."""
    gone_within = timedelta(seconds=profile.deletion.gone_within_seconds)
    return timedelta(days=days) + _ROUNDING + gone_within + _MARGINS


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
