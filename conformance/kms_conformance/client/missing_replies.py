"""Detection of missing replies: a request that repeatedly gets no reply while others are served is a failure.

A single missing reply proves nothing: a connection may break, a server restart, or a proxy drop clients that send too
much. So the request is sent again if that is harmless, and between two attempts a read shows whether the target serves
others. For a request that may have been carried out, the state of the key tells whether it was.
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

#: Failures that count as missing replies. Not `refused`: the request was not sent. Not `truncated`: there was a reply.
NO_REPLY: frozenset[FailureKind] = frozenset({"timeout", "stale", "reset"})

# Attempts in a row without a reply that are a failure. A network that loses one reply in fifty loses three of the same
# request once in 125,000 requests, which is 150 runs; two of them once in 2,500, which is three runs.
_ENOUGH = 3
# Each request that was lost and then answered indicates such a network, and raises the number by one. Above this limit
# no failure is recorded: six losses of the same request in a row happen once in a million where one reply in ten is
# lost.
_MOST = 6
# Seconds between attempts. The first pause outlasts the restart of a supervised process; together they outlast a
# limiter of one request a second.
_PAUSES = (0.25, 1.0, 2.0, 4.0, 8.0)
_TRIES = len(_PAUSES)
# Seconds. After a longer wait, a proxy may have given up while the service still works on the request.
_PROMPT_SECONDS = 1.0
# Seconds. Quotas are counted by the second or the minute.
_THROTTLED_SECONDS = 60.0
# Number of reads of the key within the settle time.
_LOOKS = 4
_RUNNING = "Is it still running? Run again when it is."
# Operations whose effect shows in the description of the key.
_SHOWN = frozenset({"schedule", "cancel", "enable", "disable", "update_description"})


class Sent(NamedTuple):
    """One request that was sent: when, its exchange, and the number of the exchange."""

    sent_at: datetime
    exchange: Exchange
    number: int

    @property
    def unanswered(self) -> bool:
        """Whether it got no reply for a reason that may be the fault of the target."""
        return self.exchange.failure is not None and self.exchange.failure.kind in NO_REPLY

    @property
    def why(self) -> str:
        """The failure in words."""
        return "" if self.exchange.failure is None else self.exchange.failure.text

    def ended_as(self, kind: FailureKind) -> bool:
        """Whether it ended with this kind of failure."""
        return self.exchange.failure is not None and self.exchange.failure.kind == kind


class Resender(Protocol):
    """Functions of the client that send requests without judging the replies."""

    def again(self) -> Sent:
        """Send the unanswered request once more."""
        ...

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Send a reading operation; None if the target does not serve it."""
        ...


@dataclass(frozen=True)
class _Asked:
    """The meaning of a request: its operation, and our keys that it names, as last read.

    `otherwise`: it also names aliases or creates a key, so no key description shows its effect. `before` is None if a
    key has not been read.
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
        """The kind of the request: operation, form, and states of the named keys. Attempts are counted by kind."""
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
        """Any request has ended."""
        self._served_before, self._serving = self._serving, exchange.reply is not None

    def note_throttled(self) -> None:
        """The target has just throttled a request, or reported that it is unavailable."""
        self._throttled_at = self.clock.monotonic()

    def note_description(self, key: str, answer: Answer) -> None:
        """A key was described by this answer."""
        self._views[key] = answer

    def forget_descriptions(self) -> None:
        """Keys may have changed, so earlier descriptions are void."""
        self._views.clear()

    def note_reply(self, request: Request, operation: Operation | None) -> None:
        """A request got a reply at its first attempt."""
        if self._streaks:
            self._streaks.pop(self._asked(request, operation).kind, None)

    # --- decisions ----------------------------------------------------------------------------------------------------

    def check(self, request: Request, operation: Operation | None) -> None:
        """Raise `Unanswered` for a kind of request that is known to time out, as each attempt costs a time-out."""
        if self._stuck and (asked := self._asked(request, operation)).kind in self._stuck:
            raise Unanswered(
                f"{asked.called} was not sent again: earlier in this run it repeatedly got no reply within"
                f" {self.timeout_seconds:g} s, while other requests were served.",
                _hint(self.timeout_seconds),
            )

    def is_due(self, sent: Sent) -> bool:
        """Whether a reply is missing although the target has served the preceding request."""
        return sent.unanswered and self._served_before

    def resend(
        self, resender: Resender, request: Request, operation: Operation | None, first: Sent, findings: Findings
    ) -> Sent:
        """Send an unanswered request again, as often as needed and harmless; returns the last attempt.

        Raises `Unanswered`, and records a failure, if it never gets a reply while others are served. Raises `Lost` if
        the target cannot be blamed.
        """
        asked = self._asked(request, operation)
        streak = self._streaks.setdefault(asked.kind, [])
        sent = first
        for tries in range(_TRIES + 1):
            effect = self._effect(resender, asked, sent)
            harmless = effect == "none"
            if effect == "done" or not sent.ended_as("stale"):
                # A reused connection that was closed before the request arrived proves nothing about the request.
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
                    findings.had_no_reply(f"{asked.called}: {first.why}; the next attempt was answered")
                self._streaks.pop(asked.kind, None)
                return sent
        self.forget_descriptions()
        findings.had_no_reply(f"{asked.called}: {first.why}; no reply, and the target is not blamed for it")
        raise Lost(f"No reply to {asked.called}: {sent.why}.", _hint(self.timeout_seconds, sent))

    # --- evidence -----------------------------------------------------------------------------------------------------

    def _asked(self, request: Request, operation: Operation | None) -> _Asked:
        keys, otherwise = self.gate.named(request)
        known = all(key in self._views for key in keys)
        before = tuple(self.dialect.key(self._views[key].value) for key in keys) if known else None
        name = f"{request.method} {request.path}" if operation is None else operation.name
        return _Asked(name, operation, form_of(request), keys, before, otherwise)

    def _needed(self, asked: _Asked, *, harmless: bool) -> int | None:
        """Number of unanswered attempts that are a failure; None if no number is."""
        at = self._throttled_at
        if at is not None and self.clock.monotonic() - at < _THROTTLED_SECONDS:
            return None
        if asked.kind in self._proved:
            return 2 if harmless else 1
        needed = _ENOUGH + self._answered_again
        return needed if needed <= _MOST else None

    def _effect(self, resender: Resender, asked: _Asked, sent: Sent) -> Effect:
        """The effect of an unanswered request: by its operation, and by the state of the keys that it names.

        It may be sent again only if it had no effect: it only reads, it names nothing of ours, or the keys read as
        before at a time when a change would show.
        """
        operation = asked.operation
        if (operation is not None and operation.reads) or not (asked.keys or asked.otherwise):
            return "none"
        if asked.otherwise or asked.before is None or asked.kind in self._proved:
            return "unknown"
        # A request that must be refused in this state changes nothing. If it was carried out nevertheless, the key
        # shows it.
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
        """Whether the target serves another reading operation now."""
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

    Method, names in the query, and names and types of the fields of the body; for a body without fields, its type or
    digest.
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
