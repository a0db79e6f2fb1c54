"""Which requirement an accepted window breaks: only what is wrong by every reading counts."""

from __future__ import annotations

import re

from kms_conformance.catalogue.profile import Window
from kms_conformance.catalogue.requirement_ids import RequirementId

# As scenario checks have it: beyond every integer type.
_HUGE = 2**63


def broken_by(window: tuple[object, ...], bounds: Window) -> RequirementId | None:
    """The requirement that is broken when a window, as it was sent, is accepted; None if it may be accepted.

    Left open: windows that are absent, empty or sent twice, and spellings that a lenient parser reads as a number
    within the bounds (surrounding blanks, signs, leading zeros, a decimal point with nothing behind it).
    """
    if len(window) != 1 or isinstance(window[0], bool) or not isinstance(window[0], (str, int, float)):
        return None
    text = str(window[0])
    if re.fullmatch(r"[+-]?[0-9]{1,4000}", text):
        return _out_of_range(int(text), bounds)
    if re.fullmatch(r"[0-9]+\.[0-9]*[1-9]", text):
        return "schedule.window.fraction"
    # Digits of other scripts count as digits; letters may be an exponent or a base.
    return "schedule.window.text" if text.strip() and not any(character.isdigit() for character in text) else None


def days_in(window: tuple[object, ...], bounds: Window) -> int | None:
    """The days of a window that was written as documented and lies within the bounds; None for any other."""
    text = str(window[0]) if len(window) == 1 and not isinstance(window[0], bool) else ""
    written = re.fullmatch(r"[1-9][0-9]{0,3}", text) and isinstance(window[0], (str, int))
    return int(text) if written and bounds.minimum <= int(text) <= bounds.maximum else None


def _out_of_range(days: int, bounds: Window) -> RequirementId | None:
    if bounds.minimum <= days <= bounds.maximum:
        return None
    if days >= _HUGE:
        return "schedule.window.huge"
    if days > bounds.maximum:
        return "schedule.window.above-maximum"
    if days == 0:
        return "schedule.window.zero"
    return "schedule.window.negative" if days < 0 else "schedule.window.below-minimum"
