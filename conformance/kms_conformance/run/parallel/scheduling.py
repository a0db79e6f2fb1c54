"""Scheduling by pytest-xdist: which worker gets which checks, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kms_conformance.run.parallel.assignment import Assignment


def one_worker_per_group(config: pytest.Config, log: Any, place: Callable[[str], str | None]) -> Any:  # noqa: ANN401 - xdist's
    """A pytest-xdist scheduler that gives all items of a group of targets to one worker, in their order.

    `place` returns the group of an item by the item's id; None if the item has no target. The marker `xdist_group`
    cannot be used: pytest-xdist 3.8 writes the group into an id that pytest 9.2 does not read, so it would spread the
    checks of a target over all workers.
    """
    from xdist.scheduler import LoadScopeScheduling  # noqa: PLC0415 - only runs with workers need it

    class OneWorkerPerGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return place(nodeid) or nodeid

    return OneWorkerPerGroup(config, log)


class OneTarget:
    """A pytest-xdist scheduler that divides the checks of one target: some alone first, some alone last.

    1. The first worker gets the first checks and its part.
    2. When the first checks are over, each other worker gets its part, and ends with it. If the target did not keep
       keys apart, all parts go to the first worker.
    3. When all other workers have ended, the first worker gets the last checks. A worker of pytest-xdist begins its
       last item when it knows the next one, so until then the first worker waits before the last item of its part,
       which is the shortest one.
    """

    def __init__(
        self, assignment: Assignment, check_of: Callable[[str], str | None], keeps_apart: Callable[[], bool]
    ) -> None:
        """`check_of` returns the check of an item by the item's id; None for items of others.

        `keeps_apart` tells after the first checks whether several processes may test the target at the same time.
        """
        self._assignment = assignment
        self._check_of = check_of
        self._keeps_apart = keeps_apart
        self._collected: dict[Any, list[str]] = {}
        self._pending: dict[Any, dict[str, None]] = {}
        self._begun = False
        self._divided = False
        self._ended = False

    @property
    def nodes(self) -> list[Any]:
        """The workers that are at work, in the order of their numbers."""
        return sorted(self._pending, key=worker_number)

    @property
    def collection_is_completed(self) -> bool:
        """Whether all workers have collected their items."""
        return len(self._collected) >= len(self._assignment.parts)

    @property
    def tests_finished(self) -> bool:
        """Whether no item remains to be sent."""
        return self._ended

    @property
    def has_pending(self) -> bool:
        """Whether items remain to be run."""
        return not self._ended or any(self._pending.values())

    def add_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        """Take in a worker that has started."""
        self._pending[node] = {}

    def add_node_collection(self, node: Any, collection: Sequence[str]) -> None:  # noqa: ANN401 - xdist's
        """Take in the items of a worker; all workers have the same ones."""
        self._collected[node] = list(collection)

    def schedule(self) -> None:
        """Begin, when all workers have collected."""
        if self._begun:
            return
        self._begun = True
        first = self.nodes[0]
        own = {None, *self._assignment.first, *self._assignment.parts[0]}
        mine = [item for item in self._collected[first] if self._check_of(item) in own]
        self._send(first, sorted(mine, key=lambda item: self._check_of(item) == self._assignment.brief))
        # A selection of checks may leave nothing for the first worker to do beside the others.
        alone = all(self._check_of(item) in self._assignment.first for item in self._pending[first])
        self._divide_when_ready(alone=alone)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:  # noqa: ANN401 - xdist's
        """Note that an item is over."""
        self._pending[node].pop(self._collected[node][item_index], None)
        self._divide_when_ready()

    def remove_node(self, node: Any) -> str | None:  # noqa: ANN401 - xdist's
        """Take out a worker that has ended; returns the item that it died in, if it had not run all its items."""
        died_in = next(iter(self._pending.pop(node)), None)
        if self._divided:
            self._end_when_ready()
        return died_in

    def mark_test_pending(self, item: str) -> None:
        """Never called: no item is run again."""
        raise NotImplementedError

    def remove_pending_tests_from_node(self, node: Any, indices: Sequence[int]) -> None:  # noqa: ANN401 - xdist's
        """Never called: no item is taken from a worker."""
        raise NotImplementedError

    def _divide_when_ready(self, *, alone: bool = False) -> None:
        first, *others = self.nodes
        waiting = any(self._check_of(item) in self._assignment.first for item in self._pending[first])
        if self._divided or (waiting and not alone):
            return
        self._divided = True
        apart = not alone and self._keeps_apart()
        for other, part in zip(others, self._assignment.parts[1:], strict=False):
            worker, checks = (other, part | self._assignment.each) if apart else (first, part)
            self._send(worker, [item for item in self._collected[worker] if self._check_of(item) in checks])
            other.shutdown()
        self._end_when_ready()

    def _end_when_ready(self) -> None:
        if self._ended or len(self._pending) > 1:
            return
        self._ended = True
        for first in [node for node in self._pending if worker_number(node) == 1]:
            last = self._assignment.last
            self._send(first, [item for item in self._collected[first] if self._check_of(item) in last])
            first.shutdown()

    def _send(self, node: Any, items: list[str]) -> None:  # noqa: ANN401 - xdist's
        self._pending[node].update(dict.fromkeys(items))
        if items:
            node.send_runtest_some([self._collected[node].index(item) for item in items])


def worker_number(node: Any) -> int:  # noqa: ANN401 - xdist has no types
    """The number of a pytest-xdist worker, counted from 1; its name is `gw` and the number counted from 0."""
    return int(str(node.gateway.id).removeprefix("gw")) + 1
