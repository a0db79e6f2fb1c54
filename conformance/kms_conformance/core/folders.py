"""Output folders: checked for write access and locked against other runs before the first request."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from kms_conformance.core.errors import UserMistake

# Content of the file that tests a folder: one block of a file system. With less free space no report can be written.
_PROBE = b"\0" * 4096
_LOCK = ".kms-conformance.lock"
_HOLDER = ".kms-conformance.run"


class StorageError(UserMistake):
    """A folder cannot be written, or another run holds its lock. No request was sent."""


class ReportsLock:
    """Exclusive lock on a reports folder, a context manager; the kernel releases it when the process dies."""

    def __init__(self, folder: Path) -> None:
        """Check write access, then take the lock. Raises `StorageError`."""
        try_writing(folder, f"The reports folder {folder} cannot be written", "Name another folder with --reports.")
        self._folder = folder
        self._lock = FileLock(folder / _LOCK, mode=0o600)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StorageError(
                f"Another run writes to the reports folder {folder}{_by_whom(folder)}.\n"
                "No request was sent: each run would remove the files of the other.\n"
                "Name another folder with --reports, or wait until the other run has ended."
            ) from error
        except OSError as error:
            raise StorageError(
                f"The reports folder {folder} cannot be locked: {error.strerror or error}.\n"
                "No request was sent: another run could write to the folder at the same time.\n"
                "Name a folder on a local disk with --reports."
            ) from error
        began = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(OSError):
            (folder / _HOLDER).write_text(json.dumps({"pid": os.getpid(), "began": began}), encoding="utf-8")

    def release(self) -> None:
        """Release the lock and remove its holder file; missing files are ignored."""
        if self._lock.is_locked:
            with suppress(OSError):
                (self._folder / _HOLDER).unlink(missing_ok=True)
            with suppress(OSError):
                self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def try_ledgers(folder: Path) -> None:
    """Check that ledgers of keys can be written in this folder. Raises `StorageError`."""
    try_writing(
        folder,
        f"The ledger folder {folder} cannot be written",
        "Set KMS_CONFORMANCE_STATE to a writable folder that is kept between runs.",
    )


def try_writing(folder: Path, what: str, hint: str) -> None:
    """Make the folder, then write and remove a file in it.

    Raises `StorageError`, whose text consists of `what`, the reason, and the `hint`.
    """
    probe = folder / f".kms-conformance.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with probe.open("xb") as file:
                file.write(_PROBE)
                file.flush()
                os.fsync(file.fileno())
        finally:
            with suppress(OSError):
                probe.unlink(missing_ok=True)
    except OSError as error:
        why = "it is a file" if folder.is_file() else error.strerror or error
        raise StorageError(f"{what}: {why}.\nNo request was sent.\n{hint}") from error


def _by_whom(folder: Path) -> str:
    try:
        found = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f": process {int(found['pid'])}, since {datetime.fromisoformat(found['began']):%Y-%m-%d %H:%M:%S} UTC"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
