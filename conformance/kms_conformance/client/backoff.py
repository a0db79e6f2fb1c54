"""How long a target is waited for that serves us slowly, or not at all, so that every run ends in bounded time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.runtime import REAL, Clock
from kms_conformance.wire.dates import http_date
from kms_conformance.wire.messages import FailureKind

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Reply


# In units of limits.timeout_seconds, whose default is 10: for how long one request is asked again, a minute, and how
# long all requests of a run together may wait for that, a quarter of an hour.
_ONE_REQUEST = 6
_WHOLE_RUN = 90
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
# What each request may take on an average besides that quarter of an hour, with all that is done about it. The slowest
# service whose quota we know serves two requests a second. So 1,100 requests, a run of smoke, end within 52 minutes,
# and 30,000 within 17 hours.
_A_REQUEST_SECONDS = 2.0
# Between two requests a shard may wait for its turn, and nobody is to be blamed for that. What can be done about one
# request takes no longer than this, in units of the time-out.
_BETWEEN_TWO = 2 * _ONE_REQUEST
#: Reads are asked twice, so this is met by the third thing that a run tries at a target that is gone.
_SILENT_REQUESTS = 5
_SILENT: frozenset[FailureKind] = frozenset({"refused", "timeout", "reset", "tls"})


@dataclass
class Backoff:
    """Says whether to wait for a target. Once it has run out, nothing more is asked until it is renewed.

    One budget of time is drawn on by whatever takes long: the pace that a target asks for, pauses before a request is
    sent again, and slow replies. `interval_seconds` between two requests is what the user wants; it is granted besides.
    """

    timeout_seconds: float
    clock: Clock = REAL
    interval_seconds: float = 0.0
    _waited: float = 0.0
    _waited_until: float = 0.0
    _spent: float = 0.0
    _last: float | None = None
    _asked_before: int | None = None
    _replies: int = 0
    _replying: float = 0.0
    _silent: int = 0
    _out: Inconclusive | None = field(default=None, repr=False)

    def check(self, now: float, asked: int) -> None:
        """Raise `Inconclusive` where patience has run out, before or now.

        `now` is the monotonic time, `asked` the number of requests of the run so far.
        """
        self._raise_again()
        if self._last is None or self._asked_before is None:
            self._last, self._asked_before = now, asked
        self._spent += min(now - self._last, self.timeout_seconds * _BETWEEN_TWO)
        self._last = now
        each = max(_A_REQUEST_SECONDS, 2 * self.interval_seconds)
        if self._spent > self.timeout_seconds * _WHOLE_RUN + (asked - self._asked_before) * each:
            self._give_up(
                self._told(asked - self._asked_before, each),
                "Run again when the endpoint is faster, or ask for less: a lower tier, or one shard at a time.",
            )

    def _told(self, asked: int, each: float) -> str:
        mean = self._replying / self._replies if self._replies else 0.0
        return (
            f"The run took {self._spent / 60:.0f} min for {asked} requests, more than {each:g} s each:"
            f" replies took {mean:.1f} s each, and {self._waited / 60:.0f} min went by in waiting to be served."
            " Nothing more was asked."
        )

    def _raise_again(self) -> None:
        if self._out is not None:
            raise Inconclusive(self._out.reason, self._out.hint)

    def renew(self) -> None:
        """Once more from the beginning: there are keys to let go, whatever the target did before."""
        self._waited, self._silent, self._out = 0.0, 0, None
        self._spent, self._last, self._asked_before = 0.0, None, None

    def pause(self, attempt: int, since: float, asked_for: float | None, what: str) -> None:
        """Wait before a request that was not carried out is sent again; raises `Inconclusive` when that took too long.

        `attempt` counts from 0, `since` is the monotonic time of the first one; `asked_for` are the seconds that the
        target itself named, and `what` says what it answers.
        """
        seconds = max(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS), asked_for or 0.0)
        now = self.clock.monotonic()
        spent = now - since
        # The time that went by, not the pauses that were asked for: a target may ask for none, and never serve.
        self._waited += now - (since if attempt == 0 else self._waited_until)
        self._waited_until = now
        if (
            spent + seconds > self.timeout_seconds * _ONE_REQUEST
            or self._waited + seconds > self.timeout_seconds * _WHOLE_RUN
        ):
            wish = "" if asked_for is None else f"; it asks to come again in {asked_for:.0f} s"
            self._give_up(
                f"The target did not serve us for {spent:.0f} s ({attempt + 1} times {what}{wish})."
                " Nothing more was asked of it.",
                "Lower limits.requests_per_second in the target file, or run again later.",
            )
        self.clock.sleep(seconds)

    def heard(self, kind: FailureKind | None, seconds: float = 0.0) -> None:
        """Take note of a reply (None) that took so long, or of why there was none.

        Raises `Inconclusive` where that was one too many.
        """
        if kind is None:
            self._replies += 1
            self._replying += seconds
        self._silent = self._silent + 1 if kind in _SILENT else 0
        if self._silent >= _SILENT_REQUESTS:
            self._give_up(
                f"The target has stopped answering: {self._silent} requests in a row ended without a reply ({kind})."
                " Nothing more was asked of it.",
                "Is it still running? Run again when it is.",
            )

    def _give_up(self, reason: str, hint: str) -> None:
        self._out = Inconclusive(reason, hint)
        self._raise_again()


_SECONDS = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)


def retry_after(reply: Reply, now: datetime) -> float | None:
    """The seconds that a reply asks us to wait (RFC 9110, 10.2.3); None where it does not, or not intelligibly."""
    value = reply.header("Retry-After")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    at = http_date(value)
    return None if at is None else max(0.0, (at - now).total_seconds())
