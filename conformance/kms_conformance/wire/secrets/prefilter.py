"""Whether any of many long values may stand in a text, at a few looks for all of them together."""

from __future__ import annotations

from collections.abc import Iterable

_WIDTH = 6
_STEP = 19
#: What is shorter could stand between two looks.
LEAST = _WIDTH + _STEP - 1


class Windows:
    """Knows the beginnings of the values that were added last, window by window; a text is looked at in steps.

    A beginning is as long as a window and a step, so wherever it stands, one of its windows stands at a step. What is
    older is forgotten half at a time.
    """

    def __init__(self, values: int) -> None:
        """At least so many values are remembered, and less than twice as many."""
        self._values = values
        self._count = 0
        self._new: set[bytes] = set()
        self._old: set[bytes] = set()

    def add(self, forms: Iterable[bytes]) -> None:
        """Remember a value by its forms. Raises `ValueError` for a form of fewer than `LEAST` bytes."""
        if self._count == self._values:
            self._count, self._old, self._new = 0, self._new, set()
        self._count += 1
        for form in forms:
            if len(form) < LEAST:
                raise ValueError(f"{len(form)} bytes are too few to be found in steps of {_STEP}")
            self._new.update(form[at : at + _WIDTH] for at in range(_STEP))

    def may_stand_in(self, text: bytes) -> bool:
        """False only where none of the forms of the values that are remembered stands in the text."""
        seen = {text[at : at + _WIDTH] for at in range(0, len(text), _STEP)}
        return not (seen.isdisjoint(self._new) and seen.isdisjoint(self._old))
