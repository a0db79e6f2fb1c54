"""Standard streams that ignore write errors: a closed pipe or a full disk must not end a command."""

from __future__ import annotations

import io
import os
import select
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _LossyWriter(io.RawIOBase):
    """A file descriptor that discards all output after its first write error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        while not self._lost:
            try:
                return os.write(self._descriptor, data)
            except BlockingIOError:
                # Another program that shares the descriptor made it non-blocking: wait until it is writable.
                select.select([], [self._descriptor], [])
            except OSError:
                # The pipe is broken, the disk is full, or the descriptor is closed: later writes would fail too.
                self._lost = True
        return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)


def protect_standard_streams() -> None:
    """Make standard output and standard error ignore write errors; open closed descriptors on the null device."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # `open` returns the lowest free number, which is that of the closed descriptor. Without this line, the next
            # socket or report would get the number, and printed text would be written into it.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - a positional-only argument
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
    """Whether a stream is the interpreter's own; a replaced stream is left alone."""
    try:
        return isinstance(stream, io.TextIOWrapper) and stream.fileno() == descriptor
    except (OSError, ValueError):
        return False


def _opened(descriptor: int, encoding: str) -> io.TextIOWrapper:
    if descriptor == 0:
        return open(0, encoding=encoding, closefd=False)
    writer = io.BufferedWriter(_LossyWriter(descriptor))
    return io.TextIOWrapper(writer, encoding=encoding, errors="backslashreplace", line_buffering=True)
