"""Credentials that are ordinary words, such as the password `password`; reports are not searched for them.

Such a word occurs in requests and replies anyway. Redacting it everywhere would make reports unreadable and protect
nothing, because it can be guessed. Public words come from the specs: names of operations, parameters, headers and
states, paths, media types, constants.
"""

from __future__ import annotations

import math
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from kms_conformance.catalogue.api import Api
from kms_conformance.core import specs
from kms_conformance.target.auth import Auth
from kms_conformance.target.registry import ways

#: Fewest random bits of a secret that is searched for. A run writes up to 100 MB, which has about 2^27 positions, so a
#: random text of 36 bits occurs there by chance in one run of 500.
_LEAST_BITS = 36
#: Within a secret, a part of a public word counts as public if it has at least 6 characters. A whole public word counts
#: if it has at least 4.
_PART = 6
_WORD = 4
#: From this many first characters, a random value is recognised.
_HEAD = 24
_ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_OTHERS = 32
_HEX = frozenset(string.hexdigits)
_SEPARATORS = frozenset("-_.:/ ")
#: Keys of a spec whose values are examples and comments.
_EXAMPLES = frozenset({"example", "examples", "$comment"})

#: Public words besides those of the specs and of the ways to sign in: HTTP, dates, our own names.
_EVERYWHERE = """
GET POST PUT DELETE HEAD PATCH OPTIONS HTTP/1.1 http:// https:// localhost 127.0.0.1 true false null none OK
Accept Accept-Encoding Authorization Cache-Control Connection Content-Encoding Content-Length Content-Type Cookie Date
Host Location Retry-After Server Set-Cookie Transfer-Encoding User-Agent Vary WWW-Authenticate
X-Request-Id X-Amz-Target x-amzn-RequestId Action Format Version
application/json application/xml text/plain text/html charset utf-8 identity gzip chunked keep-alive close
project region token secret access
key_id advance_seconds kms-conformance kms-key redacted error_code error_msg message Message Code
January February March April May June July August September October November December
Monday Tuesday Wednesday Thursday Friday Saturday Sunday
"""


@dataclass(frozen=True, eq=False)
class Public:
    """Public words in lower case.

    - words: the words of at least `_WORD` characters.
    - text: all words, a line each.
    - parts: all substrings of the words that have `_PART` characters.
    """

    words: frozenset[str]
    text: str
    parts: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str]) -> Public:
        """These words in lower case, each also reduced to its letters and digits."""
        lower = {word.lower() for word in words}
        lower |= {"".join(filter(str.isalnum, word)) for word in lower}
        parts = {word[at : at + _PART] for word in lower for at in range(len(word) - _PART + 1)}
        return cls(frozenset(word for word in lower if len(word) >= _WORD), "\n".join(sorted(lower)), frozenset(parts))

    def own(self, text: str) -> bytes:
        """One byte for each character of a text: 0 if the character is part of a public word, else 1."""
        lower = text.lower()
        if len(lower) != len(text):
            lower = text  # some letters become two in lower case; no public word has them
        result = bytearray(b"\1" * len(text))
        for size, known in ((_PART, self.parts), *((size, self.words) for size in range(_WORD, _PART))):
            for at in range(len(lower) - size + 1):
                if lower[at : at + size] in known:
                    result[at : at + size] = bytes(size)
        return bytes(result)

    def is_ordinary(self, value: str) -> bool:
        """Whether a value is part of a public word, or has fewer than `_LEAST_BITS` bits outside of public words."""
        if value.lower() in self.text:
            return True
        # The first characters of a random value show that it is random. The last five of them may begin a public word.
        if len(value) > _HEAD and _bits(self._left(value[:_HEAD], _HEAD - _PART + 1)) >= _LEAST_BITS:
            return False
        return _bits(self._left(value, len(value))) < _LEAST_BITS

    def _left(self, value: str, size: int) -> list[str]:
        """Those of the first `size` characters that belong to no public word and are no separators."""
        own = self.own(value)[:size]
        return [letter for letter, is_own in zip(value, own, strict=False) if is_own and letter not in _SEPARATORS]


def public_words(dialect: str, profile: str) -> Public:
    """The public words of a dialect's specs, of HTTP, and of all ways to sign in."""
    return _public_words(dialect, profile, ways())


@cache
def _public_words(dialect: str, profile: str, kinds: tuple[type[Auth], ...]) -> Public:
    found = set(_EVERYWHERE.split()).union(*(kind.public_words() for kind in kinds))
    if dialect in specs.dialects():
        found |= set(_names(Api.of(dialect, profile).document))
        found |= set(_names(specs.facts(dialect, profile)))
    return Public.of(found)


def _names(node: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a document
    """The keys of a document, and those of its texts that contain no blanks."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key not in _EXAMPLES:
                yield str(key)
                yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)
    elif isinstance(node, str) and not any(map(str.isspace, node)):
        yield node


def _bits(letters: Sequence[str]) -> float:
    """The most random bits that these letters can hold, by the size of the alphabets that they come from."""
    if _HEX.issuperset(letters):
        size = 16 if set(letters) - set(string.digits) else 10
    else:
        size = sum(len(alphabet) for alphabet in _ALPHABETS if not set(alphabet).isdisjoint(letters))
        size += _OTHERS if set(letters) - set("".join(_ALPHABETS)) else 0
    return len(letters) * math.log2(size)
