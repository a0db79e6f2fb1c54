"""Which of many names a text holds, at a cost that does not grow with their number: an account may list 10,000 keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


class Needles:
    """Names to look for without regard to case, wherever in a text they stand."""

    def __init__(self) -> None:
        self._by_length: dict[int, dict[str, str]] = {}

    def add(self, names: Iterable[str]) -> None:
        """Look for these names as well; an empty one stands in no text."""
        for name in filter(None, names):
            folded = name.casefold()
            self._by_length.setdefault(len(folded), {})[folded] = name

    def found_in(self, text: str) -> Iterator[str]:
        """The names that stand in a case-folded text: one look at each place for each length that names have."""
        for length, names in self._by_length.items():
            for start in range(len(text) - length + 1):
                if (name := names.get(text[start : start + length])) is not None:
                    yield name
