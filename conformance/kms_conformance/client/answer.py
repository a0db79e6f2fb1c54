"""What came back for one abstract operation, read but not yet judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from kms_conformance.catalogue.api import Operation, ReplySpec
from kms_conformance.dialects.base import ErrorView
from kms_conformance.wire.messages import Reply, Request


@dataclass(frozen=True)
class Answer:
    """A reply with its decoded body. `number` is that of the recorded exchange; `sent_at` is aware, UTC."""

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

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def code(self) -> str | None:
        """The vendor's error code, if the body holds one."""
        return None if self.error is None else self.error.code

    @property
    def accepted(self) -> bool:
        """Whether the reply says that the operation was carried out."""
        return self.status in ((200,) if self.operation is None else self.operation.success)

    @property
    def summary(self) -> str:
        """Status and error code, or the first characters of the body, for one line of a report."""
        if self.code is not None:
            return f"{self.status} {self.code}"
        body = self.reply.body[:120].decode(errors="replace").strip()
        return f"{self.status} {body}" if body else f"{self.status}, empty body"
