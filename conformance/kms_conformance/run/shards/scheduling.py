"""pytest-xdist: the checks of one target share its keys, so they go to one worker, in their order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling


class OneWorkerATarget(LoadScopeScheduling):
    """Gives all items of a target to the same worker; `place` names the target of an item's id, or knows none.

    Not by marks: pytest-xdist 3.8 writes the group of a mark into an id that pytest 9.2 does not read, and spread the
    checks of one target over all workers.
    """

    def __init__(self, config: pytest.Config, log: Any, place: Callable[[str], str | None]) -> None:  # noqa: ANN401 - xdist's
        super().__init__(config, log)
        self._place = place

    def _split_scope(self, nodeid: str) -> str:
        return self._place(nodeid) or nodeid
