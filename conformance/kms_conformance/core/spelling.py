"""Hints for misspelt words: the known words that are most similar.

Every message of the suite that rejects a name takes its hint from here, so that all of them read alike.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

#: How similar two words must be, from 0 (nothing in common) to 1 (equal). Of a word of ten letters, four may differ.
_ALIKE = 0.6


def near(word: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The known words that are most similar to this one, the most similar first; none if none is similar.

    Capital and small letters count as equal, and so do hyphens and underscores.
    """
    folded: dict[str, str] = {}
    for each in known:
        folded.setdefault(_folded(each), each)
    found = difflib.get_close_matches(_folded(word), folded, n=most, cutoff=_ALIKE)
    return tuple(folded[each] for each in found)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar to this one; None if none is similar."""
    return next(iter(near(word, known, most=1)), None)


def did_you_mean(words: Iterable[str], otherwise: str = "") -> str:
    """A question that names these words, or the text `otherwise` if there are none.

    Two words are told as "Did you mean `cancel` or `lifecycle`?", three with a comma between the first two.
    """
    named = [f"`{word}`" for word in words]
    if not named:
        return otherwise
    last = named.pop()
    return f"Did you mean {', '.join(named)} or {last}?" if named else f"Did you mean {last}?"


def suggestion(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt word that names the nearest known word, or else all known words."""
    words = tuple(known)
    return did_you_mean(near(word, words, most=1), otherwise=f"Known: {', '.join(words)}.")


def _folded(word: str) -> str:
    return word.lower().replace("-", "_")
