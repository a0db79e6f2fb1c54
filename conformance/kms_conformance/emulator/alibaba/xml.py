"""Writes a reply's value as XML: a mapping is an element a name, a list repeats its element."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

# What XML 1.0 cannot hold, not even escaped; JSON can, so descriptions may have it.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def encode(root: str, value: dict[str, Any]) -> bytes:
    """The document with that root, in UTF-8."""
    return ("<?xml version='1.0' encoding='UTF-8'?>" + "".join(_element(root, value))).encode("utf-8")


def _element(name: str, value: Any) -> Iterator[str]:  # noqa: ANN401 - a JSON value
    if isinstance(value, list):
        for item in value:
            yield from _element(name, item)
        return
    yield f"<{name}>"
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _element(inner, item)
    else:
        yield escape(_UNWRITABLE.sub("\ufffd", _text(value)), {"\r": "&#13;"})
    yield f"</{name}>"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
