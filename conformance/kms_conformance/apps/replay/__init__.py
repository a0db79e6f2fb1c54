"""One failure of an earlier run, asked for again: its check is run afresh, and the two replies stand side by side."""

from kms_conformance.apps.replay.find import FoundFailure, find, target_file
from kms_conformance.apps.replay.outcome import ReplayOutcome, judge
from kms_conformance.apps.replay.rerun import Again, rerun
from kms_conformance.apps.replay.show import lines

__all__ = ["Again", "FoundFailure", "ReplayOutcome", "find", "judge", "lines", "rerun", "target_file"]
