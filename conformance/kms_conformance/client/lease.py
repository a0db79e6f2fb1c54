"""File locks, for exclusive writing and for leases of living runs. The kernel releases them when a process dies.

On a volume that several machines share, the lock of one machine may be invisible to the others. So the file of a lease
names the machine of its run and is touched regularly. For a run on another machine, the time of the last touch decides
whether the run is alive.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from filelock import lock_descriptor

from kms_conformance.core.disk import write_all
from kms_conformance.core.errors import UserMistake

# Seconds without a touch after which a run on another machine counts as dead: longer than any pause of a run (back-off
# ends after 90 time-outs).
_SILENT_SECONDS = 3600.0
_BEAT_SECONDS = 20.0
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LocksDoNotHold(UserMistake):
    """The ledger's folder is on a file system without effective locks: a locked file can be locked again."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock for a file; wait while others hold it. The locked file is a separate one beside it."""
    descriptor = hold(path.with_suffix(".lock"))
    assert descriptor is not None
    try:
        yield
    finally:
        os.close(descriptor)


def hold(path: Path, *, blocking: bool = True) -> int | None:
    """A descriptor that holds an exclusive lock until it is closed; None if the lock is taken and not `blocking`.

    Raises `LocksDoNotHold` if locks have no effect here, `OSError` if the file cannot be opened.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _lock(descriptor, path, blocking=blocking):
            os.close(descriptor)
            return None
        _must_hold(path)
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise
    return descriptor


def try_locks(folder: Path) -> None:
    """Verify that locks work in a folder; no file is left there. Raises `LocksDoNotHold` and `OSError`."""
    path = folder / f".{secrets.token_hex(4)}.lock"
    try:
        descriptor = hold(path)
        assert descriptor is not None
        os.close(descriptor)
    finally:
        _remove(path)


class Lease:
    """The sign that a run is alive: a locked file named after the ledger and the run."""

    def __init__(self, ledger: Path, run: str) -> None:
        self._path = _path(ledger, run)
        self._descriptor: int | None = None
        self._beaten = 0.0

    def begin(self) -> None:
        """Take the lease before the first line of the run is written; later calls do nothing.

        Raises `LocksDoNotHold` and `OSError`.
        """
        if self._descriptor is None:
            self._descriptor = hold(self._path)
            assert self._descriptor is not None
            write_all(self._descriptor, json.dumps({"machine": machine(), "pid": os.getpid()}).encode())
            self._beaten = time.monotonic()

    def beat(self) -> None:
        """Touch the lease, for machines that cannot see its lock; called with every request."""
        if self._descriptor is not None and time.monotonic() - self._beaten >= _BEAT_SECONDS:
            self._beaten = time.monotonic()
            with suppress(OSError):
                os.utime(self._path)

    def end(self) -> None:
        """Release the lease."""
        if self._descriptor is not None:
            _remove(self._path)
            os.close(self._descriptor)
            _remove(self._path)
            self._descriptor = None

    @staticmethod
    def alive(ledger: Path, run: str) -> bool:
        """Whether a run is alive; the lease of a dead run is removed."""
        path = _path(ledger, run)
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            if not _lock(descriptor, path, blocking=False) or _beats_elsewhere(descriptor, path):
                return True
            _remove(path)
        finally:
            os.close(descriptor)
        _remove(path)
        return False


@cache
def machine() -> str:
    """An id of this machine, the same until the next boot. Containers on it have the same id and see its locks."""
    with suppress(OSError):
        return _BOOT_ID.read_text(encoding="ascii").strip()
    return platform.node()


def _lock(descriptor: int, path: Path, *, blocking: bool) -> bool:
    try:
        return lock_descriptor(descriptor, blocking=blocking)
    except OSError as error:
        raise _useless(path, error.strerror or str(error)) from error


def _must_hold(path: Path) -> None:
    """Try to lock a locked file again. If that succeeds, a run cannot see the locks of others."""
    again = os.open(path, os.O_RDWR)
    try:
        if _lock(again, path, blocking=False):
            raise _useless(path, "a locked file can be locked again")
    finally:
        os.close(again)


def _useless(path: Path, why: str) -> LocksDoNotHold:
    return LocksDoNotHold(
        f"The ledger cannot be kept in {path.parent}.\n"
        f"File locks have no effect there ({why}), so two runs could take over each other's keys.\n"
        "Set KMS_CONFORMANCE_STATE to a folder on a local disk, or mount the volume with working locks."
    )


def _beats_elsewhere(descriptor: int, path: Path) -> bool:
    """Whether a lease is of another machine and was touched recently, by the clock of the file system."""
    try:
        said = json.loads(os.read(descriptor, 1000) or b"{}")
        there = said.get("machine", machine()) if isinstance(said, dict) else machine()
    except ValueError:
        there = machine()
    if there == machine():
        return False
    now = path.with_name(f".{path.name}.{secrets.token_hex(4)}.now")
    try:
        now.touch(mode=0o600)
        return now.stat().st_mtime - os.fstat(descriptor).st_mtime < _SILENT_SECONDS
    finally:
        _remove(now)


def _remove(path: Path) -> None:
    # Windows does not remove open files. Callers try again after closing the file.
    with suppress(FileNotFoundError, PermissionError):
        path.unlink()


def _path(ledger: Path, run: str) -> Path:
    return ledger.with_name(f"{ledger.stem}.{run}.run")
