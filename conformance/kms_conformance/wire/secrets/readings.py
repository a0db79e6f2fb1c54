"""Readings of a text. In each of them, one kind of escapes is undone: percent-encoding, backslashes or XML entities."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

_Kind = tuple[re.Pattern[bytes], Callable[["re.Match[bytes]"], bytes]]

_BYTES = [bytes([byte]) for byte in range(256)]
_LETTERS = dict(zip(b"\"'\\/bfnrt", (b'"', b"'", b"\\", b"/", b"\b", b"\f", b"\n", b"\r", b"\t"), strict=True))
_ENTITIES = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"apos": b"'"}


def _of_percent(found: re.Match[bytes]) -> bytes:
    return _BYTES[int(found[1], 16)]


def _of_backslash(found: re.Match[bytes]) -> bytes:
    high, low, unit, byte, letter = found.groups()
    if letter:
        return _LETTERS[letter[0]]
    if low:
        return _utf8(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF))
    return _utf8(int(unit or byte, 16))


def _of_entity(found: re.Match[bytes]) -> bytes:
    decimal, hexadecimal, name = found.groups()
    if name:
        return _ENTITIES[name]
    number = int(decimal) if decimal else int(hexadecimal, 16)
    return _utf8(number) if number <= 0x10FFFF else found[0]


def _utf8(number: int) -> bytes:
    return chr(number).encode(errors="surrogatepass")


_PERCENT: _Kind = (re.compile(rb"%([0-9A-Fa-f]{2})"), _of_percent)
# Python writes `\'` and `\xe4` in messages, JSON writes `'` and `\u00e4`.
_BACKSLASH: _Kind = (
    re.compile(
        rb"\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})"
        rb"|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|\\([\"'\\/bfnrt])"
    ),
    _of_backslash,
)
_ENTITY: _Kind = (re.compile(rb"&#([0-9]{1,7});|&#[xX]([0-9A-Fa-f]{1,6});|&(lt|gt|amp|quot|apos);"), _of_entity)


@dataclass(frozen=True)
class Reading:
    """A text with one kind of escapes undone.

    Escape i occupies `begins[i]` to `ends[i]` in the text of `below`, and its character `starts[i]` to `stops[i]` in
    this text. A reading without `below` is the original text.
    """

    text: bytes
    below: Reading | None = None
    begins: Sequence[int] = ()
    ends: Sequence[int] = ()
    starts: Sequence[int] = ()
    stops: Sequence[int] = ()

    def at(self, place: int) -> int:
        """Position in the original text of a byte of this text; for a byte of an escape, the start of the escape."""
        if self.below is None:
            return place
        last = bisect_right(self.starts, place) - 1
        if last < 0:
            return self.below.at(place)
        inside = place < self.stops[last]
        return self.below.at(self.begins[last] if inside else self.ends[last] + place - self.stops[last])


#: Each kind of escapes, its first character, and how often it is undone. Alibaba Cloud repeats the string to sign in
#: error messages, with parameters percent-encoded twice; our own messages may quote JSON within JSON.
_LAYERS = ((_PERCENT, b"%", 2), (_BACKSLASH, b"\\", 2), (_ENTITY, b"&", 1))


def readings(text: bytes) -> Iterator[Reading]:
    """The original text, then the text with each kind of escapes undone once or twice, if it has any."""
    plain = Reading(text)
    yield plain
    for kind, sign, layers in _LAYERS:
        reading: Reading | None = plain
        for _ in range(layers):
            reading = reading and _undone(reading, kind, sign)
            if reading is not None:
                yield reading


def _undone(below: Reading, kind: _Kind, sign: bytes) -> Reading | None:
    """The reading with one kind of escapes undone; None if the text has none."""
    if sign not in below.text:
        return None
    pattern, character_of = kind
    found = list(pattern.finditer(below.text))
    if not found:
        return None
    characters = list(map(character_of, found))
    begins, ends = array("L", [each.start() for each in found]), array("L", [each.end() for each in found])
    # The text between each escape and the next.
    rest = [below.text[end:begin] for end, begin in zip(ends, [*begins[1:], len(below.text)], strict=True)]
    starts, stops, place = array("L"), array("L"), begins[0]
    for character, following in zip(characters, rest, strict=True):
        starts.append(place)
        stops.append(place + len(character))
        place += len(character) + len(following)
    text = below.text[: begins[0]] + b"".join(chain.from_iterable(zip(characters, rest, strict=True)))
    return Reading(text, below, begins, ends, starts, stops)
