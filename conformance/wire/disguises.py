"""Finds secrets in a text in whatever form they stand there: percent-encoded, JSON- or XML-escaped, in base64 or hex."""

from __future__ import annotations

import base64
import re
from array import array
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: What is shorter stands in too many texts by chance, and its removal would leave nothing to read.
MIN_LENGTH = 4

# An escaped text can be escaped again: a signature's string to sign has every parameter encoded twice, and an error
# message in JSON may quote it.
_LAYERS = 4
_ESCAPE = re.compile(
    rb"%(?P<percent>[0-9A-Fa-f]{2})"
    rb"|\\u(?P<high>[Dd][89ABab][0-9A-Fa-f]{2})\\u(?P<low>[Dd][C-Fc-f][0-9A-Fa-f]{2})"
    rb"|\\u(?P<unit>[0-9A-Fa-f]{4})"
    rb"|\\(?P<letter>[\"\\/bfnrt])"
    rb"|&#(?P<decimal>[0-9]{1,7});"
    rb"|&#[xX](?P<hexadecimal>[0-9A-Fa-f]{1,6});"
    rb"|&(?P<entity>lt|gt|amp|quot|apos);"
)
_LETTERS = dict(zip(b'"\\/bfnrt', (b'"', b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True))
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}


@dataclass(frozen=True)
class Needles:
    """The byte strings that give a secret away: its own, and those that hide it. `hexadecimal` is in lower case."""

    plain: tuple[bytes, ...]
    blanks: tuple[bytes, ...]
    hexadecimal: bytes


@dataclass(frozen=True)
class View:
    """A text with some layers of escapes undone; `at[i]` is where in the original its byte i begins."""

    text: bytes
    at: array[int]


@cache
def needles(secret: str) -> Needles:
    """What to search for, for one secret."""
    raw = secret.encode("utf-8", "surrogatepass")
    # A secret that looks escaped itself is changed by undoing escapes, just as the text around it is.
    own = tuple(view.text for view in views(raw))
    return Needles(
        plain=tuple(dict.fromkeys((*own, *_base64_forms(raw)))),
        blanks=tuple(form for form in own if b" " in form),
        hexadecimal=raw.hex().encode(),
    )


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """The characters of a base64 text that depend on nothing but `raw`, wherever in the encoded data it begins."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        form = encoded[first:last]
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def spans(seen: Iterable[View], secret: str) -> Iterator[tuple[int, int]]:
    """Where a secret stands, in any disguise, in a text of which these are the views; spans may overlap."""
    wanted = needles(secret)
    for view in seen:
        for needle in wanted.plain:
            yield from _found(view, view.text, needle)
        for needle in wanted.blanks:
            yield from _found(view, view.text.replace(b"+", b" "), needle)
        yield from _found(view, view.text.lower(), wanted.hexadecimal)


def _found(view: View, text: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    start = text.find(needle)
    while start >= 0:
        yield view.at[start], view.at[start + len(needle)]
        start = text.find(needle, start + 1)


def views(text: bytes) -> Iterator[View]:
    """The text as it is, and with one, two, ... layers of escapes undone."""
    view = View(text, array("L", range(len(text) + 1)))
    yield view
    for _ in range(_LAYERS):
        if not _ESCAPE.search(view.text):
            return
        view = _undone(view)
        yield view


def _undone(view: View) -> View:
    text, at, last = bytearray(), array("L"), 0
    for found in _ESCAPE.finditer(view.text):
        start, end = found.span()
        character = _character(found)
        text += view.text[last:start] + character
        at += view.at[last:start]
        at.extend([view.at[start]] * len(character))
        last = end
    return View(bytes(text + view.text[last:]), at + view.at[last:])


def _character(found: re.Match[bytes]) -> bytes:
    kind, digits = next((name, value) for name, value in found.groupdict().items() if value is not None)
    match kind:
        case "percent":
            return bytes([int(digits, 16)])
        case "letter":
            return _LETTERS[digits[0]]
        case "entity":
            return _ENTITIES[digits]
        case "high":
            number = 0x10000 + ((int(digits, 16) & 0x3FF) << 10) + (int(found["low"], 16) & 0x3FF)
        case "decimal":
            number = int(digits)
        case _:
            number = int(digits, 16)
    return chr(number).encode("utf-8", "surrogatepass") if number <= 0x10FFFF else found[0]
