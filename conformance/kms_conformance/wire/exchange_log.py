"""Exchange records without secrets, and the log of a run that makes them on demand."""

from __future__ import annotations

import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from kms_conformance.core.text import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kms_conformance.wire.messages import Exchange, Headers
    from kms_conformance.wire.secrets.redactor import Redactor

#: Characters of a body that a record keeps: enough for every documented reply except a page of keys.
MAX_BODY = 16 * 1024
#: If a reply's body has more bytes, its record is made at once, because the record takes less memory.
_LARGE = 4 * MAX_BODY
#: Number of exchanges that are kept, the newest ones: enough for the longest scenario, and at most 130 MB.
MAX_RECORDS = 2000


@dataclass(frozen=True)
class Body:
    """A body as text. Unless it is `cut`, encoding the text by `encoding` gives the bytes of the body."""

    text: str
    encoding: Literal["utf-8", "latin-1"] = "utf-8"
    cut: bool = False

    @classmethod
    def of(cls, data: bytes) -> Body:
        """The body decoded as UTF-8, or as latin-1 if it is not UTF-8."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return cls(data[:MAX_BODY].decode("latin-1"), "latin-1", len(data) > MAX_BODY)
        return cls(text[:MAX_BODY], "utf-8", len(text) > MAX_BODY)


@dataclass(frozen=True)
class ExchangeRecord:
    """One exchange without secrets. `started` is ISO 8601 in UTC; fields of a missing reply are None.

    `ca_file`: the file with the certificate authorities of the endpoint; "" if they are those that every client trusts.
    """

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
    ca_file: str = ""

    @classmethod
    def of(
        cls, number: int, operation: str, exchange: Exchange, redactor: Redactor, ca_file: str = ""
    ) -> ExchangeRecord:
        """The record of an exchange; `operation` is the vendor's name of its operation."""
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
            reason=shortened(reply.reason) if reply else None,
            reply_headers=tuple((shortened(name), shortened(value)) for name, value in reply.headers) if reply else (),
            reply_body=Body.of(reply.body) if reply else None,
            failure=exchange.failure.kind if exchange.failure else None,
            failure_text=redactor.text(exchange.failure.text) if exchange.failure else None,
            ca_file=redactor.text(ca_file),
        )

    def as_json(self) -> dict[str, Any]:
        """The record as JSON-compatible values; without `ca_file` if there is none."""
        values = asdict(self)
        return values if self.ca_file else {name: value for name, value in values.items() if name != "ca_file"}


def _writable(text: str) -> str:
    # Fuzzers may generate halves of surrogate pairs, which cannot be encoded.
    return text.encode("utf-8", "replace").decode("utf-8")


class ExchangeLog:
    """Numbers exchanges in their order and keeps the newest; thread-safe.

    Redaction takes as long as an exchange on loopback (1 ms), and few exchanges are shown. So records are made on
    demand. Only records leave this class.
    """

    def __init__(self, redactor: Redactor, limit: int = MAX_RECORDS, before: int = 0, ca_file: str = "") -> None:
        """`before` is the number before that of the first exchange; `ca_file` is that of the endpoint."""
        self.redactor = redactor
        self._ca_file = ca_file
        self._kept: dict[int, tuple[int, str, Exchange] | ExchangeRecord] = {}
        self._limit = limit
        self._count = before
        self._lock = threading.Lock()

    def add(self, operation: str, exchange: Exchange) -> int:
        """Add one exchange; returns its number."""
        # Secrets are learned at once, because messages about this exchange may be redacted before its record is made.
        self.redactor.learn(exchange.request, exchange.reply)
        with self._lock:
            self._count += 1
            number = self._count
        size = len(exchange.reply.body) if exchange.reply else 0
        # Large bodies are redacted at once. If they were cut before redaction, half of a secret could be left.
        kept = (number, operation, exchange) if size <= _LARGE else self._record(number, operation, exchange)
        with self._lock:
            self._kept[number] = kept
            if len(self._kept) > self._limit:
                del self._kept[next(iter(self._kept))]
        return number

    def records(self, numbers: Iterable[int] | None = None) -> tuple[ExchangeRecord, ...]:
        """Records of the kept exchanges with these numbers, or of all, oldest first."""
        kept = self._entries(numbers)
        return tuple(entry if isinstance(entry, ExchangeRecord) else self._record(*entry) for entry in kept)

    def lines(self, numbers: Iterable[int]) -> Mapping[int, str]:
        """One line for each kept exchange with these numbers: operation or method, and status or failure."""
        return dict(map(_line, self._entries(numbers)))

    def _entries(self, numbers: Iterable[int] | None) -> list[tuple[int, str, Exchange] | ExchangeRecord]:
        with self._lock:
            return [
                self._kept[number]
                for number in sorted(self._kept if numbers is None else set(numbers) & self._kept.keys())
            ]

    def _record(self, number: int, operation: str, exchange: Exchange) -> ExchangeRecord:
        return ExchangeRecord.of(number, operation, exchange, self.redactor, self._ca_file)

    @property
    def count(self) -> int:
        """The number of the exchange that was added last, kept or not."""
        return self._count


def _line(entry: tuple[int, str, Exchange] | ExchangeRecord) -> tuple[int, str]:
    if isinstance(entry, ExchangeRecord):
        return entry.number, f"{entry.operation or entry.method} → {entry.status or entry.failure}"
    number, operation, exchange = entry
    came = exchange.reply.status if exchange.reply else exchange.failure.kind if exchange.failure else "nothing"
    return number, f"{operation or _writable(exchange.request.method)} → {came}"
