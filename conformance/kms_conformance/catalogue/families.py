"""Families of checks: their order in a run, and which of them are special.

A family is a file of the suite; its name is that of the file without `test_` and `.py`.
"""

from __future__ import annotations

# The order of a run: what a request or two show; whether it is safe to go on; how requests are read; the families by
# the faults that each reports for its requests (`kms-conformance selftest --all` counts them); and last what generates
# requests and what uses up keys.
FAMILIES = (
    "contact",
    "entry",
    "isolation",
    "states",
    "protocol",
    "cancel",
    "authentication",
    "window",
    "schedule",
    "use",
    "replies",
    "agreement",
    "unknown_keys",
    "names",
    "pending_use",
    "pending_belongings",
    "belongings",
    "lifecycle",
    "fuzzing",
    "waiting_period",
    "planted",
    "afterwards",
)

# These do not build on a target that keeps the state of keys: they find out whether it does.
# A planted key is read in runs that have no other.
BEFORE_ADMISSION = ("contact", "entry", "isolation", "states", "planted")

# These read a key that an earlier night has left. What they leave open tonight, a clock that can be moved may prove.
OVER_NIGHTS = ("planted",)

# These read, and name no key that anybody has: what others have there need not be known before.
BEFORE_THE_CENSUS = ("contact",)

# What these ask is drawn by the seed: with another seed they meet other answers.
DRAWN = ("lifecycle", "fuzzing")


def position(family: str) -> int:
    """The place of a family in the order of a run, counted from 0. Raises `ValueError` for an unknown family."""
    return FAMILIES.index(family)
