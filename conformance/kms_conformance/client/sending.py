"""Sends single attempts: signs requests, and keeps the books of every exchange."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from kms_conformance.auth import Signer, SignInFailed
from kms_conformance.catalogue.api import Operation
from kms_conformance.client.answer import Answer
from kms_conformance.client.backoff import Backoff
from kms_conformance.client.belongings import BelongingChange, GivenBelongings
from kms_conformance.client.judge import Inconclusive
from kms_conformance.client.ledger import Ledger
from kms_conformance.client.missing_replies import MissingReplies
from kms_conformance.client.resending import Sent
from kms_conformance.client.signature_lock import SignatureLock
from kms_conformance.wire.exchange_log import ExchangeLog
from kms_conformance.wire.messages import Exchange, Request
from kms_conformance.wire.session import Session

_NO_REUSE = "a connection was closed after a reply without notice; later requests used new connections"


class _Ready(NamedTuple):
    """A signed request, what it may give to keys, and the time of signing."""

    request: Request
    changes: Sequence[BelongingChange]
    signed_at: datetime


@dataclass
class Sending:
    """Sends requests of one run without judging the replies.

    - noted: is called with each exchange.
    - look: sends an operation that only reads; see `Client.look`.
    - observe: notes an event that counts against no requirement.
    - requests: the number of requests so far.
    """

    session: Session
    ledger: Ledger
    belongings: GivenBelongings
    signature_lock: SignatureLock
    exchange_log: ExchangeLog
    missing_replies: MissingReplies
    backoff: Backoff
    noted: Callable[[Exchange], None]
    look: Callable[..., Answer | None]
    observe: Callable[[str], None]
    requests: int = 0

    def one(self, request: Request, operation: Operation | None, signer: Signer, *, on_purpose: bool) -> Sent:
        """Sign and send a request once; `on_purpose`: its signature is wrong. Raises `Inconclusive` if it is not sent.

        Raises also the exceptions of the gate.
        """
        if self.signature_lock.needs_good and (operation is None or operation.name != "list"):
            # Besides interrupting wrong signatures, this tells a denied permission from a refused signature.
            self.look("list")
            if on_purpose and self.signature_lock.needs_good:
                raise Inconclusive("Not sent: too many wrong signatures in a row, and the target serves no good one.")
        ready = self._ready(request, operation, signer)
        exchange = self.session.send(ready.request, repeatable=operation is not None and operation.reads)
        return self._kept(ready, operation, exchange, on_purpose=on_purpose)

    def two(self, asked: tuple[tuple[Request, Operation], tuple[Request, Operation]], signer: Signer) -> list[Sent]:
        """Sign two requests and send them at the same moment; returns them in this order. Raises as `one` does."""
        if self.signature_lock.needs_good:
            self.look("list")
        ready = [self._ready(request, operation, signer) for request, operation in asked]
        exchanges = self.session.send_together(ready[0].request, ready[1].request)
        return [
            self._kept(each, operation, exchange, on_purpose=False)
            for each, (_, operation), exchange in zip(ready, asked, exchanges, strict=True)
        ]

    def _ready(self, request: Request, operation: Operation | None, signer: Signer) -> _Ready:
        self.signature_lock.check()
        changes = self.belongings.announce(request, operation, self.look)
        signed_at = self.session.world.clock.now()
        try:
            return _Ready(signer.sign(request), changes, signed_at)
        except SignInFailed as error:
            raise Inconclusive(f"{error.what} {error.why}", error.hint) from error

    def _kept(self, ready: _Ready, operation: Operation | None, exchange: Exchange, *, on_purpose: bool) -> Sent:
        self.ledger.beat()
        self.belongings.note(ready.changes, exchange)
        self.signature_lock.note(exchange.reply, on_purpose=on_purpose)
        self.requests += 1
        name = "" if operation is None else operation.id
        number = self.exchange_log.add(name, exchange)
        self.session.world.observer.named(exchange, number, name)
        self.noted(exchange)
        self.missing_replies.note_outcome(exchange)
        if exchange.reply is not None:
            self.backoff.note_outcome(None, exchange.reply.seconds)
        elif exchange.failure is not None:
            self.backoff.note_outcome(exchange.failure.kind)
            if exchange.failure.kind == "stale":
                self.observe(_NO_REUSE)
        return Sent(ready.signed_at, exchange, number)
