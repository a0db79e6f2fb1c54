"""What generators drew in a run, as it is recorded, and as it is given back when the run is judged again.

Where this machine would draw the same - it has the versions that the run had - values are drawn again and compared:
so nobody can leave out a request that went badly. Elsewhere they are taken as they were recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kms_conformance.core.runtime import Draws


class RecordedDraws(Draws):
    """Keeps what is drawn, in order."""

    def __init__(self) -> None:
        self._values: list[tuple[str, object]] = []

    def drew(self, of: str, value: object, /) -> None:
        self._values.append((of, value))

    def lines(self) -> Iterator[dict[str, object]]:
        """The lines of a tape that hold them."""
        for of, value in self._values:
            yield {"drawn": of, "value": value}


class PlayedDraws(Draws):
    """Gives back what was recorded, by purpose, or draws it `again` and compares.

    `problem` says where the two part; empty as long as they do not.
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
            self.problem = f"what was drawn for the {of} is not what this seed gives."
        else:
            del left[0]

    def ended(self) -> None:
        """Take note that the run is over: nothing may be left."""
        left = next((of for of, values in self._left.items() if values), None)
        if left is not None and not self.problem:
            self.problem = f"more was drawn for the {left} than the suite asks for."
