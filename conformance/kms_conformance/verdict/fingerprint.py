"""A short name for a failure, the same in every run that meets it again."""

from __future__ import annotations

import hashlib
import re

# What differs from night to night in words that say what was expected: ids of keys, dates, long numbers.
_VOLATILE = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b(?=[0-9a-z-]*\d)[0-9a-z-]{16,}\b"
    r"|\d{8,}",
    re.IGNORECASE,
)
_LENGTH = 6


def steady(text: str) -> str:
    """The text with ids of keys, dates and long numbers replaced, so that what is left is the same every night."""
    return _VOLATILE.sub("#", text)


def failure_id(target: str, check: str, requirement: str, expected: str) -> str:
    """Six hexadecimal digits that name a deviation: which target, check and requirement, and what was expected there.

    Ids of keys and dates within `expected` do not count. Two deviations of one check that differ in these alone share
    their id.
    """
    told = f"{target}\0{check}\0{requirement}\0{steady(expected)}"
    # As the text will be stored: without the halves of surrogate pairs that an endpoint may send.
    stored = told.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return hashlib.sha256(stored.encode()).hexdigest()[:_LENGTH]
