"""Two calls at the same moment: threads that wait for each other before they send, and end in bounded time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

# The longest time in seconds for which a call with an open connection waits for the other one. A server that accepts
# one TLS connection at a time never opens the second; then the calls are made one after the other. A TLS connection
# across half the earth takes three round trips of 0.3 s.
_MEET_SECONDS = 1.0


class StartingLine:
    """The point at which two calls wait for each other, each with an open connection; used once."""

    def __init__(self) -> None:
        self._barrier = threading.Barrier(2)

    def wait(self) -> None:
        """Wait until both calls are here, the other one is over, or `_MEET_SECONDS` have passed."""
        with suppress(threading.BrokenBarrierError):
            self._barrier.wait(_MEET_SECONDS)

    def leave(self) -> None:
        """Note that a call is over, which may not have come here."""
        self._barrier.abort()


def both(first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
    """Run two calls at the same time, the second one in another thread; returns their results in this order.

    The calls must end in bounded time and raise nothing but errors of this suite. The second call is over when this
    function ends, also if a signal interrupts it: a request in flight could otherwise change a key while the run
    schedules its keys for deletion.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(second())
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the caller
            errors.append(error)

    thread = threading.Thread(target=run, name="wire-together", daemon=True)
    thread.start()
    try:
        found = first()
    finally:
        thread.join()
    if errors:
        raise errors[0]
    return found, results[0]
