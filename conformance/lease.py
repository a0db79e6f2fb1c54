"""Locks on files that the kernel lets go of when a process dies, however it dies: who writes, and who lives."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file alone, waiting for others; its lock is a file beside it, so that the file may be replaced."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Lease:
    """That a run lives: a locked file, named after the ledger and the run."""

    def __init__(self, ledger: Path, run: str) -> None:
        self._path = _path(ledger, run)
        self._descriptor: int | None = None

    def begin(self) -> None:
        """Take the lease, before the first line of the run is written; once is enough."""
        if self._descriptor is None:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def end(self) -> None:
        """Give it up."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None

    @staticmethod
    def alive(ledger: Path, run: str) -> bool:
        """Whether a run still lives; the lease of a dead one is removed."""
        path = _path(ledger, run)
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            with suppress(FileNotFoundError):
                path.unlink()
            return False
        finally:
            os.close(descriptor)


def _path(ledger: Path, run: str) -> Path:
    return ledger.with_name(f"{ledger.stem}.{run}.run")
