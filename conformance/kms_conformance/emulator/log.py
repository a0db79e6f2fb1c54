"""The log of the emulator: one line for each request, with its trace context and without secrets.

A line has seven fields, separated by blanks, so that `grep`, `cut` and `awk` can read it:

    2026-11-30T15:41:44.423Z POST / schedule 200 00-4bf92f35...4736-00f067aa0ba902b7-01 kms-conformance=window::test_...

These are the real time (UTC), the method, the path, the operation by its name in all dialects, the status, and the
headers `traceparent` and `tracestate`. A missing field is `-`. The query is left out: it may contain a signature.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from kms_conformance.core.runtime import REAL

if TYPE_CHECKING:
    from collections.abc import Callable

    from kms_conformance.emulator.messages import Inbound, Outbound

# The longest field, in characters. Fuzzed requests have paths of many kilobytes.
_MOST = 300


class RequestLog:
    """Writes the lines by `write`, one at a time; `write` gets each line without a line end. Thread-safe."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()

    def note(self, inbound: Inbound, outbound: Outbound) -> None:
        """Write the line of a request and its reply."""
        self._add(
            inbound.method,
            inbound.path,
            inbound.operation or "",
            _status(outbound),
            inbound.header("traceparent") or "",
            inbound.header("tracestate") or "",
        )

    def note_unreadable(self, outbound: Outbound) -> None:
        """Write the line of bytes that are no HTTP request."""
        self._add("", "", "", _status(outbound), "", "")

    def _add(self, *fields: str) -> None:
        # Whatever becomes of the log, for example on a full disk, the reply is sent.
        with self._lock, contextlib.suppress(OSError, ValueError):
            now = f"{REAL.now():%Y-%m-%dT%H:%M:%S.%f}"[:-3]
            self._write(" ".join((f"{now}Z", *map(_field, fields))))


def _status(outbound: Outbound) -> str:
    """The status of the reply; `-` if the emulator sends none."""
    return "" if outbound.silence is not None else str(outbound.status)


def _field(text: str) -> str:
    """The text as one field of a line: percent-encoded where it is not printable ASCII, `-` if it is empty."""
    written = "".join(each if "!" <= each <= "~" else "".join(f"%{byte:02X}" for byte in _bytes(each)) for each in text)
    return (written if len(written) <= _MOST else f"{written[:_MOST]}...") or "-"


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogatepass")
