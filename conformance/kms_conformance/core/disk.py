"""Bytes on disk: written whole, and there after a crash, with every folder on the way to them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def append(path: Path, lines: Sequence[bytes]) -> bool:
    """Append whole lines to a file of its owner's, and wait until they are on disk; says whether the file is new.

    The caller holds the file alone. Raises `OSError`; what was written of the lines then is taken back.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # A line that a crash cut short must not swallow the next one.
        torn = bool(lines) and size > 0 and _last_byte(descriptor, size) != b"\n"
        try:
            write_all(descriptor, (b"\n" if torn else b"") + b"".join(line + b"\n" for line in lines))
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size == 0


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it: a disk that fills, or a signal, may take only a part at a time. Raises `OSError`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder, and see to it that it is there after a crash: each new one, in its parent. Raises `OSError`."""
    new = []
    above = folder
    while not above.exists():
        new.append(above)
        above = above.parent
    if not new:
        # Raises what is wrong with a file in the place of a folder.
        folder.mkdir(mode=mode, exist_ok=True)
    for made in reversed(new):
        made.mkdir(mode=mode, exist_ok=True)
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can open folders at all."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Windows opens no folders; there a file is in its folder once it is closed.
        return
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


_BINARY = getattr(os, "O_BINARY", 0)
