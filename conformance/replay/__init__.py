"""One failure of an earlier run, asked for again: its check is run afresh, and the two replies stand side by side."""

from conformance.replay.find import Found, find, target_file
from conformance.replay.outcome import Outcome, judge
from conformance.replay.rerun import Again, rerun
from conformance.replay.show import lines

__all__ = ["Again", "Found", "Outcome", "find", "judge", "lines", "rerun", "target_file"]
