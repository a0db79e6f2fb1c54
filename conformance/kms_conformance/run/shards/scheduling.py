"""Scheduling: one worker gets all checks of a target; shards of a target with time control run one after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

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


def one_worker_per_target(config: pytest.Config, log: Any, place: Callable[[str], str | None]) -> Any:  # noqa: ANN401 - xdist's
    """A pytest-xdist scheduler that gives all items of a target to one worker, in their order.

    `place` returns the target of an item by the item's id; None if the item has no target. The marker `xdist_group`
    cannot be used: pytest-xdist 3.8 writes the group into an id that pytest 9.2 does not read, so it would spread the
    checks of a target over all workers.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where pytest-xdist is installed

    class OneWorkerPerTarget(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return place(nodeid) or nodeid

    return OneWorkerPerTarget(config, log)
