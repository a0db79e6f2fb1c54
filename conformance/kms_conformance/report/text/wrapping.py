"""Foreign text cut and wrapped for a page, and numbers in words."""

from __future__ import annotations

import textwrap


def capped(text: str, limit: int) -> tuple[str, int]:
    """At most `limit` characters of a text, and how many were left out."""
    return text[:limit], max(0, len(text) - limit)


def wrapped(text: str, width: int, first: str = "", later: str | None = None) -> list[str]:
    """The lines of a text at this width, the first line after `first`, all others after `later`."""
    rest = " " * len(first) if later is None else later
    lines: list[str] = []
    for line in text.split("\n"):
        lines += textwrap.wrap(
            line,
            width,
            initial_indent=rest if lines else first,
            subsequent_indent=rest,
            break_on_hyphens=False,
            replace_whitespace=False,
            drop_whitespace=True,
        ) or [(rest if lines else first).rstrip()]
    return lines


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 check`, `2 checks`, `1,000 checks`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """A time as people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
