"""Recording of a run: every exchange in order, and every reading of the clock between them.

Redaction takes a third of a millisecond per exchange. So exchanges stay in memory until the checks are done or many
exchanges have accumulated. They are redacted before they are written, so no secret is written.
"""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING, BinaryIO

from kms_conformance.core.runtime import Chance, Clock
from kms_conformance.recording.draws import RecordedDraws
from kms_conformance.recording.exchange_json import ClockReadings, NumberedExchange, microseconds, moment, to_json
from kms_conformance.recording.placeholders import Placeholders
from kms_conformance.wire.secrets.redactor import Redactor
from kms_conformance.wire.world import ExchangeObserver, World

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kms_conformance.target import Target
    from kms_conformance.wire.messages import Exchange

# Most bytes of bodies and most exchanges in memory. If there are more, they are written between two requests, which
# delays a check by a second or more. A standard run has only 5,000 exchanges. An exchange takes some 6 kB besides its
# body.
_MOST_BYTES = 16 << 20
_MOST_EXCHANGES = 6000


class RecordedClock(Clock):
    """Real time, with all readings recorded."""

    def __init__(self) -> None:
        self._now = 0
        self._monotonic = 0
        self._readings: tuple[list[int], list[int]] = ([], [])

    def now(self) -> datetime:
        read = microseconds(super().now())
        self._readings[0].append(read - self._now)
        self._now = read
        return moment(read)

    def monotonic(self) -> float:
        read = round(super().monotonic() * 1_000_000)
        self._readings[1].append(read - self._monotonic)
        self._monotonic = read
        return read / 1_000_000

    def taken(self) -> ClockReadings:
        """The readings since the last call."""
        now, monotonic = self._readings
        self._readings = ([], [])
        return ClockReadings(tuple(now), tuple(monotonic))


class RecordingWriter(ExchangeObserver):
    """Writes a recording: a gzip file with one JSON object a line. The last line has the number of the others."""

    def __init__(self, path: Path, target: Target, clock: RecordedClock) -> None:
        self._path = path
        self._clock = clock
        self._redactor = Redactor.of(target, plaintexts=False)
        self._placeholders = Placeholders()
        self.draws = RecordedDraws()
        self._waiting: list[tuple[NumberedExchange, ClockReadings]] = []
        self._bytes = 0
        self.count = 0
        self._lost: OSError | None = None
        self._open: tuple[BinaryIO, gzip.GzipFile] | None = None

    def saw(self, exchange: Exchange) -> None:
        if self._lost is not None:
            return
        if (self._bytes > _MOST_BYTES or len(self._waiting) >= _MOST_EXCHANGES) and not self._is_second(exchange):
            self._write_waiting()
        self._waiting.append((NumberedExchange(exchange), self._clock.taken()))
        self._bytes += len(exchange.request.body) + (len(exchange.reply.body) if exchange.reply else 0)

    def named(self, exchange: Exchange, number: int, operation: str) -> None:
        # Of two requests that were sent together, the first one is named after the second one was seen.
        for place in range(len(self._waiting) - 1, max(-1, len(self._waiting) - 3), -1):
            if self._waiting[place][0].exchange is exchange:
                self._waiting[place] = (NumberedExchange(exchange, number, operation), self._waiting[place][1])
                return

    def _is_second(self, exchange: Exchange) -> bool:
        """Whether the exchange was sent together with the last one, which then waits for its name."""
        return bool(self._waiting) and self._waiting[-1][0].exchange.started is exchange.started

    def close(self) -> None:
        """Write the remaining lines. Raises `OSError` if any line could not be written."""
        self._write_waiting()
        if self._lost is not None:
            raise self._lost
        last = self._clock.taken()
        drawn = 0
        for line in self.draws.lines():
            self._write(self._without_secrets(line))
            drawn += 1
        self._write({"end": self.count, "drawn": drawn, "now": list(last.now), "monotonic": list(last.monotonic)})
        if self._open is not None:
            raw, packed = self._open
            packed.close()
            raw.close()

    def _write_waiting(self) -> None:
        # A full disk must not keep the run from scheduling its keys for deletion: the run goes on without a recording.
        try:
            self._write_all()
        except OSError as error:
            self._lost = self._lost or error
        self._waiting, self._bytes = [], 0

    def _write_all(self) -> None:
        for named, readings in self._waiting:
            self._write(to_json(named, readings, self._redactor, self._placeholders))
            self.count += 1

    def _without_secrets(self, line: dict[str, object]) -> dict[str, object]:
        """A line of drawn values without secrets.

        Drawn values may contain secrets, because links of a spec put values from replies into requests.
        """
        text = json.dumps(line)
        clean = self._redactor.text(self._placeholders.text(text))
        return line if clean == text else json.loads(clean)

    def _write(self, line: dict[str, object]) -> None:
        if self._open is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            raw = os.fdopen(descriptor, "wb")
            # Without a name and a time, equal exchanges give equal bytes.
            self._open = raw, gzip.GzipFile("", "wb", 6, raw, mtime=0)
        self._open[1].write(json.dumps(line, separators=(",", ":")).encode() + b"\n")


def recorded_world(path: Path, target: Target, seed: str) -> tuple[World, RecordingWriter]:
    """The inputs of a run with the randomness of this seed, all of them recorded, and the writer of the recording."""
    clock = RecordedClock()
    recording = RecordingWriter(path, target, clock)
    return World(clock, Chance.of(seed), recording, draws=recording.draws), recording
