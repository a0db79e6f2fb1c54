"""The checks, one file a family; `pytest --pyargs conformance.suite --target FILE` runs them."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
# For pytest: the caller's own configuration must not change a verdict.
CONFINED = (f"--config-file={FOLDER / 'pytest.ini'}", f"--rootdir={FOLDER}")

# The order of a run: whether it is safe to go on, then the families by the faults that each reports for its requests
# (`kms-conformance selftest --all` counts them), and last what generates requests and what uses up keys.
FAMILIES = (
    "entry",
    "isolation",
    "states",
    "authentication",
    "cancel",
    "window",
    "schedule",
    "use",
    "replies",
    "agreement",
    "protocol",
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
BEFORE_ADMISSION = ("entry", "isolation", "states", "planted")

# What these ask is drawn by the seed: with another seed they meet other answers.
DRAWN = ("lifecycle", "fuzzing")
