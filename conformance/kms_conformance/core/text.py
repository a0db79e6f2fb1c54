"""Output for people: escaping, shortening and wrapping of text, formatting of numbers, and printing."""

from __future__ import annotations

import os
import re
import sys
import textwrap
import unicodedata
from contextlib import suppress

# Unicode categories that are escaped, except for line breaks: controls (terminal escape sequences among them), marks
# that reverse or hide text, lone surrogates, and blanks other than the space.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
_CANDIDATE = re.compile(r"[^\x20-\x7e\n]")
# CI systems execute lines that begin like this, with or without blanks before. Text from a target must not do that.
_ORDER = re.compile(r"^(\s*)(::|##\w*\[)", re.MULTILINE)
_OBEY = ("GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
_NO_BREAK = "\u00a0"
# Replacements of our own characters for terminals that show ASCII only.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "…": "...", "·": "-", "“": '"', "”": '"', "→": "->", _NO_BREAK: " "})


def printable(text: str) -> str:
    """The text with each character of an unsafe category replaced by an escape; line breaks stay."""
    return _CANDIDATE.sub(_escaped, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The text made printable, with line breaks and runs of blanks replaced by single blanks."""
    return " ".join(printable(text).split())


def shown(text: str, encoding: str | None) -> str:
    """The text for a stream of this encoding: printable, and without commands to the CI system that logs it.

    No-break spaces come from our own texts and stay.
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


#: Most characters that reports keep of a text from a target. No state, code or message of a service is longer.
MOST = 2_000
#: Most characters that reports keep of a name within a sentence, such as a state or an error code.
MOST_OF_A_NAME = 200


def shortened(text: str, most: int = MOST) -> str:
    """The text if it has at most `most` characters, else its beginning with the length and a digest of the whole text.

    The digest keeps different texts different.
    """
    if len(text) <= most:
        return text
    import hashlib  # noqa: PLC0415 - not needed by `--help`, which imports this module

    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{text[:most]}… ({len(text)} characters, SHA-256 {digest}…)"


def say(text: str, *, err: bool = False, end: str = "\n") -> None:
    """Print a text on standard output or standard error, with control characters escaped.

    Errors of the stream (closed, full, broken pipe) are ignored; the text is then lost.
    """
    stream = sys.stderr if err else sys.stdout
    # Python sets a standard stream to None if the stream was closed when the process started.
    if stream is None:
        return
    # Writing to a stream that this process has closed raises ValueError.
    with suppress(OSError, ValueError):
        stream.write(shown(text, stream.encoding) + end)
        stream.flush()


def capped(text: str, limit: int) -> tuple[str, int]:
    """At most `limit` characters of a text, and the number of characters left out."""
    return text[:limit], max(0, len(text) - limit)


def wrapped(text: str, width: int, first: str = "", later: str | None = None) -> list[str]:
    """The text wrapped at this width; `first` begins the first line, `later` (default: blanks) all others."""
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
    """A duration in at most two units: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
