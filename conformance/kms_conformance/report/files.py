"""Reads and writes report files: atomically, readable only by their owner, parsed strictly."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kms_conformance.core.disk import make_folder, sync_folder
from kms_conformance.core.errors import ExplainedMistake

# Only the owner of a report may read its files, because they name endpoints, keys and accounts.
_MODE = 0o600
# The largest file that is read. The largest run measured (tier nightly, every requirement failed) wrote 20 MB.
_MOST_BYTES = 256 * 1024 * 1024
# The largest number of values in a file that is parsed. A parsed value takes up to 72 bytes of memory; the file of
# 20 MB holds fewer than a million values.
_MOST_VALUES = 5_000_000
# The deepest nesting that is read. Recordings hold bodies, which are decoded down to 64 levels.
_DEEPEST = 100


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file atomically: a reader finds either the old content or the new, even after a crash.

    The folder is created if it is missing. Raises `ReportError` if the file cannot be written.
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
            # If the folder is not synchronised, a crash may undo the rename.
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def refuse_other_content(path: Path, what: str, fits: Callable[[Any], bool]) -> None:
    """Raise `ReportError` if a file that is to be written exists and holds something else than `what`.

    `fits` tells whether a parsed JSON document is `what`. A name that was mistyped must not cost a file.
    """
    if not path.exists():
        return
    try:
        same = fits(read_json(path))
    except (ReportError, LookupError, TypeError):
        same = False
    if not same:
        raise ReportError(
            f"{path} is not written.", f"It exists, and is not {what}.", "Name another file, or remove it."
        )


def remove(path: Path) -> None:
    """Remove a file if it exists. Raises `ReportError` if it cannot be removed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def to_text(document: object) -> str:
    """Indented JSON: keys in the order given, ASCII, a newline at the end."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def canonical(document: object) -> bytes:
    """JSON as input of a digest: keys sorted, no blanks, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises `ReportError` if it is missing, larger than 256 MiB, or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise ReportError(
            f"{path} is missing.", "A finished run writes it.", "Name the reports folder of a finished run."
        ) from error
    except OSError as error:
        raise ReportError(f"{path} cannot be read.", f"{error.strerror or error}.", "Check the path.") from error
    if len(data) > _MOST_BYTES:
        raise ReportError(f"{path} cannot be read.", "It is larger than any report.", "Check the path.")
    return data


def read_json(path: Path) -> Any:  # noqa: ANN401 - JSON; callers validate by schema
    """Parse a JSON file. Raises `ReportError` if it is not UTF-8, has a key twice, or holds NaN."""
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
        why = "It ends in the middle: the run or the copy was interrupted." if cut_short else f"Invalid JSON: {error}."
        raise ReportError(f"{name} cannot be used.", why, "Run again, or copy the file again.") from error
    return found


def _refuse_deep(document: object) -> None:
    """Raise `ValueError` for a document nested deeper than 100 levels, on which recursive readers would fail."""
    level = [document]
    for _ in range(_DEEPEST):
        containers = [node for node in level if isinstance(node, (dict, list))]
        level = [child for node in containers for child in (node.values() if isinstance(node, dict) else node)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {_DEEPEST} levels")


def _unwritable(path: Path, error: OSError) -> ReportError:
    return ReportError(f"{path} cannot be written.", f"{error.strerror or error}.", "Name another file or folder.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_constant(name: str) -> Any:  # noqa: ANN401 - never returns
    raise ValueError(f"{name} is not a JSON number")


class ReportError(ExplainedMistake):
    """A report cannot be read, written or sealed.

    `what` says in one line what happened; `why` gives the reason and may have several lines; `hint` says in one line
    what to do next.
    """
