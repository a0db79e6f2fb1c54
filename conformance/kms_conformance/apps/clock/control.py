"""The URL by which the clock of a program is moved: the same requests and replies as those of the emulator."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CONTROL_PATH = "/_control/clock"
_LONGEST_BODY = 10_000
# Dates in this many days must be valid too: a waiting period begins at the moved time.
_WINDOW = timedelta(days=4000)
_HOLDER = "127.0.0.1"


class MovedClock:
    """The time of a program that reads its offset from a file: the real time plus that offset, which only grows."""

    def __init__(self, path: Path, real: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._real = real
        self._offset = timedelta()
        self._lock = threading.Lock()
        self._write(self._offset)

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward; returns the new time. Raises `OverflowError` for a date that Python cannot hold."""
        with self._lock:
            offset = self._offset + timedelta(seconds=seconds)
            _ = self._real() + offset + _WINDOW
            if offset != self._offset:
                self._write(offset)
            self._offset = offset
            return self._real() + offset

    def _write(self, offset: timedelta) -> None:
        # The program reads the file at each look at its clock, so it must never see half of it.
        new = self._path.with_suffix(".new")
        new.write_text(f"+{offset.days * 86400 + offset.seconds}.{offset.microseconds:06}\n", encoding="ascii")
        os.replace(new, self._path)  # noqa: PTH105 - Path.replace is the same


class ControlServer(ThreadingHTTPServer):
    """Serves the URL of a clock on loopback; raises `OSError` if the port is in use."""

    daemon_threads = True

    def __init__(self, port: int, clock: MovedClock) -> None:
        self.clock = clock
        super().__init__((_HOLDER, port), _Handler)

    @property
    def url(self) -> str:
        """The URL for `time_control`."""
        return f"http://{_HOLDER}:{self.server_port}{CONTROL_PATH}"

    def server_bind(self) -> None:
        """Bind without the base class's lookup of the host name, which may take seconds."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = _HOLDER, self.server_address[1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120
    server: ControlServer

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != CONTROL_PATH:
            self._answer(404, {"error": f"The clock is at {CONTROL_PATH}."})
        elif not length.isdecimal() or int(length) > _LONGEST_BODY:
            self.close_connection = True
            self._answer(400, {"error": "The request needs a Content-Length of at most 10,000 bytes."})
        else:
            self._move(self.rfile.read(int(length)))

    def do_GET(self) -> None:
        self._answer(405, {"error": "Use POST."})

    def _move(self, body: bytes) -> None:
        try:
            now = self.server.clock.advance(_seconds(body))
        except OverflowError:
            self._answer(400, {"error": "advance_seconds leads beyond the end of the calendar."})
        except ValueError as problem:
            self._answer(400, {"error": str(problem)})
        else:
            self._answer(200, {"now": now.isoformat(timespec="microseconds").replace("+00:00", "Z")})

    def _answer(self, status: int, content: dict[str, str]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - signature of the base class
        """Log nothing."""


def _seconds(body: bytes) -> float:
    form = 'The body must be {"advance_seconds": N}, N being a number of seconds that is not negative.'
    try:
        content: Any = json.loads(body)
    except ValueError:
        raise ValueError(form) from None
    seconds = content.get("advance_seconds") if isinstance(content, dict) else None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds < 0:
        raise ValueError(form)
    return seconds
