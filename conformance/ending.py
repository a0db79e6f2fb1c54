"""A run that is told to end, ends in order: with its keys let go."""

from __future__ import annotations

import signal
from types import FrameType

# What a terminal that is closed, a CI job that is cancelled and a container that is stopped send.
_TOLD_TO_END = ("SIGTERM", "SIGHUP")


class Ending:
    """Turns the signals that ask a process to end into what Ctrl-C does, which pytest knows how to end by."""

    def __init__(self) -> None:
        self._before: dict[signal.Signals, object] = {}

    def watch(self) -> None:
        """From now on, such a signal interrupts the run. Only the main thread of a process can watch."""
        for name in _TOLD_TO_END:
            number = getattr(signal, name, None)
            if number is None:
                continue
            try:
                self._before[number] = signal.signal(number, _interrupt)
            except ValueError:
                return

    def in_order(self) -> None:
        """Keys are being let go: who has asked once need not ask again. Ctrl-C still ends at once."""
        for number in self._before:
            signal.signal(number, signal.SIG_IGN)

    def over(self) -> None:
        """Put back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave us
        self._before.clear()


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)
