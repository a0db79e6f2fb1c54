"""Scheduling by pytest-xdist: which worker gets which checks, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


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
