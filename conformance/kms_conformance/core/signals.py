"""Signal handling: an interrupted run still schedules its keys for deletion and writes its report."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# The handled signals. Ctrl-C sends SIGINT, a cancelled CI job or a stopped container sends SIGTERM, and a closed
# terminal sends SIGHUP.
_TOLD_TO_END = ("SIGINT", "SIGTERM", "SIGHUP")
# A shell reports 128 plus the signal's number for a process that a signal has ended.
_BY_SIGNAL = 128


class Interrupts:
    """Handler of SIGINT, SIGTERM and SIGHUP.

    - While checks run, the first signal raises `KeyboardInterrupt`, which pytest handles. Later signals do nothing.
    - Within `cleaning_up`, a Ctrl-C that follows an earlier signal stops the clean-up of keys.
    - While files are written, signals interrupt nothing.

    In every case, the first signal decides the exit code.
    """

    def __init__(self, *, once: bool = True) -> None:
        """If `once` is false, every signal raises `KeyboardInterrupt`, for commands that write nothing at the end."""
        self.first: signal.Signals | None = None
        self._before: dict[signal.Signals, object] = {}
        self._once = once
        self._checking = True
        self._patient = True

    def watch(self) -> None:
        """Install the handler. Does nothing outside the main thread, where Python refuses signal handlers."""
        if self._before:
            return
        for name in _TOLD_TO_END:
            number = getattr(signal, name, None)
            if number is not None:
                with suppress(ValueError):
                    self._before[number] = signal.signal(number, self._take)

    @property
    def exit_code(self) -> int | None:
        """The exit code after a signal: 130 (SIGINT), 143 (SIGTERM) or 129 (SIGHUP); None without a signal."""
        return None if self.first is None else _BY_SIGNAL + self.first

    def checks_finished(self) -> None:
        """Mark the checks as finished: from now on, signals interrupt nothing, except within `cleaning_up`."""
        self._checking = False

    @contextmanager
    def cleaning_up(self) -> Iterator[None]:
        """Context for the clean-up of keys.

        A Ctrl-C that follows an earlier signal leaves the block; the caller then reports the keys that are left.
        """
        self.checks_finished()
        self._patient = False
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            self._patient = True

    def restore(self) -> None:
        """Restore the former handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # the value returned by signal()
        self._before.clear()

    def _take(self, number: int, _frame: FrameType | None) -> None:
        told = signal.Signals(number)
        again = self.first is not None
        self.first = self.first or told
        if self._checking and not (again and self._once):
            raise KeyboardInterrupt(told.name)
        if not self._patient and again and told is signal.SIGINT:
            self._patient = True
            raise KeyboardInterrupt(told.name)
