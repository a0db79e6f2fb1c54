"""Standard streams that outlive whoever reads them: a closed pipe or a full disk behind them ends no command."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Lossy(io.RawIOBase):
    """A descriptor; what cannot be written there is lost, and so is all that follows."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        while not self._lost:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Its reader, a program that shares it, wants to be waited for.
                select.select([], [self._descriptor], [])
            except OSError:
                # Broken pipe, no space, or closed: it would be the same the next time.
                self._lost = True
        return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def secure() -> None:
    """Make standard output and standard error such streams, and let no file take the place of one that is closed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is given: the one that was closed. Else the next socket or report would get it,
            # and whatever is printed would be written there.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - its only way to be called
    for name, descriptor in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _opened(descriptor, "utf-8"))
            setattr(sys, f"__{name}__", getattr(sys, name))
        elif name != "stdin" and stream is getattr(sys, f"__{name}__") and _is_plain(stream, descriptor):
            with suppress(OSError, ValueError):
                stream.flush()
            setattr(sys, name, _opened(descriptor, stream.encoding))


def _is_plain(stream: object, descriptor: int) -> bool:
    """Whether it is the interpreter's own stream; whoever has put another one there keeps it."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


def _opened(descriptor: int, encoding: str) -> io.TextIOWrapper:
    if descriptor == 0:
        return open(0, encoding=encoding, closefd=False)
    writer = io.BufferedWriter(_Lossy(descriptor))
    return io.TextIOWrapper(writer, encoding=encoding, errors="backslashreplace", line_buffering=True)
