"""Families of checks: their order in a run, and the families with special conditions.

A family is a file of the suite. Its name is the name of the file without `test_` and `.py`.
"""

from __future__ import annotations

# The order of a run. First: families of one or two requests, the safety of other keys, the parsing of requests.
# Then: families by the faults that each finds for its requests (`kms-conformance selftest --all` counts both).
# Last: families that generate requests, and families that use up keys.
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

# Families that run before the target has shown that it keeps the state of keys. `planted` is among them because it may
# be the only family of a run.
BEFORE_ADMISSION = ("contact", "entry", "isolation", "states", "planted")

# Families that read a key of an earlier run. What they leave open, a run with a movable clock may still prove.
ACROSS_RUNS = ("planted",)

# Read-only families without the id of an existing key. They can run before the keys of others are listed.
BEFORE_LISTING = ("contact",)

# Families whose requests depend on the seed.
SEEDED = ("lifecycle", "fuzzing")


def position(family: str) -> int:
    """The index of a family in the order of a run. Raises `ValueError` for an unknown family."""
    return FAMILIES.index(family)
