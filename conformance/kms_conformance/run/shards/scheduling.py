"""The order of checks: one worker has all checks of a target, and shards that share a clock take turns."""

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
from kms_conformance.target import Target


class ClockLock:
    """A pytest plugin: a lock for each target with a clock, taken before anything is sent, given up at the end."""

    def __init__(self, targets: Iterable[Target]) -> None:
        """Wait for all of them, in the order of their files: it is the same for every shard."""
        self._held = [_hold(target) for target in targets if target.time_control is not None]

    def pytest_unconfigure(self) -> None:
        """Let the next shard begin."""
        while self._held:
            os.close(self._held.pop())


def _hold(target: Target) -> int:
    path = _path(Ledger.of(target).path)
    make_folder(path.parent)
    held = hold(path, blocking=False)
    if held is None:
        say(f"{target.name}: checks move its clock, so its shards take turns; waiting for another one.", err=True)
        held = hold(path)
    assert held is not None
    return held


def _path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.stem}.clock")


def one_worker_per_target(config: pytest.Config, log: Any, place: Callable[[str], str | None]) -> Any:  # noqa: ANN401 - xdist's
    """A scheduler of pytest-xdist that gives all items of a target to the same worker, in their order.

    `place` names the target of an item's id, or knows none. Not by marks: pytest-xdist 3.8 writes the group of a mark
    into an id that pytest 9.2 does not read, and spread the checks of one target over all workers.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only where pytest-xdist is installed

    class OneWorkerPerTarget(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return place(nodeid) or nodeid

    return OneWorkerPerTarget(config, log)
