"""The checks, one file a family; `pytest --pyargs conformance.suite --target FILE` runs them."""

# The order of a run: whether it is safe to go on, then what breaks most often, and what uses up keys last.
FAMILIES = (
    "entry",
    "isolation",
    "states",
    "cancel",
    "schedule",
    "window",
    "unknown_keys",
    "use",
    "pending_use",
    "replies",
    "protocol",
    "authentication",
    "fuzzing",
    "lifecycle",
    "waiting_period",
    "planted",
    "afterwards",
)

# These do not build on a target that keeps the state of keys: they find out whether it does.
# A planted key is read in runs that have no other.
BEFORE_ADMISSION = ("entry", "isolation", "states", "planted")
