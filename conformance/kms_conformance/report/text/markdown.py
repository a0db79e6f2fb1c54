"""Markdown as forges show it, in which foreign text stays text: no markup, no link, nobody mentioned."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kms_conformance.core.text import one_line, printable

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$])")
_TICKS = re.compile(r"`+")
# GitHub and GitLab notify whom a text names, and link what looks like an address or an issue.
_CALLS = re.compile(r"(?<=[@#:])(?=[A-Za-z0-9/])|(?<=www)(?=\.)|(?<=gh-)(?=[0-9])", re.IGNORECASE)
_NOTHING = "\u200b"


def plain(text: str) -> str:
    """The text on one line, all that Markdown or HTML would read as markup escaped."""
    escaped = _MARKUP.sub(r"\\\1", one_line(text))
    return _CALLS.sub(_NOTHING, escaped.replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;"))


def code(text: str) -> str:
    """A code span; also good in a cell of a table."""
    shown = one_line(text).replace("|", "\\|")
    fence = "`" * (_longest(shown) + 1)
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}" if shown else ""


def block(text: str, language: str = "") -> str:
    """A fenced block that nothing within it can end."""
    shown = printable(text)
    fence = "`" * max(3, _longest(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def prose(text: str) -> str:
    """A statement of ours: Markdown already, but for what HTML would read as a tag."""
    return one_line(text).replace("<", "&lt;")


def link(text: str, url: str) -> str:
    """A link; `url` is one of ours."""
    return f"[{plain(text)}](<{url}>)"


def details(summary: str, content: str) -> str:
    """What opens at a click."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table; cells are Markdown, without line breaks."""
    lines: list[tuple[str, ...]] = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _longest(text: str) -> int:
    return max(map(len, _TICKS.findall(text)), default=0)
