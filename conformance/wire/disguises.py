"""Finds secrets in a text in whatever form they stand: percent-encoded, JSON- or XML-escaped, in base64 or hex."""

from __future__ import annotations

import base64
import re
from array import array
from dataclasses import dataclass
from functools import lru_cache
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
_BYTES = [bytes([byte]) for byte in range(256)]
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}


@dataclass(frozen=True)
class View:
    """A text with some layers of escapes undone; `at[i]` is where in the original its byte i begins."""

    text: bytes
    at: array[int]


@dataclass(frozen=True)
class _Needles:
    """The byte strings that give a secret away; `hexadecimal` is in lower case."""

    plain: tuple[bytes, ...]
    hexadecimal: bytes


@lru_cache(maxsize=512)
def _needles(secret: str) -> _Needles:
    raw = secret.encode(errors="surrogatepass")
    # A secret that looks escaped itself is changed by undoing escapes, just as the text around it is.
    own = (view.text for view in views(raw))
    return _Needles(tuple(dict.fromkeys((*own, *_base64_forms(raw)))), raw.hex().encode())


def _base64_forms(raw: bytes) -> Iterator[bytes]:
    """The characters of a base64 text that depend on nothing but `raw`, wherever in the encoded data it begins."""
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        form = encoded[first:last]
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def views(text: bytes, *, blanks: bool = False) -> Iterator[View]:
    """The text as it is, and with one, two, ... layers of escapes undone; with `blanks` also where `+` is a blank."""
    view = View(text, array("L", range(len(text) + 1)))
    yield from _layers(view, _LAYERS, blanks)


def spans(seen: Iterable[View], secret: str) -> Iterator[tuple[int, int]]:
    """Where a secret stands, in any disguise, in a text of which these are the views; spans may overlap."""
    wanted = _needles(secret)
    for view in seen:
        for needle in wanted.plain:
            yield from _found(view, view.text, needle)
        yield from _found(view, view.text.lower(), wanted.hexadecimal)


def hides_any(text: bytes, secrets: Iterable[str], *, blanks: bool = False) -> bool:
    """Whether any of the secrets stands in the text: a hundred times faster than to say where."""
    wanted = [_needles(secret) for secret in secrets]
    return any(
        needles.hexadecimal in lower or any(needle in seen for needle in needles.plain)
        for seen in _texts(text, _LAYERS, blanks)
        for lower in (seen.lower(),)
        for needles in wanted
    )


def _texts(text: bytes, left: int, blanks: bool) -> Iterator[bytes]:  # noqa: FBT001 - private
    yield text
    if blanks and b"+" in text:
        yield from _texts(text.replace(b"+", b" "), left, blanks=False)
    if left and _ESCAPE.search(text):
        yield from _texts(_ESCAPE.sub(_character, text), left - 1, blanks)


def _found(view: View, text: bytes, needle: bytes) -> Iterator[tuple[int, int]]:
    start = text.find(needle)
    while start >= 0:
        yield view.at[start], view.at[start + len(needle)]
        start = text.find(needle, start + 1)


def _layers(view: View, left: int, blanks: bool) -> Iterator[View]:  # noqa: FBT001 - private
    yield view
    if blanks and b"+" in view.text:
        # Before escapes are undone: an escaped plus is a plus.
        yield from _layers(View(view.text.replace(b"+", b" "), view.at), left, blanks=False)
    if left and _ESCAPE.search(view.text):
        yield from _layers(_undone(view), left - 1, blanks)


def _undone(view: View) -> View:
    text, at, last = bytearray(), array("L"), 0
    for found in _ESCAPE.finditer(view.text):
        start, end = found.span()
        if last < start:
            text += view.text[last:start]
            at += view.at[last:start]
        character = _character(found)
        text += character
        for _ in character:
            at.append(view.at[start])
        last = end
    return View(bytes(text + view.text[last:]), at + view.at[last:])


def _character(found: re.Match[bytes]) -> bytes:
    kind = found.lastgroup
    assert kind is not None
    digits = found[kind]
    match kind:
        case "percent":
            return _BYTES[int(digits, 16)]
        case "letter":
            return _LETTERS[digits[0]]
        case "entity":
            return _ENTITIES[digits]
        case "low":
            number = 0x10000 + ((int(found["high"], 16) & 0x3FF) << 10) + (int(digits, 16) & 0x3FF)
        case "decimal":
            number = int(digits)
        case _:
            number = int(digits, 16)
    return chr(number).encode(errors="surrogatepass") if number <= 0x10FFFF else found[0]
