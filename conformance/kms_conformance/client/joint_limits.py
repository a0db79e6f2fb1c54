"""Limits that several processes of one run keep together, because they share one target."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kms_conformance.client.lease import locked

# The numbers of exchanges of two processes differ by at least this, so that a number names one exchange of a run.
_NUMBERS = 1_000_000


class JointLimits:
    """What all processes of a run have used of the target's limits, in a file that each of them reads under a lock.

    - `process`: the number of this process, counted from 1.
    - `of`: the number of processes.
    """

    def __init__(self, path: Path, process: int, of: int) -> None:
        """`path` is a file that need not exist; all processes of the run name the same one."""
        self.process, self.of = process, of
        self._path = path

    @property
    def exchanges_before(self) -> int:
        """The number before that of the first exchange of this process."""
        return (self.process - 1) * _NUMBERS

    def turn(self, earliest: float, interval: float) -> float:
        """Reserve the moment of one request, at `earliest` or later; returns the moment.

        Moments are those of the system's monotonic clock, in seconds, which all processes of a machine share. Two
        requests are at least `interval` seconds apart, whichever processes send them.
        """
        with self._used() as used:
            at = max(earliest, used.get("next", 0.0))
            used["next"] = at + interval
        return at

    def waited(self, seconds: float = 0.0) -> float:
        """Add seconds to those that all processes have waited for changes to become visible; returns the sum."""
        with self._used() as used:
            used["waited"] = used.get("waited", 0.0) + seconds
            return used["waited"]

    def remove(self) -> None:
        """Remove the file, before and after a run."""
        for path in (self._path, self._path.with_suffix(".lock")):
            path.unlink(missing_ok=True)

    @contextmanager
    def _used(self) -> Iterator[dict[str, float]]:
        with locked(self._path):
            used = json.loads(self._path.read_bytes()) if self._path.exists() else {}
            yield used
            self._path.write_text(json.dumps(used), encoding="utf-8")
