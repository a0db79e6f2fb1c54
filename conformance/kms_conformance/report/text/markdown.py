"""Writes Markdown for GitHub and GitLab. Text from targets is escaped: it makes no markup, links or mentions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kms_conformance.core.text import one_line, printable

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$])")
_TICKS = re.compile(r"`+")
# Matches the places at which a text must be broken: GitHub and GitLab notify mentioned users, and turn texts that look
# like URLs or issues into links.
_CALLS = re.compile(r"(?<=[@#:])(?=[A-Za-z0-9/])|(?<=www)(?=\.)|(?<=gh-)(?=[0-9])", re.IGNORECASE)
_NOTHING = "\u200b"


def plain(text: str) -> str:
    """The text on one line, with Markdown and HTML escaped."""
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    return _CALLS.sub(_NOTHING, escaped.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;"))


def code(text: str) -> str:
    """The text as a code span, which may stand in a table cell."""
    shown = one_line(text).replace("|", "\\|")
    fence = "`" * (_longest(shown) + 1)
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}" if shown else ""


def block(text: str, language: str = "") -> str:
    """The text as a fenced code block; the fence is longer than any fence within the text."""
    shown = printable(text)
    fence = "`" * max(3, _longest(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def prose(text: str) -> str:
    """A statement of the catalogue, which is Markdown; only HTML is escaped."""
    return one_line(text).replace("<", "&lt;")


def with_code(text: str) -> str:
    """The text on one line, escaped; names between backticks become code spans."""
    parts = one_line(text).split("`")
    if len(parts) % 2 == 0:
        return plain(text)
    return "".join(code(part) if index % 2 else plain(part) for index, part in enumerate(parts))


def link(text: str, url: str) -> str:
    """A link; `url` must be from the catalogue."""
    return f"[{plain(text)}](<{url}>)"


def details(summary: str, content: str) -> str:
    """A block of which only `summary` is visible until the reader clicks on it."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; cells are Markdown, without line breaks."""
    lines: list[tuple[str, ...]] = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
