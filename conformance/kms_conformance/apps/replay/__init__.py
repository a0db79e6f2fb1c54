"""One failure of an earlier run, asked for again: its check is run afresh, and the two replies stand side by side."""

from kms_conformance.apps.replay.find import Found, find, target_file
from kms_conformance.apps.replay.outcome import Outcome, judge
from kms_conformance.apps.replay.rerun import Again, rerun
from kms_conformance.apps.replay.show import lines

__all__ = ["Again", "Found", "Outcome", "find", "judge", "lines", "rerun", "target_file"]
