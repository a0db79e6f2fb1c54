"""Makes foreign text fit to be shown: nothing in it can move a cursor, hide itself, or give orders to a CI system."""

from __future__ import annotations

import os
import re
import unicodedata

# Line breaks are kept in blocks; all else of these categories is written out: controls (also escape sequences of
# terminals), marks that reverse or hide text, halves of surrogate pairs, and what only looks like a blank.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_CANDIDATE = re.compile(r"[^\x20-\x7e\n]")
# CI systems obey a line that begins so, after any blanks, and a line may begin with what a target wrote.
_ORDER = re.compile(r"^(\s*)(::|##\w*\[)", re.MULTILINE)
_OBEY = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
_NO_BREAK = "\u00a0"
# For terminals that have no more than ASCII.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "…": "...", "·": "-", "“": '"', "”": '"', "→": "->", _NO_BREAK: " "})


def printable(text: str) -> str:
    """The same text, with every character that is not one glyph written as an escape; line breaks stay."""
    return _CANDIDATE.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same text, printable, on one line."""
    return " ".join(printable(text).split())


def shown(text: str, encoding: str | None) -> str:
    """The text as a stream of this encoding may have it: printable, without orders to the CI system that logs it.

    Blanks at which no line may break are ours, and stay.
    """
    text = _NO_BREAK.join(map(printable, text.split(_NO_BREAK)))
    if any(os.environ.get(name) for name in _OBEY):
        text = _ORDER.sub(r"\1| \2", text)
    if (encoding or "utf-8").lower().startswith("utf"):
        return text
    return text.translate(_ASCII).encode("ascii", "backslashreplace").decode("ascii")


def _escaped(match: re.Match[str]) -> str:
    character = match[0]
    if unicodedata.category(character) not in _UNSAFE:
        return character
    if character == "\t":
        return "    "
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
