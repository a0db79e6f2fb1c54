"""Two workers and one target: what is alone is alone, whatever the workers are slow at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from kms_conformance.run.parallel.assignment import Assignment
from kms_conformance.run.parallel.scheduling import OneTarget

ITEMS = ["a1", "a2", "b1", "b2", "c1", "c2", "c3", "z1", "z2"]
DIVISION = Assignment(
    frozenset({"a1", "a2"}),
    (frozenset({"b1", "b2"}), frozenset({"c1", "c2", "c3"})),
    frozenset({"z1", "z2"}),
    frozenset({"z2"}),
    (4, 2),
    "b1",
)


@dataclass(eq=False)
class Worker:
    """A worker as pytest-xdist has them: it begins an item when it knows the next one, or that there is none."""

    name: str
    collected: Sequence[str]
    queue: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    told_to_end: bool = False

    @property
    def gateway(self) -> SimpleNamespace:
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        assert not self.told_to_end
        self.queue += [self.collected[index] for index in indices]

    def shutdown(self) -> None:
        self.told_to_end = True

    @property
    def ready(self) -> bool:
        return len(self.queue) > 1 or (self.told_to_end and bool(self.queue))


class Session:
    """Runs one item at a time, on the worker that `prefers` names if it is ready; notes what ran in which order."""

    def __init__(self, prefers: str, items: Sequence[str] = ITEMS, *, apart: bool = True) -> None:
        self.workers = {name: Worker(name, items) for name in ("gw1", "gw0")}
        self.scheduler = OneTarget(DIVISION, lambda item: item, lambda: apart)
        self.order: list[str] = []
        for worker in self.workers.values():
            self.scheduler.add_node(worker)
        for worker in self.workers.values():
            assert not self.scheduler.collection_is_completed
            self.scheduler.add_node_collection(worker, items)
        self.scheduler.schedule()
        while self.workers:
            self._step(prefers)

    def _step(self, prefers: str) -> None:
        ended = [worker for worker in self.workers.values() if worker.told_to_end and not worker.queue]
        for worker in ended:
            self.order.append(f"{worker.name} ends")
            del self.workers[worker.name]
            assert self.scheduler.remove_node(worker) is None
        ready = [worker for worker in self.workers.values() if worker.ready]
        assert ready or ended, "every worker waits"
        if ready:
            worker = next((one for one in ready if one.name == prefers), ready[0])
            item = worker.queue.pop(0)
            self.order.append(item)
            self.scheduler.mark_test_complete(worker, list(worker.collected).index(item))


@pytest.mark.parametrize("prefers", ["gw0", "gw1"])
def test_first_alone_then_together_then_alone(prefers: str) -> None:
    order = Session(prefers).order
    assert sorted(item for item in order if "ends" not in item) == sorted([*ITEMS, "z2"])
    assert order[:2] == ["a1", "a2"]
    # The last item of the first worker waits for the end of the other one, so it is the shortest.
    assert order[-4:] == ["b1", "z1", "z2", "gw0 ends"]
    assert order.index("c3") < order.index("gw1 ends") < order.index("b1")


def test_a_target_that_does_not_keep_keys_apart_is_tested_by_one_worker() -> None:
    order = Session("gw1", apart=False).order
    assert [item for item in order if "ends" not in item] == ["a1", "a2", "b2", "b1", "c1", "c2", "c3", "z1", "z2"]


@pytest.mark.parametrize("items", [["a1"], ["a1", "c1"], ["c1", "z1"], ["z1"], ["b1"], ["a1", "b1"], ["b1", "c2"], []])
def test_a_selection_of_checks_runs_once(items: list[str]) -> None:
    ran = [item for item in Session("gw1", items).order if "ends" not in item]
    assert sorted(ran) == items


def test_items_of_a_worker_that_dies_are_not_run_by_another() -> None:
    scheduler = OneTarget(DIVISION, lambda item: item, lambda: True)
    first, other = (Worker(name, ITEMS) for name in ("gw0", "gw1"))
    for worker in (first, other):
        scheduler.add_node(worker)
        scheduler.add_node_collection(worker, ITEMS)
    scheduler.schedule()
    for item in ("a1", "a2"):
        scheduler.mark_test_complete(first, ITEMS.index(item))
    scheduler.mark_test_complete(other, ITEMS.index("c1"))
    assert scheduler.remove_node(other) == "c2"
    assert not {"c2", "c3"} & set(first.queue)
    assert scheduler.tests_finished
    assert first.told_to_end
