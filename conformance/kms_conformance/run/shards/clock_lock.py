"""Where checks move the clock of a target that shards share, one shard after another is at work there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kms_conformance.client.lease import hold
from kms_conformance.client.ledger import Ledger
from kms_conformance.core.disk import make_folder
from kms_conformance.core.say import say
from kms_conformance.target import Target


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
    make_folder(path.parent)
    held = hold(path, blocking=False)
    if held is None:
        say(f"{target.name}: checks move its clock, so its shards take turns; waiting for another one.", err=True)
        held = hold(path)
    assert held is not None
    return held


def _path(ledger: Path) -> Path:
    return ledger.with_name(f"{ledger.stem}.clock")
