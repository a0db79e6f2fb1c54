"""Shard marks in run ids and key descriptions, by which the shards of one run recognise each other's keys.

Shards may run on different machines and share one account, but no ledger. The id of a run is random hexadecimal digits.
The id of a shard's run has the mark before them: `3of8-1f2e3d4c` is shard 3 of 8. The description of a key begins with
a fixed prefix and the id of the run that created it: `kms-conformance-3of8-1f2e3d4c-0`. A run without shards has an
empty mark.
"""

from __future__ import annotations

import re

# Between the number of the shard and the number of shards.
_BETWEEN = "of"
# Run ids become part of file names.
_RUN = re.compile(r"[A-Za-z0-9_-]{0,80}")


def mark(index: int, of: int) -> str:
    """The mark of shard number `index`, counted from 1, out of `of` shards."""
    return f"{index}{_BETWEEN}{of}"


def mark_of(run: str) -> str:
    """The mark in a run's id; empty for a run without shards."""
    return run.rpartition("-")[0]


def same_division(mark: str, other: str) -> bool:
    """Whether two marks are of different shards out of the same number of shards."""
    return mark != other and _BETWEEN in mark and mark.partition(_BETWEEN)[2] == other.partition(_BETWEEN)[2]


def created_by_sibling(mark: str, description: str, prefix: str) -> bool:
    """Whether a key was created by another shard of the run that the shard `mark` is part of.

    `description` is the description of the key. `prefix` begins the descriptions of all keys that this suite creates.
    """
    found = re.match(rf"{re.escape(prefix)}([0-9]+{_BETWEEN}[0-9]+)-", description)
    return found is not None and same_division(mark, found[1])


def run_id(mark: str, random: str) -> str:
    """The id of a run: the mark, if it is not empty, and random hexadecimal digits."""
    return f"{mark}-{random}" if mark else random


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id: at most 80 letters, digits, `_` and `-`."""
    return _RUN.fullmatch(text) is not None
