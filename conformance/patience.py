"""How long a target that does not serve us is waited for, so that every run ends in bounded time."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.clock import REAL, Clock
from conformance.judge import Inconclusive
from conformance.wire.messages import FailureKind

# In units of limits.timeout_seconds, whose default is 10: for how long one request is asked again, a minute, and how
# long all requests of a run together may wait for that, a quarter of an hour.
_ONE_REQUEST = 6
_WHOLE_RUN = 90
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 8.0
#: Reads are asked twice, so this is met by the third thing that a run tries at a target that is gone.
_SILENT_REQUESTS = 5
_SILENT: frozenset[FailureKind] = frozenset({"refused", "timeout", "reset", "tls"})


@dataclass
class Patience:
    """Says whether to wait for a target. Once it has run out, nothing more is asked until it is renewed."""

    timeout_seconds: float
    clock: Clock = REAL
    _waited: float = 0.0
    _silent: int = 0
    _out: Inconclusive | None = field(default=None, repr=False)

    def check(self) -> None:
        """Raise `Inconclusive` where patience has run out before."""
        if self._out is not None:
            raise Inconclusive(self._out.reason, self._out.hint)

    def renew(self) -> None:
        """Once more from the beginning: there are keys to let go, whatever the target did before."""
        self._waited, self._silent, self._out = 0.0, 0, None

    def pause(self, attempt: int, since: float, asked_for: float | None, what: str) -> None:
        """Wait before a request that was not carried out is sent again; raises `Inconclusive` when that took too long.

        `attempt` counts from 0, `since` is the monotonic time of the first one; `asked_for` are the seconds that the
        target itself named, and `what` says what it answers.
        """
        seconds = min(_FIRST_PAUSE_SECONDS * 2**attempt, _LONGEST_PAUSE_SECONDS) if asked_for is None else asked_for
        spent = self.clock.monotonic() - since
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
        self._waited += seconds
        self.clock.sleep(seconds)

    def heard(self, kind: FailureKind | None) -> None:
        """Take note of a reply (None), or of why there was none; raises `Inconclusive` where it was one too many."""
        self._silent = self._silent + 1 if kind in _SILENT else 0
        if self._silent >= _SILENT_REQUESTS:
            self._give_up(
                f"The target has stopped answering: {self._silent} requests in a row ended without a reply ({kind})."
                " Nothing more was asked of it.",
                "Is it still running? Run again when it is.",
            )

    def _give_up(self, reason: str, hint: str) -> None:
        self._out = Inconclusive(reason, hint)
        self.check()
