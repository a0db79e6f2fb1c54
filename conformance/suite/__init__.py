"""The checks, one file a family; `pytest --pyargs conformance.suite --target FILE` runs them."""

# The order of a run: what breaks most often is asked first, what uses up keys last.
FAMILIES = (
    "entry",
    "cancel",
    "schedule",
    "window",
    "unknown_keys",
    "pending_use",
    "replies",
    "protocol",
    "authentication",
    "fuzzing",
    "lifecycle",
    "waiting_period",
    "isolation",
)
