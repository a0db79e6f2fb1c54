"""Durable writes: complete lines and new folders, flushed to disk so that they survive a crash; and paths to show."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def append(path: Path, lines: Sequence[bytes]) -> bool:
    """Append complete lines to a file and flush them to disk; returns True if the file was new or empty.

    A new file gets mode 600. The caller must hold a lock on the file. Raises `OSError`; if writing failed, the file is
    truncated to its former size first.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        # A crash can leave a partial last line. A line break then separates it from the first new line.
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
    """Write all of `data`; `os.write` may write only a part of it. Raises `OSError`."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def make_folder(folder: Path, mode: int = 0o700) -> None:
    """Make a folder and its missing parents, and flush each new name to disk. Raises `OSError`."""
    new = []
    above = folder
    while not above.exists():
        new.append(above)
        above = above.parent
    if not new:
        # The folder exists, or a file has its name: then `mkdir` raises FileExistsError.
        folder.mkdir(mode=mode, exist_ok=True)
    for made in reversed(new):
        made.mkdir(mode=mode, exist_ok=True)
        sync_folder(made.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder to disk; does nothing on systems that cannot open folders."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        # Windows cannot open folders; it writes the name of a file when the file is closed.
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


def relative_path(path: Path | str) -> str:
    """The path relative to the working directory, if it lies below this directory; else the path unchanged."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (OSError, ValueError):
        return str(path)
