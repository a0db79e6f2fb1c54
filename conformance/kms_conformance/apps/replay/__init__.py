"""Replay of one failure of an earlier run: runs its check again and shows both replies side by side."""

from kms_conformance.apps.replay.find import FoundFailure, find, target_file
from kms_conformance.apps.replay.outcome import ReplayOutcome, judge
from kms_conformance.apps.replay.rerun import RerunResult, rerun
from kms_conformance.apps.replay.show import lines

__all__ = ["FoundFailure", "ReplayOutcome", "RerunResult", "find", "judge", "lines", "rerun", "target_file"]
