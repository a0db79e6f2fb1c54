"""What generators draw at random, in order: a run that is judged again takes it from there, and draws nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Draws:
    """Those of a run that is not recorded: they are drawn and forgotten. All values are of JSON types."""

    def recorded(self, of: str, /) -> Sequence[Any] | None:
        """All that was drawn for one purpose of the recorded run; None where it is to be drawn now."""
        del of
        return None

    def drew(self, of: str, value: object, /) -> None:
        """Take note of what was just drawn for a purpose."""
