"""The folders that a command will write to: tried, and held against another command, before the first request."""

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

# A block of a file system: where not even that is free, nothing of a run could be written.
_PROBE = b"\0" * 4096
_LOCK = ".kms-conformance.lock"
_HOLDER = ".kms-conformance.run"


class StorageError(UserMistake):
    """A folder that cannot be written, or in which another command is at work; nothing was asked."""


class Held:
    """A reports folder in which nobody else writes; the kernel gives it up when this process dies. A context."""

    def __init__(self, folder: Path) -> None:
        """Try the folder and take it. Raises `StorageError`."""
        try_writing(folder, f"The reports folder {folder} cannot be written", "Name another folder with --reports.")
        self._folder = folder
        self._lock = FileLock(folder / _LOCK, mode=0o600)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StorageError(
                f"Another run writes to the reports folder {folder}{_by_whom(folder)}.\n"
                "Nothing was asked: each of the two would remove what the other writes.\n"
                "Name another folder with --reports, or wait until it has ended."
            ) from error
        except OSError as error:
            raise StorageError(
                f"The reports folder {folder} cannot be locked: {error.strerror or error}.\n"
                "Nothing was asked: another run could write to it at the same time.\n"
                "Name a folder on a local disk with --reports."
            ) from error
        began = datetime.now(UTC).isoformat(timespec="seconds")
        with suppress(OSError):
            (folder / _HOLDER).write_text(json.dumps({"pid": os.getpid(), "began": began}), encoding="utf-8")

    def release(self) -> None:
        """Give it up; what is not there any more is given up already."""
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
    """Make sure that the ledgers of keys can be written in this folder. Raises `StorageError`."""
    try_writing(
        folder,
        f"The folder of the ledger, {folder}, cannot be written",
        "Set KMS_CONFORMANCE_STATE to a folder that can be written, and that is kept between runs.",
    )


def try_writing(folder: Path, what: str, hint: str) -> None:
    """Make the folder, and write and remove a file there. Raises `StorageError`: `what`, why, and the `hint`."""
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
        raise StorageError(f"{what}: {why}.\nNothing was asked.\n{hint}") from error


def _by_whom(folder: Path) -> str:
    try:
        found = json.loads((folder / _HOLDER).read_text(encoding="utf-8"))
        return f": process {int(found['pid'])}, since {datetime.fromisoformat(found['began']):%Y-%m-%d %H:%M:%S} UTC"
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
