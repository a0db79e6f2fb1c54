"""Detection of missing replies: a request that repeatedly gets no reply while others are served is a failure.

A single missing reply proves nothing: a connection may break, a server may restart, or a proxy may drop clients that
send too much. So the request is sent again if a repetition is harmless. Between two attempts, a request that only reads
shows whether the target serves other requests. If the request may have been carried out, the state of the key shows
whether it was.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from kms_conformance.client.judge import ANSWERED, Lost, Unanswered

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.catalogue.api import Operation
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.client.answer import Answer
    from kms_conformance.client.findings import Findings
    from kms_conformance.client.gate import Gate
    from kms_conformance.core.runtime import Clock
    from kms_conformance.dialects.base import Dialect, KeyView
    from kms_conformance.wire.messages import Exchange, FailureKind, Request

Kind = tuple[str, str, tuple[str, ...]]
Effect = Literal["none", "done", "unknown"]

#: Failures that count as missing replies. `refused` does not count, because the request was not sent. `truncated` does
#: not count, because there was a reply.
NO_REPLY: frozenset[FailureKind] = frozenset({"timeout", "stale", "reset"})

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
# If a request fails after more seconds, a proxy may have given up while the service still works on the request.
_PROMPT_SECONDS = 1.0
# For this many seconds after a throttled request, missing replies are not failures of the target. Quotas are counted by
# the second or the minute.
_THROTTLED_SECONDS = 60.0
# How often the key is read again within the settle time, for which reads may still return the former state.
_LOOKS = 4
_RUNNING = "Is it still running? Run again when it is."
# Operations whose effect shows in the description of the key.
_SHOWN = frozenset({"schedule", "cancel", "enable", "disable", "update_description"})


class Sent(NamedTuple):
    """One request that was sent: the time of sending, the exchange, and the number of the exchange."""

    sent_at: datetime
    exchange: Exchange
    number: int

    @property
    def unanswered(self) -> bool:
        """Whether the request got no reply for a reason that may be the fault of the target."""
        return self.exchange.failure is not None and self.exchange.failure.kind in NO_REPLY

    @property
    def why(self) -> str:
        """The text of the failure; "" if the request got a reply."""
        return "" if self.exchange.failure is None else self.exchange.failure.text

    def ended_as(self, kind: FailureKind) -> bool:
        """Whether the request ended with this kind of failure."""
        return self.exchange.failure is not None and self.exchange.failure.kind == kind


class Resender(Protocol):
    """Functions of the client that send requests without judging the replies."""

    def again(self) -> Sent:
        """Send the unanswered request once more."""
        ...

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Send an operation that only reads; None if the target does not serve it."""
        ...


@dataclass(frozen=True)
class _Asked:
    """An unanswered request with the facts that decide whether it may be sent again.

    - name: the abstract operation, or method and path if the request belongs to no operation.
    - operation: the operation; None if the request belongs to none.
    - form: the form of the request, from `form_of`.
    - keys: the ids of the keys of ours that the request names.
    - before: how these keys read before the request; None if one of them had not been read.
    - otherwise: whether the request also names aliases or may create a key. Descriptions of keys then do not show
      whether the request was carried out.
    """

    name: str
    operation: Operation | None
    form: str
    keys: tuple[str, ...]
    before: tuple[KeyView, ...] | None
    otherwise: bool

    @property
    def called(self) -> str:
        """The name of the request in reports."""
        return self.name if self.operation is None else self.operation.id

    @property
    def kind(self) -> Kind:
        """The operation, the form, and the states of the named keys. Attempts are counted by this kind."""
        states = ("unknown",) * len(self.keys) if self.before is None else tuple(view.state for view in self.before)
        return self.name, self.form, states


@dataclass
class MissingReplies:
    """Statistics of a run on requests without a reply."""

    dialect: Dialect
    gate: Gate
    profile: Profile
    clock: Clock
    timeout_seconds: float
    _views: dict[str, Answer] = field(default_factory=dict)
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
        self._throttled_at = self.clock.monotonic()

    def note_description(self, key: str, answer: Answer) -> None:
        """Note the answer that describes a key."""
        self._views[key] = answer

    def forget_descriptions(self) -> None:
        """Forget how keys read before, because they may have changed."""
        self._views.clear()

    def note_reply(self, request: Request, operation: Operation | None) -> None:
        """Note that a request got a reply at its first attempt."""
        if self._streaks:
            self._streaks.pop(self._asked(request, operation).kind, None)

    # --- decisions ----------------------------------------------------------------------------------------------------

    def check(self, request: Request, operation: Operation | None) -> None:
        """Raise `Unanswered` for a kind of request that is known to time out, to save the time of another attempt."""
        if self._stuck and (asked := self._asked(request, operation)).kind in self._stuck:
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
        asked = self._asked(request, operation)
        streak = self._streaks.setdefault(asked.kind, [])
        sent = first
        for tries in range(_TRIES + 1):
            effect = self._effect(resender, asked, sent)
            harmless = effect == "none"
            if effect == "done" or not sent.ended_as("stale"):
                # A `stale` attempt is not counted: its connection was closed perhaps before the request arrived, so the
                # missing reply proves nothing about the request.
                streak.append(sent.number)
            if (len(streak) > 1 or not harmless) and not self._others_are_served(resender, asked):
                raise Lost(
                    f"No reply to {asked.called} ({sent.why}), and other requests are not served either.", _RUNNING
                )
            needed = self._needed(asked, harmless=harmless)
            if needed is not None and len(streak) >= needed:
                raise self._accused(asked, streak, first, sent, findings)
            if not harmless or tries == (_ENOUGH - 1 if needed is None else _TRIES):
                break
            self.clock.sleep(_PAUSES[tries] if streak else 0.0)
            sent = resender.again()
            if not sent.unanswered:
                if streak and sent.exchange.reply is not None:
                    self._answered_again += 1
                    findings.observe(f"{asked.called}: {first.why}; the next attempt was answered")
                self._streaks.pop(asked.kind, None)
                return sent
        self.forget_descriptions()
        findings.observe(f"{asked.called}: {first.why}; no reply, and the target is not blamed for it")
        raise Lost(f"No reply to {asked.called}: {sent.why}.", _hint(self.timeout_seconds, sent))

    # --- facts about an unanswered request ----------------------------------------------------------------------------

    def _asked(self, request: Request, operation: Operation | None) -> _Asked:
        keys, otherwise = self.gate.named(request)
        known = all(key in self._views for key in keys)
        before = tuple(self.dialect.key(self._views[key].value) for key in keys) if known else None
        name = f"{request.method} {request.path}" if operation is None else operation.name
        return _Asked(name, operation, form_of(request), keys, before, otherwise)

    def _needed(self, asked: _Asked, *, harmless: bool) -> int | None:
        """How many unanswered attempts in a row are a failure of the target; None if no number of them is."""
        at = self._throttled_at
        if at is not None and self.clock.monotonic() - at < _THROTTLED_SECONDS:
            return None
        if asked.kind in self._proved:
            return 2 if harmless else 1
        needed = _ENOUGH + self._answered_again
        return needed if needed <= _MOST else None

    def _effect(self, resender: Resender, asked: _Asked, sent: Sent) -> Effect:
        """Whether an unanswered request was carried out. Only a request without an effect may be sent again.

        - none: the request only reads, or it names nothing of ours, or the keys that it names still read as before, at
          a time when a change would show.
        - done: a key that it names has changed.
        - unknown: none of these can be shown.
        """
        operation = asked.operation
        if (operation is not None and operation.reads) or not (asked.keys or asked.otherwise):
            return "none"
        if asked.otherwise or asked.before is None or asked.kind in self._proved:
            return "unknown"
        # A request that must be refused in this state changes nothing. If the target carries it out nevertheless, the
        # key shows the change.
        refused = operation is not None and all(
            self.profile.refusal_in(asked.name, view.state) for view in asked.before
        )
        prompt = not sent.ended_as("timeout") and (self.clock.now() - sent.sent_at).total_seconds() < _PROMPT_SECONDS
        if not refused and (not prompt or (operation is not None and asked.name not in _SHOWN)):
            return "unknown"
        settle = 0.0 if refused else self.profile.settle_seconds
        for look in range(_LOOKS + 1 if settle else 1):
            self.clock.sleep(settle / _LOOKS if look else 0.0)
            for key, was in zip(asked.keys, asked.before, strict=True):
                answer = resender.look("describe", key_id=key)
                if answer is None or not answer.accepted:
                    return "unknown"
                if self.dialect.key(answer.value) != was:
                    return "done"
        return "none"

    def _others_are_served(self, resender: Resender, asked: _Asked) -> bool:
        """Whether the target now serves another operation that only reads."""
        if asked.name == "list":
            return resender.look("describe", key_id=self.dialect.unknown_key()) is not None
        return resender.look("list") is not None

    def _accused(self, asked: _Asked, streak: list[int], first: Sent, sent: Sent, findings: Findings) -> Unanswered:
        self._proved.add(asked.kind)
        if sent.ended_as("timeout"):
            self._stuck.add(asked.kind)
        self._streaks.pop(asked.kind, None)
        self.forget_descriptions()
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


def form_of(request: Request) -> str:
    """The form of a request; requests of one form differ in values only.

    The form consists of the method, the names in the query, and the names and types of the fields of the body. A body
    without fields is represented by its type or its digest.
    """
    query = sorted(piece.partition("=")[0] for piece in request.query.split("&") if piece)
    return " ".join((request.method, *query, *_body(request.body)))


def _body(body: bytes) -> list[str]:
    if not body.strip():
        return []
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        # The body is a form with names; any other body is identified by its digest.
        names = sorted(piece.partition(b"=")[0].decode("latin-1") for piece in body.split(b"&") if b"=" in piece)
        return names or [hashlib.sha256(body).hexdigest()[:16]]
    if isinstance(value, dict):
        return ["object", *sorted(f"{name}:{type(held).__name__}" for name, held in value.items())]
    return [type(value).__name__]
