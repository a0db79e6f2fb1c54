"""Exchanges as they may be stored: made through the redactor, and nowhere else."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from conformance.wire.messages import Exchange, Headers
    from conformance.wire.redact import Redactor

#: Characters of a body that are kept: all of every documented reply but a page of keys.
MAX_BODY = 16 * 1024
#: Exchanges that are kept, the newest: enough for the longest scenario, and 100 MB at the very worst.
MAX_RECORDS = 2000


@dataclass(frozen=True)
class Body:
    """A body as text. Encoded by `encoding` it is what was sent, byte for byte, unless it was cut."""

    text: str
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    cut: bool = False

    @classmethod
    def of(cls, data: bytes) -> Body:
        """The body as UTF-8 if it is that, else as one character a byte."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return cls(data[:MAX_BODY].decode("latin-1"), "latin-1", len(data) > MAX_BODY)
        return cls(text[:MAX_BODY], "utf-8", len(text) > MAX_BODY)


@dataclass(frozen=True)
class Record:
    """One exchange without its secrets. `started` is ISO 8601 in UTC; what there is no reply for is None."""

    number: int
    operation: str
    started: str
    seconds: float | None
    method: str
    url: str
    request_headers: Headers
    request_body: Body
    status: int | None
    reason: str | None
    reply_headers: Headers
    reply_body: Body | None
    failure: str | None
    failure_text: str | None

    @classmethod
    def of(cls, number: int, operation: str, exchange: Exchange, redactor: Redactor) -> Record:
        """The record of an exchange; `operation` is a label of ours."""
        request = redactor.request(exchange.request)
        reply = redactor.reply(exchange.reply) if exchange.reply else None
        return cls(
            number=number,
            operation=operation,
            started=exchange.started.isoformat(timespec="milliseconds"),
            seconds=round(reply.seconds, 6) if reply else None,
            method=_writable(request.method),
            url=_writable(request.url),
            request_headers=tuple((_writable(name), _writable(value)) for name, value in request.headers),
            request_body=Body.of(request.body),
            status=reply.status if reply else None,
            reason=reply.reason if reply else None,
            reply_headers=reply.headers if reply else (),
            reply_body=Body.of(reply.body) if reply else None,
            failure=exchange.failure.kind if exchange.failure else None,
            failure_text=redactor.text(exchange.failure.text) if exchange.failure else None,
        )

    def as_json(self) -> dict[str, Any]:
        """The record as what `json` can write."""
        return asdict(self)


def _writable(text: str) -> str:
    # A fuzzer may make half surrogate pairs, which no file and no report can hold.
    return text.encode("utf-8", "replace").decode("utf-8")


class Recorder:
    """Keeps the records of the newest exchanges, numbered from 1; safe to use from several threads."""

    def __init__(self, redactor: Redactor, limit: int = MAX_RECORDS) -> None:
        self.redactor = redactor
        self._records: deque[Record] = deque(maxlen=limit)
        self._count = 0
        self._lock = threading.Lock()

    def add(self, operation: str, exchange: Exchange) -> Record:
        """Record one exchange."""
        with self._lock:
            self._count += 1
            number = self._count
        record = Record.of(number, operation, exchange, self.redactor)
        with self._lock:
            self._records.append(record)
        return record

    @property
    def records(self) -> tuple[Record, ...]:
        """The kept records, oldest first."""
        with self._lock:
            return tuple(sorted(self._records, key=lambda record: record.number))

    @property
    def count(self) -> int:
        """How many exchanges were recorded, kept or not."""
        return self._count
