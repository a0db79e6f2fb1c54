"""Finds secrets in a text in whatever form they stand: percent-encoded, JSON- or XML-escaped, in base64 or hex, broken
into lines, spelt out with separators, or by halves.
"""

from __future__ import annotations

import base64
import re
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kms_conformance.target.ordinary import Public

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


#: Half a secret is a secret, but less than this of one stands in texts by chance.
_MIN_PIECE = 8
_LETTERS_AND_DIGITS = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") | set(
    range(128, 256)
)
_SEPARATORS = bytes(set(range(256)) - _LETTERS_AND_DIGITS)
#: What is shorter would have to be looked for form by form in every text (see `Windows`).
_LEAST_SAID = 24
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_SPELT = re.compile(rb"[0-9A-Za-z\x80-\xff]+")


@dataclass(frozen=True)
class View:
    """A text with some layers of escapes undone; `at[i]` is where in the original its byte i begins.

    In a view that is `bare`, all but letters and digits is left out, and `ends[i]` is where its byte i ended.
    """

    text: bytes
    at: array[int]
    ends: array[int] | None = None

    @property
    def bare(self) -> bool:
        return self.ends is not None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original the bytes from `start` up to `end` stand."""
        return self.at[start], self.at[end] if self.ends is None else self.ends[end - 1]


@dataclass(frozen=True)
class _Needle:
    """One form of a secret; of its blocks one stands in every piece of it that is as long as `least`.

    `own[i]` is how many of its first i bytes belong to no public word: a piece has at least `least` of these.
    """

    form: bytes
    least: int
    block: int
    own: tuple[int, ...] | None = None

    @classmethod
    def of(cls, form: bytes, *, in_pieces: bool, public: Public | None = None) -> _Needle:
        own = None if public is None or not in_pieces else _owned(form, public)
        size = len(form) if own is None else own[-1]
        least = max(_MIN_PIECE, size // 2) if in_pieces and size >= 2 * _MIN_PIECE else len(form)
        # Any run of 2n - 1 bytes holds a whole block of n.
        return cls(form, least, (least + 1) // 2, own)

    def is_in(self, text: bytes) -> bool:
        if self.least == len(self.form):
            return self.form in text
        return next(self.found_in(text), None) is not None

    def found_in(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Where the form, or at least half of it, stands: in order for each block, what overlaps in one."""
        return _joined(self._pieces_in(text)) if self.least < len(self.form) else _joined(self._wholes_in(text))

    def _wholes_in(self, text: bytes) -> Iterator[tuple[int, int]]:
        size, left = len(self.form), _budget(text)
        start = text.find(self.form)
        while start >= 0 and left > 0:
            yield start, start + size
            left -= size
            start = text.find(self.form, start + 1)
        if start >= 0:
            yield 0, len(text)

    def _pieces_in(self, text: bytes) -> Iterator[tuple[int, int]]:
        left = _budget(text)
        for offset in range(0, len(self.form) - self.block + 1, self.block):
            block, rest = self.form[offset : offset + self.block], self.form[offset:]
            start, reach = text.find(block), 0
            while start >= 0:
                left -= self.block
                if left < 0:
                    yield 0, len(text)
                    return
                last = start + _common(text[start : start + len(rest)], rest)
                # What goes on from a piece is not measured anew.
                first = start if start < reach else self._begin(text, start, offset)
                # Where the form would begin in the text, and which part of it stands there.
                begin = start - offset
                piece = (first - begin, last - begin) if start < reach else self._own_part(first - begin, last - begin)
                if piece is not None:
                    yield begin + piece[0], begin + piece[1]
                    reach = last
                start = text.find(block, max(start + 1, last - self.block + 1))

    def _own_part(self, first: int, last: int) -> tuple[int, int] | None:
        """The form from `first` up to `last` without public words at its rims; None where that is too small a piece."""
        own = self.own
        if own is None:
            return (first, last) if last - first >= self.least else None
        if own[last] - own[first] < self.least:
            return None
        if last - first == len(self.form):
            return first, last
        return bisect_right(own, own[first]) - 1, bisect_left(own, own[last])

    def _begin(self, text: bytes, start: int, offset: int) -> int:
        """From where on text and form agree before a block that they share."""
        return start - _common(text[max(0, start - offset) : start][::-1], self.form[:offset][::-1])


def _owned(form: bytes, public: Public) -> tuple[int, ...] | None:
    """See `_Needle.own`; None where no public word stands in a form."""
    own = public.own(form.decode("latin-1"))
    return None if all(own) else (0, *accumulate(own))


def _budget(text: bytes) -> int:
    """How many bytes of a form may be compared with a text, in all its places, before the whole text is taken for it.

    A place costs as many as the form is long, so only a form that repeats itself more than 32 times can spend this: a
    token that an endpoint made for it. Real ones are random, and stand in fewer places than they have bytes.
    """
    return 32 * len(text) + (1 << 16)


def _joined(found: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans with those that overlap the one before them made one with it."""
    first, last = -1, -1
    for start, end in found:
        if first <= start < last:
            last = max(last, end)
            continue
        if last >= 0:
            yield first, last
        first, last = start, end
    if last >= 0:
        yield first, last


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two texts have in common at their beginnings, compared in steps that double."""
    size, step, most = 0, 16, min(len(one), len(other))
    while size < most and one[size : size + step] == other[size : size + step]:
        size, step = size + step, step * 2
    while step := step // 2:
        if size < most and one[size : size + step] == other[size : size + step]:
            size += step
    return min(size, most)


@dataclass(frozen=True)
class _Needles:
    """What gives a secret away: its forms, that in lower-case hex, and both without anything but letters and digits."""

    plain: tuple[_Needle, ...]
    hexadecimal: _Needle
    bare: tuple[_Needle, ...]

    def of(self, text: bytes, *, bare: bool) -> Iterator[tuple[_Needle, bytes]]:
        """Each needle with the text to look for it in."""
        for needle in self.bare if bare else self.plain:
            yield needle, text
        yield self.hexadecimal, text.lower()


@lru_cache(maxsize=512)
def _needles(secret: str, in_pieces: bool, public: Public | None = None, said: bool = False) -> _Needles:  # noqa: FBT001, FBT002 - private
    raw = secret.encode(errors="surrogatepass")
    # A secret that looks escaped itself is changed by undoing escapes, just as the text around it is.
    own = (view.text for view in views(raw))
    forms = tuple(dict.fromkeys((*own, *_base64_forms(raw), *(_said_otherwise(raw) if said else ()))))
    bare = dict.fromkeys(form.translate(None, _SEPARATORS) for form in forms)
    return _Needles(
        tuple(_Needle.of(form, in_pieces=in_pieces, public=public) for form in forms),
        _Needle.of(raw.hex().encode(), in_pieces=in_pieces),
        tuple(_Needle.of(form, in_pieces=in_pieces, public=public) for form in bare if len(form) >= _MIN_PIECE),
    )


def forms_in_order(raw: bytes) -> tuple[bytes, ...]:
    """The forms of a value, those that have no escapes in them, in an order that depends on its length alone."""
    hexadecimal = raw.hex().encode()
    return (raw, *_base64_whole(raw), *_base64_forms(raw), hexadecimal, hexadecimal.upper(), *_said_otherwise(raw))


def data_in(text: bytes) -> bytes | None:
    """The bytes that a text in hex or base64 says; None for any other text."""
    if _HEXADECIMAL.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _said_otherwise(raw: bytes) -> tuple[bytes, ...]:
    """What a text in hex or base64 says, in either of them."""
    data = data_in(raw)
    if data is None:
        return ()
    hexadecimal = data.hex().encode()
    found = (hexadecimal, hexadecimal.upper(), *_base64_whole(data), *_base64_forms(data))
    return tuple(form for form in found if len(form) >= _LEAST_SAID)


def _base64_whole(raw: bytes) -> tuple[bytes, bytes]:
    """Where nothing else was encoded with it, the last character is its own as well."""
    whole = base64.b64encode(raw).rstrip(b"=")
    return whole, whole.translate(bytes.maketrans(b"+/", b"-_"))


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


def views_and_bare(text: bytes, *, blanks: bool = False) -> Iterator[View]:
    """The same, and each followed by what is left of it without anything but letters and digits."""
    for view in views(text, blanks=blanks):
        yield view
        yield _bare(view)


def spans(
    seen: Iterable[View], secret: str, *, in_pieces: bool = True, public: Public | None = None, said: bool = False
) -> Iterator[tuple[int, int]]:
    """Where a secret stands, in any disguise, in a text of which these are the views; spans may overlap.

    With `in_pieces`, also where half of it stands; what it has in common with a public word does not count. With
    `said`, also what a secret in hex or base64 says, in either of them.
    """
    wanted = _needles(secret, in_pieces, public, said)
    for view in seen:
        for needle, text in wanted.of(view.text, bare=view.bare):
            for start, end in needle.found_in(text):
                yield view.span(start, end)


def hides_any(
    text: bytes,
    secrets: Iterable[str],
    *,
    blanks: bool = False,
    in_pieces: bool = True,
    said: bool = False,
    public: Public | None = None,
) -> bool:
    """Whether any of the secrets stands in the text: much faster than to say where."""
    wanted = [_needles(secret, in_pieces, public, said) for secret in secrets]
    return any(
        needle.is_in(looked)
        for seen, bare in _seen(text, blanks)
        for needles in wanted
        for needle, looked in needles.of(seen, bare=bare)
    )


def forms(secret: str, *, said: bool = False) -> frozenset[bytes]:
    """Every form in which a secret as a whole may stand in one of the `texts` of a text."""
    wanted = _needles(secret, in_pieces=False, said=said)
    return frozenset(needle.form for needle in (*wanted.plain, wanted.hexadecimal, *wanted.bare))


def texts(text: bytes) -> Iterator[bytes]:
    """All that `hides_any` looks at, where `+` is no blank."""
    for seen, _ in _seen(text, blanks=False):
        yield from (seen, seen.lower())


def _seen(text: bytes, blanks: bool) -> Iterator[tuple[bytes, bool]]:  # noqa: FBT001 - private
    """Each layer of escapes, as it is and bare."""
    for layer in _texts(text, _LAYERS, blanks):
        yield layer, False
        yield layer.translate(None, _SEPARATORS), True


def _texts(text: bytes, left: int, blanks: bool) -> Iterator[bytes]:  # noqa: FBT001 - private
    yield text
    if blanks and b"+" in text:
        yield from _texts(text.replace(b"+", b" "), left, blanks=False)
    if left and _ESCAPE.search(text):
        yield from _texts(_ESCAPE.sub(_character, text), left - 1, blanks)


def _bare(view: View) -> View:
    text, at, ends = bytearray(), array("L"), array("L")
    for found in _SPELT.finditer(view.text):
        start, end = found.span()
        text += found[0]
        at += view.at[start:end]
        ends += view.at[start + 1 : end + 1]
    return View(bytes(text), at, ends)


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
