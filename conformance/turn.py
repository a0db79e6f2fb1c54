"""Where checks move the clock of a target that shards share, one shard after another is at work there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from conformance.ledger import Ledger
from conformance.say import say
from conformance.target import Target


class Turn:
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
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    say(f"{target.name}: checks move its clock, so its shards take turns; waiting for another one.", err=True)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.stem}.clock")
