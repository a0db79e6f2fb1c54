"""The lock on the clock of a target: shards of a target with time control run one after another."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kms_conformance.client.lease import hold
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.disk import make_folder
from kms_conformance.core.text import say
from kms_conformance.preflight.clock_look import refuse_still_clock
from kms_conformance.target import Target, TargetError


class ClockLock:
    """A pytest plugin that locks the clock of each target with time control, from before the first request to the end.

    The lock is a file, so that shards on one machine move the clock of a target one after another.
    """

    def __init__(self, targets: Iterable[Target]) -> None:
        """Wait for all locks, in the order of the target files, which is the same in every shard.

        Raises `TargetError` if the clock of a target does not move it; only now may this shard move it to see that.
        """
        moved = [target for target in targets if target.time_control is not None]
        self._held = [_hold(target) for target in moved]
        try:
            for target in moved:
                refuse_still_clock(target)
        except TargetError:
            self.pytest_unconfigure()
            raise

    def pytest_unconfigure(self) -> None:
        """Release the locks, so that the next shard starts."""
        while self._held:
            os.close(self._held.pop())


def _hold(target: Target) -> int:
    path = _path(Ledger.of(target).path)
    make_folder(path.parent)
    held = hold(path, blocking=False)
    if held is None:
        say(
            f"{target.name}: shards move its clock, so they run one after another; waiting for another shard.", err=True
        )
        held = hold(path)
    assert held is not None
    return held


def _path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.stem}.clock")
