"""Back-off from a slow or throttling target, with time budgets that end every run in bounded time."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from kms_conformance.client.judge import Inconclusive
from kms_conformance.core.runtime import REAL, Clock
from kms_conformance.wire.dates import http_date
from kms_conformance.wire.messages import FailureKind, Reply

# Budgets in units of limits.timeout_seconds. With the default of 10 s, one request is retried for at most a minute, and
# all requests of a run together wait at most a quarter of an hour.
_ONE_REQUEST = 6
_WHOLE_RUN = 90
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
# Seconds that each request may take on average, on top of the quarter of an hour. The slowest service with a known
# quota serves two requests a second. So a smoke run (1,100 requests) ends within 52 minutes, and 30,000 requests end
# within 17 hours.
_A_REQUEST_SECONDS = 2.0
# The most time between two requests that is counted, in units of limits.timeout_seconds. One request with its retries
# takes no longer. A shard may wait longer for its turn, which is not the fault of the target.
_BETWEEN_TWO = 2 * _ONE_REQUEST
#: After this many requests in a row without a reply, no more are sent. Reads are sent twice, so a dead target reaches
#: this number with the third operation.
_MOST_UNANSWERED = 5
_SECONDS = re.compile(r"\s*[0-9]{1,9}\s*", re.ASCII)
_NO_REPLY: frozenset[FailureKind] = frozenset({"refused", "timeout", "reset", "tls"})


@dataclass
class Backoff:
    """Decides whether to wait for a target. After a budget is used up, no request is sent until `renew`.

    One time budget is for all delays by the target: throttling, pauses before retries, and slow replies.
    `interval_seconds` is the time between two requests at the rate that the user has set. It is granted in addition.
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
    _unanswered: int = 0
    _out: Inconclusive | None = field(default=None, repr=False)

    def check(self, now: float, asked: int) -> None:
        """Raise `Inconclusive` if a budget is used up.

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
                self._slowness(asked - self._asked_before, each),
                "Run again when the endpoint is faster, or reduce the load: a lower tier, or one shard at a time.",
            )

    def _slowness(self, asked: int, each: float) -> str:
        mean = self._replying / self._replies if self._replies else 0.0
        return (
            f"The run took {self._spent / 60:.0f} min for {asked} requests, more than {each:g} s each:"
            f" replies took {mean:.1f} s each, and {self._waited / 60:.0f} min were spent on retries."
            " No more requests were sent."
        )

    def _raise_again(self) -> None:
        if self._out is not None:
            raise Inconclusive(self._out.reason, self._out.hint)

    def renew(self) -> None:
        """Reset all budgets, because keys must be scheduled for deletion even if the budgets were used up before."""
        self._waited, self._unanswered, self._out = 0.0, 0, None
        self._spent, self._last, self._asked_before = 0.0, None, None

    def pause(self, attempt: int, since: float, asked_for: float | None, what: str) -> None:
        """Sleep before a request that was not carried out is sent again. Raises `Inconclusive` if the budget ends.

        - attempt: the number of the failed attempt, counted from 0.
        - since: the monotonic time of the first attempt.
        - asked_for: the seconds that the target asked to wait; None if it did not.
        - what: the answer of the target, or the failure, in words.
        """
        seconds = max(min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS), asked_for or 0.0)
        now = self.clock.monotonic()
        spent = now - since
        # The elapsed time counts, not the sum of the pauses that the target asked for. A target may ask for no pause
        # and never serve.
        self._waited += now - (since if attempt == 0 else self._waited_until)
        self._waited_until = now
        if (
            spent + seconds > self.timeout_seconds * _ONE_REQUEST
            or self._waited + seconds > self.timeout_seconds * _WHOLE_RUN
        ):
            wish = "" if asked_for is None else f"; it asks to retry after {asked_for:.0f} s"
            self._give_up(
                f"The target did not serve us for {spent:.0f} s ({attempt + 1} times {what}{wish})."
                " No more requests were sent.",
                "Lower limits.requests_per_second in the target file, or run again later.",
            )
        self.clock.sleep(seconds)

    def note_outcome(self, kind: FailureKind | None, seconds: float = 0.0) -> None:
        """Record a reply (`kind` None) that took `seconds`, or the failure that replaced it.

        Raises `Inconclusive` after too many requests without a reply in a row.
        """
        if kind is None:
            self._replies += 1
            self._replying += seconds
        self._unanswered = self._unanswered + 1 if kind in _NO_REPLY else 0
        if self._unanswered >= _MOST_UNANSWERED:
            self._give_up(
                f"The target has stopped answering: {self._unanswered} requests in a row got no reply ({kind})."
                " No more requests were sent.",
                "Is it still running? Run again when it is.",
            )

    def _give_up(self, reason: str, hint: str) -> None:
        self._out = Inconclusive(reason, hint)
        self._raise_again()


def retry_after(reply: Reply, now: datetime) -> float | None:
    """Seconds of the Retry-After header (RFC 9110, 10.2.3); None without one, or if it is malformed."""
    value = reply.header("Retry-After")
    if value is None:
        return None
    if _SECONDS.fullmatch(value):
        return float(value)
    at = http_date(value)
    return None if at is None else max(0.0, (at - now).total_seconds())
