"""Shard marks in run ids and key descriptions, by which a shard recognises the keys of the other shards of its run.

The shards of a run may be on different machines. They then use one account, but have no common ledger.

- The id of a run without shards is random hexadecimal digits, such as `1f2e3d4c`. Its mark is empty.
- The id of a shard's run has the mark before the digits: `3of8-1f2e3d4c` is shard 3 of 8. Each shard draws its own
  digits, so the ids of the shards of one run have only the number of shards in common.
- The description of a key begins with a fixed prefix and the id of the run that created the key:
  `kms-conformance-3of8-1f2e3d4c-0`.

A shard therefore takes a key for one of another shard if the mark in the key's description has the same number of
shards and another index. Keys that an earlier run with this number of shards has left look the same.
"""

from __future__ import annotations

import re

# The text in a mark between the number of the shard and the number of shards.
_BETWEEN = "of"
# The form of a run id. Run ids become part of file names.
_RUN = re.compile(r"[A-Za-z0-9_-]{0,80}")


def mark(index: int, of: int) -> str:
    """The mark of shard number `index`, counted from 1, out of `of` shards."""
    return f"{index}{_BETWEEN}{of}"


def mark_of(run: str) -> str:
    """The mark in the run id `run`; empty for a run without shards."""
    return run.rpartition("-")[0]


def same_division(mark: str, other: str) -> bool:
    """Whether two marks have the same number of shards and different indexes, such as `3of8` and `5of8`."""
    return mark != other and _BETWEEN in mark and mark.partition(_BETWEEN)[2] == other.partition(_BETWEEN)[2]


def created_by_sibling(mark: str, description: str, prefix: str) -> bool:
    """Whether the description of a key shows that another shard of the run has created the key.

    `mark` is the mark of the shard that asks. `prefix` begins the descriptions of all keys that this suite creates.
    """
    found = re.match(rf"{re.escape(prefix)}([0-9]+{_BETWEEN}[0-9]+)-", description)
    return found is not None and same_division(mark, found[1])


def run_id(mark: str, random: str) -> str:
    """The id of a run: the mark, if it is not empty, and random hexadecimal digits."""
    return f"{mark}-{random}" if mark else random


def is_run_id(text: str) -> bool:
    """Whether a text has the form of a run's id: at most 80 letters, digits, `_` and `-`."""
    return _RUN.fullmatch(text) is not None
