"""A run that is told to end, ends in order: its keys are let go, and what was judged until then is reported."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# Ctrl-C, and what a CI job that is cancelled, a container that is stopped and a terminal that is closed send.
_TOLD_TO_END = ("SIGINT", "SIGTERM", "SIGHUP")
# What a shell reports of a process that a signal has ended: 128 and the signal's number.
_BY_SIGNAL = 128


class Interrupts:
    """Takes the signals that ask a process to end.

    While checks run, the first one ends them, as Ctrl-C does, which pytest knows how to end by. Later ones only count,
    until `letting_go`: there the second Ctrl-C ends the waiting for keys. While files are written, all only count.
    """

    def __init__(self, *, once: bool = True) -> None:
        """With `once` false, every signal ends what is under way: for commands that write nothing at the end."""
        self.first: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}
        self._once = once
        self._asking = True
        self._patient = True

    def watch(self) -> None:
        """Take the signals from now on. Only the main thread of a process can; elsewhere they stay as they are."""
        if self._before:
            return
        for name in _TOLD_TO_END:
            number = getattr(signal, name, None)
            if number is not None:
                with suppress(ValueError):
                    self._before[number] = signal.signal(number, self._take)

    @property
    def exit_code(self) -> int | None:
        """What the process exits with if it was told to end: 130, 143 or 129; None if it was not."""
        return None if self.first is None else _BY_SIGNAL + self.first

    def no_more_asking(self) -> None:
        """The checks are over: a signal is noted, and no longer ends what is under way."""
        self._asking = False

    @contextmanager
    def letting_go(self) -> Iterator[None]:
        """Within, a Ctrl-C after the first signal leaves the block: what is left undone is told to the user."""
        self.no_more_asking()
        self._patient = False
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            self._patient = True

    def over(self) -> None:
        """Put back what was there before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() gave us
        self._before.clear()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        told = signal.Signals(number)
        again = self.first is not None
        self.first = self.first or told
        if self._asking and not (again and self._once):
            raise KeyboardInterrupt(told.name)
        if not self._patient and again and told is signal.SIGINT:
            self._patient = True
            raise KeyboardInterrupt(told.name)
