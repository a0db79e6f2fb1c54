"""The loop of an emulator's author: what was red is asked again after each restart of a server."""

from kms_conformance.apps.until_fixed.loop import ROUND, Loop
from kms_conformance.apps.until_fixed.restart import Restarts
from kms_conformance.apps.until_fixed.rounds import RedSet, RoundCounts

__all__ = ["ROUND", "Loop", "RedSet", "Restarts", "RoundCounts"]
