"""Watchdog for calls: shuts down connections at their deadline, because a socket time-out limits single reads only.

Three HTTP clients were measured with a socket time-out of one second. A server that sent one byte of a reply's body
every half second kept each client waiting until the body ended. A head sent byte by byte did the same, and no loop that
reads a body can interrupt the reading of a head.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque


class Deadline:
    """The deadline of one call. When it passes, the connection is shut down, and reads end at once."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._finished = False
        self._expired = False

    @property
    def expired(self) -> bool:
        """Whether the deadline passed before the call finished."""
        return self._expired

    @property
    def finished(self) -> bool:
        """Whether the call has finished."""
        return self._finished

    def remaining(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self._at - time.monotonic())

    def attach(self, connection: socket.socket) -> None:
        """Set the connection of the call."""
        # A duplicate of the descriptor is kept, because a socket object can lose its own: a plain socket loses it when
        # TLS wraps it, and any socket when it is closed after the head of a reply with `Connection: close`.
        with self._lock:
            if self._descriptor is None and not self._finished:
                self._descriptor = os.dup(connection.fileno())
        if self._expired:
            self.expire()

    def expire(self) -> None:
        """Shut the connection down, unless the call has finished."""
        with self._lock:
            if self._finished:
                return
            self._expired = True
            if self._descriptor is not None:
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as connection:
                    connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Mark the call as finished; its connection is no longer shut down."""
        with self._lock:
            self._finished = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


class Watchdog:
    """Enforces the deadlines of one session with one thread, which starts with the first call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watched: deque[Deadline] = deque()  # all time-outs are equal, so the oldest deadline expires first
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._idle = False

    def watch(self) -> Deadline:
        """Start a deadline now."""
        deadline = Deadline(self._seconds)
        with self._changed:
            while self._watched and self._watched[0].finished:
                self._watched.popleft()
            self._watched.append(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wire-watchdog", daemon=True)
                self._thread.start()
            elif self._idle:
                self._changed.notify()
        return deadline

    def close(self) -> None:
        """Stop watching."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                while self._watched and (self._watched[0].finished or not self._watched[0].remaining()):
                    self._watched.popleft().expire()
                # Most calls end long before their deadline, so this thread wakes up about once per time-out, not once
                # per call.
                self._idle = not self._watched
                self._changed.wait(None if self._idle else self._watched[0].remaining())
