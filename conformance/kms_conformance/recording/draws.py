"""Values drawn by generators: recorded during a run, and supplied or compared when the run is judged again.

If this machine has the same versions of the generators, values are drawn again and compared, so that requests with bad
results cannot be left out of a recording. Otherwise the recorded values are used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kms_conformance.core.runtime import Draws


class RecordedDraws(Draws):
    """Keeps drawn values in order."""

    def __init__(self) -> None:
        self._values: list[tuple[str, object]] = []

    def drew(self, of: str, value: object, /) -> None:
        self._values.append((of, value))

    def lines(self) -> Iterator[dict[str, object]]:
        """The lines of the recording that hold them."""
        for of, value in self._values:
            yield {"drawn": of, "value": value}


class PlayedDraws(Draws):
    """Supplies recorded values by purpose, or compares them with values drawn `again`.

    `problem` describes the first difference; empty without one.
    """

    def __init__(self, lines: Sequence[Mapping[str, Any]], *, again: bool) -> None:
        self._again = again
        self._left: dict[str, list[Any]] = {}
        for line in lines:
            self._left.setdefault(line["drawn"], []).append(line["value"])
        self.problem = ""

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        return None if self._again else self._left.pop(of, [])

    def drew(self, of: str, value: object, /) -> None:
        if self.problem or not self._again:
            return
        left = self._left.get(of, [])
        if not left or left[0] != json.loads(json.dumps(value)):
            self.problem = f"the values drawn for the {of} are not those of this seed."
        else:
            del left[0]

    def ended(self) -> None:
        """The run is over: no recorded value may be left."""
        left = next((of for of, values in self._left.items() if values), None)
        if left is not None and not self.problem:
            self.problem = f"more values are recorded for the {left} than the suite draws."
