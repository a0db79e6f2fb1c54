"""Values drawn by generators: recorded during a run, and supplied or compared when the run is judged again.

If this machine has the same versions of the generators, the values are drawn again and compared with the recorded ones.
So nobody can leave requests with bad results out of a recording. With other versions, the recorded values are used.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kms_conformance.core.runtime import Draws


class RecordedDraws(Draws):
    """Keeps the drawn values of a run, in their order."""

    def __init__(self) -> None:
        self._values: list[tuple[str, object]] = []

    def drew(self, of: str, value: object, /) -> None:
        self._values.append((of, value))

    def lines(self) -> Iterator[dict[str, object]]:
        """The lines of the recording that hold the drawn values."""
        for of, value in self._values:
            yield {"drawn": of, "value": value}


class PlayedDraws(Draws):
    """Supplies the recorded values by purpose, or, with `again`, compares them with values that are drawn again.

    `problem` describes the first difference; empty if there is none.
    """

    def __init__(self, lines: Sequence[Mapping[str, Any]], *, again: bool) -> None:
        self._again = again
        self._left: dict[str, list[Any]] = {}
        for line in lines:
            self._left.setdefault(line["drawn"], []).append(line["value"])
        self.problem = ""

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        return None if self._again else self._left.pop(of, [])

    def given(self, of: str, values: Sequence[Any], /) -> Sequence[Any]:
        return self._left.pop(of, [])

    def drew(self, of: str, value: object, /) -> None:
        if self.problem or not self._again:
            return
        left = self._left.get(of, [])
        if not left or left[0] != json.loads(json.dumps(value)):
            self.problem = f"the values drawn for the {of} are not those of this seed."
        else:
            del left[0]

    def ended(self) -> None:
        """Note that the run is over. If recorded values are left, this is a problem."""
        left = next((of for of, values in self._left.items() if values), None)
        if left is not None and not self.problem:
            self.problem = f"more values are recorded for the {left} than the suite draws."
