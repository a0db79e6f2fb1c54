"""Markdown for what forges show: blocks that nothing within can end, tables, links, and what opens at a click."""

from __future__ import annotations

import re

from conformance.reporting.markdown import escaped
from conformance.reporting.text import one_line, printable

_TICKS = re.compile(r"`+")


def block(text: str, language: str = "") -> str:
    """A fenced block that nothing within it can end."""
    shown = printable(text)
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(shown)), default=0))
    return f"{fence}{language}\n{shown}\n{fence}"


def prose(text: str) -> str:
    """A statement of ours: Markdown already, but for what HTML or a table would read as its own."""
    return one_line(text).replace("<", "&lt;").replace("|", "\\|")


def link(text: str, url: str) -> str:
    """A link; `url` is one of ours."""
    return f"[{escaped(text)}](<{url}>)"


def details(summary: str, content: str) -> str:
    """What opens at a click; `summary` is a text of ours."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; cells are Markdown, without line breaks."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
