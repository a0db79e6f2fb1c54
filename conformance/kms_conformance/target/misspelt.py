"""What somebody probably meant to write."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that this one is most like; None if it is like none."""
    folded = {each.lower().replace("-", "_"): each for each in known}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint that names the nearest known word, or all of them."""
    words = tuple(known)
    meant = nearest(word, words)
    return f"Did you mean `{meant}`?" if meant else f"Known: {', '.join(words)}."
