"""Reads and writes the files of a report: whole or not at all, and for their owner alone."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from kms_conformance.core.disk import make_folder, sync_folder
from kms_conformance.core.errors import UserMistake

# Reports name endpoints, keys and accounts: what may be read by others is for their owner to decide.
_MODE = 0o600
# The largest run measured (nightly, a target that fails everything) writes some 20 MB.
_MOST_BYTES = 256 * 1024 * 1024
# In such a file stand less than a million; each takes up to 72 bytes of memory.
_MOST_VALUES = 5_000_000
# A recording holds bodies, which are read down to 64 levels.
_DEEPEST = 100


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a crash at any time, meets the old content or the new one. Makes the folder.

    Raises `ReportError` where the system does not let us.
    """
    data = content if isinstance(content, bytes) else content.encode("utf-8")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        make_folder(path.parent, 0o777)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            # Else a crash may bring the old file back, or none.
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def remove(path: Path) -> None:
    """Remove a file if it is there; raises `ReportError` where the system does not let us."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def to_text(document: object) -> str:
    """JSON for people and programs: indented, in the order given, ASCII, a newline at the end."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def canonical(document: object) -> bytes:
    """The one way to write a JSON document that digests are made of: keys sorted, no blanks, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def read_bytes(path: Path) -> bytes:
    """A file's content; raises `ReportError` where it is missing, too large, or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ReportError(
            f"{path} is missing.", "A finished run leaves it behind.", "Is this a reports folder of a finished run?"
        ) from error
    except OSError as error:
        raise ReportError(f"{path} cannot be read.", f"{error.strerror or error}.", "Check the path.") from error
    if len(data) > _MOST_BYTES:
        raise ReportError(f"{path} cannot be read.", "It is larger than any report.", "Check the path.")
    return data


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON; callers validate by schema
    """Parse a JSON file strictly: UTF-8, no key twice, no NaN. Raises `ReportError`."""
    return parse_json(read_bytes(path), str(path))


def parse_json(data: bytes, name: str) -> Any:  # noqa: ANN401 - JSON; callers validate by schema
    """Parse the content of the file `name`, as `read_json` does."""
    if sum(data.count(sign) for sign in (b"[", b"{", b",")) > _MOST_VALUES:
        raise ReportError(f"{name} cannot be used.", "It holds more values than any report.", "Check the path.")
    try:
        found = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
        _refuse_deep(found)
    except (ValueError, RecursionError) as error:
        cut_short = not data.rstrip().endswith(b"}")
        why = "It ends in the middle: its run was cut short, or its copy." if cut_short else f"It is no JSON: {error}."
        raise ReportError(f"{name} cannot be used.", why, "Run again, or copy the file again.") from error
    return found


def _refuse_deep(document: object) -> None:
    """Raise `ValueError` for what is nested so deep that a reader may not come back."""
    level = [document]
    for _ in range(_DEEPEST):
        containers = [node for node in level if isinstance(node, (dict, list))]
        level = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {_DEEPEST} levels")


def _unwritable(path: Path, error: OSError) -> ReportError:
    return ReportError(
        f"{path} cannot be written.", f"{error.strerror or error}.", "Name another folder with --reports."
    )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{name} is no JSON number")


class ReportError(UserMistake):
    """What happened, why, and what to do next, a line each; `why` may have several lines."""

    def __init__(self, what: str, why: str, hint: str) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\n{self.why}\n{self.hint}"
