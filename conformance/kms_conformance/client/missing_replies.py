"""Detection of missing replies: a request that repeatedly gets no reply while others are served is a failure.

A single missing reply proves nothing: a connection may break, a server may restart, or a proxy may drop clients that
send too much. So the request is sent again if a repetition is harmless. Between two attempts, a request that only reads
shows whether the target serves other requests. If the request may have been carried out, the state of the key shows
whether it was.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kms_conformance.client.judge import ANSWERED, Lost, Unanswered
from kms_conformance.client.resending import Looker

if TYPE_CHECKING:
    from kms_conformance.catalogue.api import Operation
    from kms_conformance.client.findings import Findings
    from kms_conformance.client.resending import Asked, Effect, Effects, Kind, Sent
    from kms_conformance.wire.messages import Exchange, Request

# How many attempts in a row without a reply are a failure of the target. A network that loses one reply in fifty loses
# three replies to the same request once in 125,000 requests, which is once in 150 runs. It loses two replies to the
# same request once in 2,500 requests, which is once in three runs.
_ENOUGH = 3
# A request that gets no reply and is answered when it is sent again indicates such a network. Each such request raises
# the number above by one. If the number exceeds this limit, no failure is recorded any more. A network that loses one
# reply in ten loses six replies to the same request once in a million requests.
_MOST = 6
# Seconds between attempts. The first pause is longer than the restart of a supervised process. All pauses together are
# long enough for an endpoint that allows one request a second.
_PAUSES = (0.25, 1.0, 2.0, 4.0, 8.0)
_TRIES = len(_PAUSES)
# For this many seconds after a throttled request, missing replies are not failures of the target. Quotas are counted by
# the second or the minute.
_THROTTLED_SECONDS = 60.0
_RUNNING = "Is it still running? Run again when it is."


class Resender(Looker, Protocol):
    """Functions of the client that send requests without judging the replies."""

    def again(self) -> Sent:
        """Send the unanswered request once more."""
        ...


@dataclass
class MissingReplies:
    """Statistics of a run on requests without a reply."""

    effects: Effects
    timeout_seconds: float
    _streaks: dict[Kind, list[int]] = field(default_factory=dict)
    _proved: set[Kind] = field(default_factory=set)
    _stuck: set[Kind] = field(default_factory=set)
    _answered_again: int = 0
    _throttled_at: float | None = None
    _serving: bool = False
    _served_before: bool = False

    # --- events -------------------------------------------------------------------------------------------------------

    def note_outcome(self, exchange: Exchange) -> None:
        """Note that a request has ended, with or without a reply."""
        self._served_before, self._serving = self._serving, exchange.reply is not None

    def note_throttled(self) -> None:
        """Note that the target has just throttled a request, or reported that it is unavailable."""
        self._throttled_at = self.effects.clock.monotonic()

    def note_reply(self, request: Request, operation: Operation | None) -> None:
        """Note that a request got a reply at its first attempt."""
        if self._streaks:
            self._streaks.pop(self.effects.asked(request, operation).kind, None)

    # --- decisions ----------------------------------------------------------------------------------------------------

    def check(self, request: Request, operation: Operation | None) -> None:
        """Raise `Unanswered` for a kind of request that is known to time out, to save the time of another attempt."""
        if self._stuck and (asked := self.effects.asked(request, operation)).kind in self._stuck:
            raise Unanswered(
                f"{asked.called} was not sent again: earlier in this run it repeatedly got no reply within"
                f" {self.timeout_seconds:g} s, while other requests were served.",
                _hint(self.timeout_seconds),
            )

    def is_due(self, sent: Sent) -> bool:
        """Whether the request got no reply, although the target had replied to the request before it."""
        return sent.unanswered and self._served_before

    def resend(
        self, resender: Resender, request: Request, operation: Operation | None, first: Sent, findings: Findings
    ) -> Sent:
        """Send an unanswered request again, as often as needed and harmless; returns the last attempt.

        Records a failure and raises `Unanswered` if the request never gets a reply while other requests are served.
        Raises `Lost` if the request gets no reply and the target cannot be blamed for this.
        """
        asked = self.effects.asked(request, operation)
        streak = self._streaks.setdefault(asked.kind, [])
        sent = first
        for tries in range(_TRIES + 1):
            effect = self._effect(resender, asked, sent)
            harmless = effect == "none"
            if effect == "done" or not sent.ended_as("stale"):
                # A `stale` attempt is not counted: its connection was closed perhaps before the request arrived, so the
                # missing reply proves nothing about the request.
                streak.append(sent.number)
            if (len(streak) > 1 or not harmless) and not self.effects.others_are_served(resender, asked):
                raise Lost(
                    f"No reply to {asked.called} ({sent.why}), and other requests are not served either.", _RUNNING
                )
            needed = self._needed(asked, harmless=harmless)
            if needed is not None and len(streak) >= needed:
                raise self._accused(asked, streak, first, sent, findings)
            if not harmless or tries == (_ENOUGH - 1 if needed is None else _TRIES):
                break
            self.effects.clock.sleep(_PAUSES[tries] if streak else 0.0)
            sent = resender.again()
            if not sent.unanswered:
                if streak and sent.exchange.reply is not None:
                    self._answered_again += 1
                    findings.observe(f"{asked.called}: {first.why}; the next attempt was answered")
                self._streaks.pop(asked.kind, None)
                return sent
        self.effects.forget_descriptions()
        findings.observe(f"{asked.called}: {first.why}; no reply, and the target is not blamed for it")
        raise Lost(f"No reply to {asked.called}: {sent.why}.", _hint(self.timeout_seconds, sent))

    # --- facts about an unanswered request ----------------------------------------------------------------------------

    def _effect(self, resender: Resender, asked: Asked, sent: Sent) -> Effect:
        if asked.kind in self._proved and not asked.harmless:
            return "unknown"
        return self.effects.of(resender, asked, sent.sent_at, timed_out=sent.ended_as("timeout"))

    def _needed(self, asked: Asked, *, harmless: bool) -> int | None:
        """How many unanswered attempts in a row are a failure of the target; None if no number of them is."""
        at = self._throttled_at
        if at is not None and self.effects.clock.monotonic() - at < _THROTTLED_SECONDS:
            return None
        if asked.kind in self._proved:
            return 2 if harmless else 1
        needed = _ENOUGH + self._answered_again
        return needed if needed <= _MOST else None

    def _accused(self, asked: Asked, streak: list[int], first: Sent, sent: Sent, findings: Findings) -> Unanswered:
        self._proved.add(asked.kind)
        if sent.ended_as("timeout"):
            self._stuck.add(asked.kind)
        self._streaks.pop(asked.kind, None)
        self.effects.forget_descriptions()
        times = f"{len(streak)} times in a row" if len(streak) > 1 else "again"
        received = f"none, {times}: {sent.why}; other requests were served meanwhile"
        cited = tuple(dict.fromkeys((streak[0], first.number, sent.number)))
        hint = _hint(self.timeout_seconds, sent)
        findings.breaks(ANSWERED, f"a reply to {asked.called}", received, cited, hint)
        return Unanswered(f"No reply to {asked.called}, {times} ({sent.why}), while other requests were served.", hint)


def _hint(timeout_seconds: float, sent: Sent | None = None) -> str:
    if sent is None or sent.ended_as("timeout"):
        return f"limits.timeout_seconds is {timeout_seconds:g}: raise it if the endpoint is just slow."
    return "See the log of the endpoint at this time."
