"""Families of checks: their order in a run, and the families with special conditions.

A family is a file of the suite. Its name is the name of the file without `test_` and `.py`.
"""

from __future__ import annotations

# All families, in the order of a run:
# - First come families of one or two requests, those that protect the keys of others, and those about the parsing of
#   requests.
# - What a key has is compared before other families change the keys: what is lost for good is lost only once.
# - Then long histories of keys are walked, because what happens at the n-th time has not happened yet.
# - Then come families that find many faults with few requests; `kms-conformance selftest --all` counts both.
# - Two requests at once come after all requests that are sent one after the other, whose faults would show there too.
# - Last come families that generate requests, and families that use up keys.
FAMILIES = (
    "contact",
    "entry",
    "isolation",
    "states",
    "survives",
    "history",
    "protocol",
    "imported",
    "cancel",
    "authentication",
    "window",
    "schedule",
    "use",
    "replies",
    "agreement",
    "unknown_keys",
    "near_misses",
    "names",
    "every_name",
    "pending_use",
    "pending_belongings",
    "belongings",
    "rotation",
    "together",
    "lifecycle",
    "fuzzing",
    "waiting_period",
    "planted",
    "afterwards",
)

# Families that run before the target has shown that it keeps the state of keys. `planted` is one of them because a run
# may consist of this family only.
BEFORE_ADMISSION = ("contact", "entry", "isolation", "states", "planted")

# Families that read a planted key, which an earlier run left pending on purpose. If these families cannot judge a
# requirement, other families of a run with a movable clock may judge it.
ACROSS_RUNS = ("planted",)

# Families whose requests only read and name no existing key. They can run before the keys of others are listed.
BEFORE_LISTING = ("contact",)

# Families that judge what all earlier checks of a process have left. Each process of a run has checks of them.
AFTER_ALL = ("afterwards",)

# Families that stay first in every run, also where checks that failed before are asked first: the contact, the first
# steps of a key, and whether a request for one key reaches another, which comes before anything else is changed.
UNMOVED = ("contact", "entry", "isolation")

# The family that is asked even in a run of few checks, because it protects the keys of others.
SAFEGUARD = ("isolation",)

# Families that stay last: they use up keys that other checks need, read planted keys, or judge what all other checks
# have left.
LAST = ("waiting_period", "planted", "afterwards")

# Families that generate requests from the seed of the run.
SEEDED = ("lifecycle", "fuzzing")


def position(family: str) -> int:
    """The index of a family in the order of a run. Raises `ValueError` for an unknown family."""
    return FAMILIES.index(family)
