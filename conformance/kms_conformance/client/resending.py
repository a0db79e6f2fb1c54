"""What may be sent again: the effect of a request that got no usable reply, shown by the keys that it names."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    from kms_conformance.catalogue.api import Operation
    from kms_conformance.catalogue.profile import Profile
    from kms_conformance.client.answer import Answer
    from kms_conformance.client.gate import Gate
    from kms_conformance.core.runtime import Clock
    from kms_conformance.dialects.base import Dialect, KeyView
    from kms_conformance.wire.messages import Exchange, FailureKind, Request

Kind = tuple[str, str, tuple[str, ...]]
Effect = Literal["none", "done", "unknown"]

#: Failures that count as missing replies. `refused` does not count, because the request was not sent. `truncated` does
#: not count, because there was a reply.
NO_REPLY: frozenset[FailureKind] = frozenset({"timeout", "stale", "reset"})
#: The status of an internal error.
INTERNAL_ERROR = 500

# If a request fails after more seconds, a proxy may have given up while the service still works on the request.
_PROMPT_SECONDS = 1.0
# How often the key is read again within the settle time, for which reads may still return the former state.
_LOOKS = 4
# Refusals because of something that a change may have made or removed, besides those of the states of keys.
_OF_THE_FORMER_STATE = ("unknown_key", "unknown_alias", "lost_key", "invalid_grant")
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


class Looker(Protocol):
    """The function of the client that reads without judging the reply."""

    def look(self, operation: str, /, **arguments: object) -> Answer | None:
        """Send an operation that only reads; None if the target does not serve it."""
        ...


@dataclass(frozen=True)
class Asked:
    """A request without a usable reply, with the facts that decide whether it may be sent again.

    - name: the abstract operation, or method and path if the request belongs to no operation.
    - operation: the operation; None if the request belongs to none.
    - form: the form of the request, from `form_of`.
    - keys: the ids of the keys of ours that the request names.
    - before: how these keys read before the request; None if one of them had not been read.
    - creates: whether the request may create a key.
    - otherwise: whether the request also names aliases or may create a key. Descriptions of keys then do not show
      whether the request was carried out.
    """

    name: str
    operation: Operation | None
    form: str
    keys: tuple[str, ...]
    before: tuple[KeyView, ...] | None
    creates: bool
    otherwise: bool

    @property
    def called(self) -> str:
        """The name of the request in reports."""
        return self.name if self.operation is None else self.operation.id

    @property
    def harmless(self) -> bool:
        """Whether the request only reads or uses keys, or names nothing of ours, so that it has no effect on them."""
        return (self.operation is not None and self.operation.reads) or not (self.keys or self.otherwise)

    @property
    def kind(self) -> Kind:
        """The operation, the form, and the states of the named keys. Attempts are counted by this kind."""
        states = ("unknown",) * len(self.keys) if self.before is None else tuple(view.state for view in self.before)
        return self.name, self.form, states


@dataclass
class Effects:
    """Shows whether a request was carried out, from the last descriptions of the keys that it names."""

    dialect: Dialect
    gate: Gate
    profile: Profile
    clock: Clock
    _views: dict[str, Answer] = field(default_factory=dict)

    def note_description(self, key: str, answer: Answer) -> None:
        """Note the answer that describes a key."""
        self._views[key] = answer

    def forget_descriptions(self, keys: Iterable[str] | None = None) -> None:
        """Forget how these keys read before, because they may have changed; None: all keys."""
        if keys is None:
            self._views.clear()
            return
        for key in keys:
            self._views.pop(key, None)

    def note_carried_out(self, request: Request, operation: Operation | None) -> None:
        """Forget the descriptions that a request without a refusal may have changed."""
        if not self._views or (operation is not None and operation.reads):
            return
        keys, otherwise = self.gate.named(request)
        self.forget_descriptions(None if operation is None or otherwise else keys)

    def asked(self, request: Request, operation: Operation | None) -> Asked:
        """The facts about a request that decide whether it may be sent again."""
        keys, otherwise = self.gate.named(request)
        known = all(key in self._views for key in keys)
        before = tuple(self.dialect.key(self._views[key].value) for key in keys) if known else None
        name = f"{request.method} {request.path}" if operation is None else operation.name
        creates = name == "create" or self.gate.may_create(request)
        return Asked(name, operation, form_of(request), keys, before, creates, otherwise)

    def of(self, looker: Looker, asked: Asked, sent_at: datetime, *, timed_out: bool) -> Effect:
        """Whether a request without a usable reply was carried out.

        `timed_out`: this client or a proxy gave up waiting, so that the service may still work on the request.

        - none: the request only reads, or it names nothing of ours, or the keys that it names still read as before, at
          a time when a change would show.
        - done: a key that it names has changed.
        - unknown: none of these can be shown.
        """
        if asked.harmless:
            return "none"
        if asked.otherwise or asked.before is None:
            return "unknown"
        # A request that must be refused in this state changes nothing. If the target carries it out nevertheless, the
        # key shows the change.
        operation = asked.operation
        refused = operation is not None and all(
            self.profile.refusal_in(asked.name, view.state) for view in asked.before
        )
        prompt = self.is_over(sent_at, timed_out=timed_out)
        if not refused and (not prompt or (operation is not None and asked.name not in _SHOWN)):
            return "unknown"
        settle = 0.0 if refused else self.profile.settle_seconds
        for look in range(_LOOKS + 1 if settle else 1):
            self.clock.sleep(settle / _LOOKS if look else 0.0)
            for key, was in zip(asked.keys, asked.before, strict=True):
                answer = looker.look("describe", key_id=key)
                if answer is None or not answer.accepted:
                    return "unknown"
                if self._shown(self.dialect.key(answer.value)) != self._shown(was):
                    return "done"
        return "none"

    def _shown(self, view: KeyView) -> tuple[object, ...]:
        """What a key shows that a request may change; fields of no page may move by themselves."""
        known = self.profile.key_fields.known
        fields = {name: value for name, value in view.fields.items() if name in known}
        return view.id, view.state, view.deletion_at, view.description, fields

    def is_for_state(self, answer: Answer) -> bool:
        """Whether a refusal is one that the profile lists for some state of a key, or for an unknown key or alias.

        Other refusals, such as those of bad credentials, do not depend on what an earlier request has changed.
        """
        by_state = {} if answer.operation is None else self.profile.facts["lifecycle"].get(answer.operation.name, {})
        refusals = {*_OF_THE_FORMER_STATE, *by_state.values()}
        return any(self.profile.admits(refusal, answer.status, answer.code) for refusal in refusals)

    def is_over(self, sent_at: datetime, *, timed_out: bool) -> bool:
        """Whether a request ended so soon that the service no longer works on it."""
        return not timed_out and (self.clock.now() - sent_at).total_seconds() < _PROMPT_SECONDS

    def others_are_served(self, looker: Looker, asked: Asked) -> bool:
        """Whether the target now serves another operation that only reads."""
        if asked.name == "list":
            answer = looker.look("describe", key_id=self.dialect.unknown_key())
        else:
            answer = looker.look("list")
        return answer is not None and answer.status != INTERNAL_ERROR


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
