"""The answer to one operation: the reply, decoded but not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from kms_conformance.catalogue.api import Operation, ReplySpec
from kms_conformance.client.front import Front, front_of
from kms_conformance.dialects.base import ErrorView
from kms_conformance.wire.messages import Reply, Request


@dataclass(frozen=True)
class Answer:
    """A reply with its decoded body.

    - operation: the operation of the request; None if the request belongs to none.
    - request, reply: the exchange as it was sent and received.
    - spec: the documented reply with this status; None if the status is not documented.
    - value: the decoded body.
    - problems: the defects of the body.
    - error: the error that the body reports; None below status 400.
    - number: the number of the recorded exchange.
    - sent_at: the time of the request, timezone-aware, UTC.
    - documented: the statuses that the documents name for the operation.
    - served_before: whether a request to this path was accepted before in this run.
    """

    operation: Operation | None
    request: Request
    reply: Reply
    spec: ReplySpec | None
    value: object
    problems: tuple[str, ...]
    error: ErrorView | None
    number: int
    sent_at: datetime
    documented: tuple[int, ...]
    served_before: bool = False

    @property
    def status(self) -> int:
        return self.reply.status

    @cached_property
    def front(self) -> Front | None:
        """What gave the reply in front of the service; None if the service may have given it."""
        value = None if self.problems else self.value
        return front_of(self.reply, self.error, value, self.request.url, served=self.served_before)

    @property
    def code(self) -> str | None:
        """The vendor's error code in the body, or None."""
        return None if self.error is None else self.error.code

    @property
    def accepted(self) -> bool:
        """Whether the status is one that the documents name for a successful operation."""
        return self.status in ((200,) if self.operation is None else self.operation.success)

    @property
    def summary(self) -> str:
        """Status and error code, or status and the start of the body, for one line of a report."""
        if self.code is not None:
            return f"{self.status} {self.code}"
        body = " ".join(self.reply.body[:120].decode(errors="replace").split())
        return f"{self.status} {body}" if body else f"{self.status}, empty body"
