"""What a run did to the keys of others, in sentences for the terminal, the page and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kms_conformance.core.text import counted

# Files of older releases lack these fields.
_DEFAULTS: Mapping[str, Any] = {"ended": (), "denied": 0, "clock_days": 0.0}


@dataclass(frozen=True)
class OtherKeys:
    """The comparison of the keys of others in a verdict file, as text.

    - compared: how many keys were compared.
    - by_clock, by_date: what ended because the run moved the clock, and what would have ended anyway; may be empty.
    - outcome: whether the compared keys changed otherwise; empty if no key was compared.
    - unread: what is known of the keys that may not be described; may be empty.
    - changed: true if keys read differently and the reason is not known.
    """

    compared: str
    by_clock: str
    by_date: str
    outcome: str
    unread: str
    changed: bool

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of it, without empty parts."""
        return tuple(filter(None, (self.compared, self.by_clock, self.by_date, self.outcome, self.unread)))

    @classmethod
    def of(cls, found: Mapping[str, Any] | None) -> OtherKeys | None:
        """The sentences on `isolation` of a verdict; None if no key was compared and none may not be described."""
        if not found:
            return None
        found = {**_DEFAULTS, **found}
        if not found["described"] and not found["denied"]:
            return None
        described = found["described"]
        return cls(
            f"{described} compared before and after" if described else "none could be compared",
            _by_clock(found),
            _by_date(found),
            _outcome(found) if described else "",
            _unread(found),
            bool(found["changed"]),
        )


def _outcome(found: Mapping[str, Any]) -> str:
    differ = len(found["changed"])
    if differ:
        return f"{differ} changed during the run (cause unknown, see the report)"
    return "none changed otherwise" if found["ended"] else "none changed"


def _by_clock(found: Mapping[str, Any]) -> str:
    number = sum(each["cause"] == "clock" for each in found["ended"])
    days = counted(round(found["clock_days"]), "day")
    return f"{number} ended because this run moved the clock by {days}" if number else ""


def _by_date(found: Mapping[str, Any]) -> str:
    number = sum(each["cause"] == "date" for each in found["ended"])
    dates = "its deletion date" if number == 1 else "their deletion dates"
    return f"{number} reached {dates} during the run" if number else ""


def _unread(found: Mapping[str, Any]) -> str:
    number = found["denied"]
    if not number:
        return ""
    gone = len(found["vanished"])
    listed = "no key disappeared from it" if not gone else f"{counted(gone, 'key')} disappeared from it"
    return f"{number} may not be described with these credentials: only the list shows them, and {listed}"
