"""Marks of shards: the beginning of a run's id, and so of the descriptions of its keys.

A run's id is random hexadecimal digits. The id of a shard's run has the mark before them, as in `3of8-1f2e3d4c`.
The description of a key begins with a fixed prefix and the id of the run that made it, as in
`kms-conformance-3of8-1f2e3d4c-0`. So the shards of one division know each other's keys, whichever machine they run on.
The mark of a whole run is empty.
"""

from __future__ import annotations

import re

_BETWEEN = "of"
# A run's id becomes part of the name of a file.
_RUN = re.compile(r"[A-Za-z0-9_-]{0,80}")


def mark(index: int, of: int) -> str:
    """The mark of the shard `index`, counted from 1, of `of`."""
    return f"{index}{_BETWEEN}{of}"


def mark_of(run: str) -> str:
    """The mark of the shard that a run was of, by the run's id; empty for a whole run."""
    return run.rpartition("-")[0]


def siblings(mark: str, other: str) -> bool:
    """Whether two marks are of different shards of one division."""
    return mark != other and _BETWEEN in mark and mark.partition(_BETWEEN)[2] == other.partition(_BETWEEN)[2]


def kin_of(mark: str, description: str, prefix: str) -> bool:
    """Whether a key belongs to another shard of the same division as the shard `mark`.

    `description` is that of the key, and `prefix` the beginning of the descriptions of all keys of ours.
    """
    found = re.match(rf"{re.escape(prefix)}([0-9]+{_BETWEEN}[0-9]+)-", description)
    return found is not None and siblings(mark, found[1])


def run_id(mark: str, random: str) -> str:
    """The id of a run: the mark of its shard, if it is one, and random hexadecimal digits."""
    return f"{mark}-{random}" if mark else random


def is_run_id(text: str) -> bool:
    """Whether a text may be the id of a run."""
    return _RUN.fullmatch(text) is not None
