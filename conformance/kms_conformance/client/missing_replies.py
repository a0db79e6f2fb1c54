"""A request that gets no reply, again and again while others are served: an answer is due, and it is missing.

A connection may break, a server be started anew, a proxy hang up on those who ask too much. So one request without a
reply proves nothing. It is sent again where that can do no harm, and between two attempts a harmless look shows that
the target serves others. Of a request that may have been carried out, the key's state says whether it was.
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
if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request


Kind = tuple[str, str, tuple[str, ...]]
Effect = Literal["none", "done", "unknown"]

#: What may be an answer that is due and missing. Not `refused`: nothing was asked. Not `truncated`: there was a reply.
SILENT: frozenset[FailureKind] = frozenset({"timeout", "stale", "reset"})

# So many attempts in a row accuse. A network that loses one reply in fifty loses three of the same request once in
# 125,000 requests, which is 150 runs; two of them once in 2,500, which is three runs.
_ENOUGH = 3
# Each request that was lost and then answered is a sign of such a network, and one more attempt is asked for. With more
# than so many nobody is accused: six of the same request in a row are lost once in a million where one in ten is.
_MOST = 6
# The first pause outlasts a process that is started anew within a supervisor; together they outlast a limiter of one
# request a second.
_PAUSES = (0.25, 1.0, 2.0, 4.0, 8.0)
_TRIES = len(_PAUSES)
# What took longer may have been given up by a proxy, with the service behind it still at work.
_PROMPT_SECONDS = 1.0
# Quotas are counted by the second or the minute.
_THROTTLED_SECONDS = 60.0
# While a change may still show, the key is read so often.
_LOOKS = 4
_RUNNING = "Is it still running? Run again when it is."
# The operations whose effect a description of the key shows.
_SHOWN = frozenset({"schedule", "cancel", "enable", "disable", "update_description"})


class Sent(NamedTuple):
    """One request that was sent: when, what became of it, and its number."""

    sent_at: datetime
    exchange: Exchange
    number: int

    @property
    def silent(self) -> bool:
        """Whether it got no reply, for a reason that may be the target's."""
        return self.exchange.failure is not None and self.exchange.failure.kind in SILENT

    @property
    def why(self) -> str:
        """Why there was no reply, in words."""
        return "" if self.exchange.failure is None else self.exchange.failure.text

    def ended_as(self, kind: FailureKind) -> bool:
        """Whether this is why there was no reply."""
        return self.exchange.failure is not None and self.exchange.failure.kind == kind


class Resender(Protocol):
    """What is needed of the client: ways to send that judge nothing."""

    def again(self) -> Sent:
        """Send the request that got no reply once more."""
        ...

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Ask for what changes nothing; None where the target does not serve it."""
        ...


@dataclass(frozen=True)
class _Asked:
    """What a request asks for: its operation, and the keys of ours that it names, as they were last read.

    `otherwise` says that it names more than keys, or creates one: no description of a key shows what it did. `before`
    is None where that is not known.
    """

    name: str
    operation: Operation | None
    form: str
    keys: tuple[str, ...]
    before: tuple[KeyView, ...] | None
    otherwise: bool

    @property
    def called(self) -> str:
        """What reports call it."""
        return self.name if self.operation is None else self.operation.id

    @property
    def kind(self) -> Kind:
        """Requests of one kind count as the same: by operation, form, and the states of the keys that they name."""
        states = ("unknown",) * len(self.keys) if self.before is None else tuple(view.state for view in self.before)
        return self.name, self.form, states


@dataclass
class MissingReplies:
    """What a run knows of requests that got no reply."""

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

    # --- what it is told ----------------------------------------------------------------------------------------------

    def heard(self, exchange: Exchange) -> None:
        """Take note of what became of a request, whichever it was."""
        self._served_before, self._serving = self._serving, exchange.reply is not None

    def throttled(self) -> None:
        """Take note that the target has just said that it is asked too much, or that it does not serve."""
        self._throttled_at = self.clock.monotonic()

    def was_read(self, key: str, answer: Answer) -> None:
        """Take note of how a key reads."""
        self._views[key] = answer

    def may_have_changed(self) -> None:
        """Take note that keys may read otherwise from now on."""
        self._views.clear()

    def answered(self, request: Request, operation: Operation | None) -> None:
        """Take note that a request got a reply at once."""
        if self._streaks:
            self._streaks.pop(self._asked(request, operation).kind, None)

    # --- what it is asked ---------------------------------------------------------------------------------------------

    def check(self, request: Request, operation: Operation | None) -> None:
        """Raise `Unanswered` for a request of which it is known that no reply comes in time: each costs a time-out."""
        if self._stuck and (asked := self._asked(request, operation)).kind in self._stuck:
            raise Unanswered(
                f"{asked.called} was not sent again: earlier in this run it got no reply within"
                f" {self.timeout_seconds:g} s, again and again, while others were served.",
                _hint(self.timeout_seconds),
            )

    def concerns(self, sent: Sent) -> bool:
        """Whether a reply is missing that may be due: the target has served the request before it."""
        return sent.silent and self._served_before

    def insist(
        self, line: Resender, request: Request, operation: Operation | None, first: Sent, findings: Findings
    ) -> Sent:
        """Send a request that got no reply again, as often as it takes and can do no harm; returns what came of it.

        Raises `Unanswered`, and accuses the target, where it never gets one while others are served; `Lost` where
        nothing follows for the target.
        """
        asked = self._asked(request, operation)
        streak = self._streaks.setdefault(asked.kind, [])
        sent = first
        for tries in range(_TRIES + 1):
            effect = self._effect(line, asked, sent)
            harmless = effect == "none"
            if effect == "done" or not sent.ended_as("stale"):
                # A used connection that was closed before the request came says nothing of the request.
                streak.append(sent.number)
            if (len(streak) > 1 or not harmless) and not self._others_are_served(line, asked):
                raise Lost(f"No reply to {asked.called} ({sent.why}), and others are not served either.", _RUNNING)
            needed = self._needed(asked, harmless=harmless)
            if needed is not None and len(streak) >= needed:
                raise self._accused(asked, streak, first, sent, findings)
            if not harmless or tries == (_ENOUGH - 1 if needed is None else _TRIES):
                break
            self.clock.sleep(_PAUSES[tries] if streak else 0.0)
            sent = line.again()
            if not sent.silent:
                if streak and sent.exchange.reply is not None:
                    self._answered_again += 1
                    findings.had_no_reply(f"{asked.called}: {first.why}; it was answered when it was sent again")
                self._streaks.pop(asked.kind, None)
                return sent
        self.may_have_changed()
        findings.had_no_reply(f"{asked.called}: {first.why}; it was not answered, and nobody is accused of that")
        raise Lost(f"No reply to {asked.called}: {sent.why}.", _hint(self.timeout_seconds, sent))

    # --- how it knows -------------------------------------------------------------------------------------------------

    def _asked(self, request: Request, operation: Operation | None) -> _Asked:
        keys, otherwise = self.gate.named(request)
        known = all(key in self._views for key in keys)
        before = tuple(self.dialect.key(self._views[key].value) for key in keys) if known else None
        name = f"{request.method} {request.path}" if operation is None else operation.name
        return _Asked(name, operation, form_of(request), keys, before, otherwise)

    def _needed(self, asked: _Asked, *, harmless: bool) -> int | None:
        """How many attempts in a row accuse; None where nobody is accused, however many there are."""
        at = self._throttled_at
        if at is not None and self.clock.monotonic() - at < _THROTTLED_SECONDS:
            return None
        if asked.kind in self._proved:
            return 2 if harmless else 1
        needed = _ENOUGH + self._answered_again
        return needed if needed <= _MOST else None

    def _effect(self, line: Resender, asked: _Asked, sent: Sent) -> Effect:
        """What a request that got no reply has done, by what it is and by the keys that it names.

        Only where it has none may it be sent again: it looks only, it names nothing of ours, or the keys read as before
        when a change would show by now.
        """
        operation = asked.operation
        if (operation is not None and operation.reads) or not (asked.keys or asked.otherwise):
            return "none"
        if asked.otherwise or asked.before is None or asked.kind in self._proved:
            return "unknown"
        # What is refused in this state changes nothing. Should it be carried out all the same, the key shows it.
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
                answer = line.look("describe", key_id=key)
                if answer is None or not answer.accepted:
                    return "unknown"
                if self.dialect.key(answer.value) != was:
                    return "done"
        return "none"

    def _others_are_served(self, line: Resender, asked: _Asked) -> bool:
        """Ask for something else that changes nothing."""
        if asked.name == "list":
            return line.look("describe", key_id=self.dialect.unknown_key()) is not None
        return line.look("list") is not None

    def _accused(self, asked: _Asked, streak: list[int], first: Sent, sent: Sent, findings: Findings) -> Unanswered:
        self._proved.add(asked.kind)
        if sent.ended_as("timeout"):
            self._stuck.add(asked.kind)
        self._streaks.pop(asked.kind, None)
        self.may_have_changed()
        times = f"{len(streak)} times in a row" if len(streak) > 1 else "again"
        received = f"none, {times}: {sent.why}; others were served meanwhile"
        cited = tuple(dict.fromkeys((streak[0], first.number, sent.number)))
        hint = _hint(self.timeout_seconds, sent)
        findings.breaks(ANSWERED, f"a reply to {asked.called}", received, cited, hint)
        return Unanswered(f"No reply to {asked.called}, {times} ({sent.why}), while others were served.", hint)


def _hint(timeout_seconds: float, sent: Sent | None = None) -> str:
    if sent is None or sent.ended_as("timeout"):
        return f"limits.timeout_seconds is {timeout_seconds:g}: raise it if the endpoint is only slow."
    return "What does the endpoint's log say at this time?"


def form_of(request: Request) -> str:
    """Method, names of the query, and names and types of the body's fields; of a body without fields, what it is."""
    query = sorted(piece.partition("=")[0] for piece in request.query.split("&") if piece)
    return " ".join((request.method, *query, *_body(request.body)))


def _body(body: bytes) -> list[str]:
    if not body.strip():
        return []
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        # A form has names; what is neither is told apart by its bytes.
        names = sorted(piece.partition(b"=")[0].decode("latin-1") for piece in body.split(b"&") if b"=" in piece)
        return names or [hashlib.sha256(body).hexdigest()[:16]]
    if isinstance(value, dict):
        return ["object", *sorted(f"{name}:{type(held).__name__}" for name, held in value.items())]
    return [type(value).__name__]
