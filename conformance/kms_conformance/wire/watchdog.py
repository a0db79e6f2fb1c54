"""Ends a call that takes too long, wherever it hangs: a socket's own time-out only bounds a single read.

Measured with a time-out of one second: a body of one byte every half second held three HTTP clients for as long as it
lasted, and so did a head that dripped, which no reading loop of ours ever gets to see.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections import deque


class Deadline:
    """The end of one call: from then on its connection is shut down, and whatever reads from it finds its end."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._finished = False
        self._expired = False

    @property
    def expired(self) -> bool:
        """Whether the call's time was up before it finished."""
        return self._expired

    @property
    def finished(self) -> bool:
        """Whether the call is over."""
        return self._finished

    def remaining(self) -> float:
        """Seconds to go; 0 when there are none."""
        return max(0.0, self._at - time.monotonic())

    def attach(self, connection: socket.socket) -> None:
        """Say on which connection the call runs."""
        # A duplicate: TLS takes the descriptor away from the first socket object, and closing a connection after its
        # head has been read (Connection: close) takes it from the second.
        with self._lock:
            if self._descriptor is None and not self._finished:
                self._descriptor = os.dup(connection.fileno())
        if self._expired:
            self.expire()

    def expire(self) -> None:
        """Shut the connection down, unless the call is over."""
        with self._lock:
            if self._finished:
                return
            self._expired = True
            if self._descriptor is not None:
                with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._descriptor)) as connection:
                    connection.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """The call is over: nothing is shut down any more."""
        with self._lock:
            self._finished = True
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


class Watchdog:
    """Watches over the calls of one session with one thread, which starts with the first call."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._watched: deque[Deadline] = deque()  # all get the same time, so the first is the next to expire
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._idle = False

    def watch(self) -> Deadline:
        """A deadline that starts to run now."""
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
                # Calls end long before their deadline, so this wakes up about once per deadline, not once per call.
                self._idle = not self._watched
                self._changed.wait(None if self._idle else self._watched[0].remaining())
