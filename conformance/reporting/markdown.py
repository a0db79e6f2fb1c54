"""Foreign text in Markdown: nothing in it can end a cell, call a person, or become a link, an image or a tag."""

from __future__ import annotations

import re

from conformance.reporting.text import one_line

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~&$])")
# GitHub and GitLab notify whom a text names, and link what looks like an address or an issue.
_CALLS = re.compile(r"(?<=[@#:])(?=[A-Za-z0-9/])")
_NOTHING = "\u200b"


def escaped(text: str) -> str:
    """The text on one line, shown as it is."""
    return _CALLS.sub(_NOTHING, _SPECIAL.sub(r"\\\1", one_line(text)))


def code(text: str) -> str:
    """The text on one line as a code span, also within a table."""
    shown = one_line(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"
