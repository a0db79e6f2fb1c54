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
    "names",
    "use",
    "pending_use",
    "pending_belongings",
    "agreement",
    "replies",
    "belongings",
    "protocol",
    "authentication",
    "fuzzing",
    "lifecycle",
    "waiting_period",
    "afterwards",
)

# These do not build on a target that keeps the state of keys: they find out whether it does.
BEFORE_ADMISSION = ("entry", "isolation", "states")
