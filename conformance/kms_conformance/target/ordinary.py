"""Which values of a target file are words that requests and replies hold anyway: no text can be searched for them.

An access key may be called `enabled`, and a password be `password`. Taken out of every text, such a value spoils what a
report shows and keeps nobody from guessing it. What is public is told by the specs: names of operations, parameters,
headers and states, paths, media types, constants.
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

#: What is harder to guess is searched for. A run writes up to 100 MB, which is 2^27 places: one in 500 runs has a text
#: of 36 random bits somewhere by chance.
_LEAST_BITS = 36
#: What a secret has in common with a public word counts as public from this length on, and from 4 as a whole word.
_PART = 6
_WORD = 4
_ALPHABETS = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
_OTHERS = 32
_HEX = frozenset(string.hexdigits)
_SEPARATORS = frozenset("-_.:/ ")
#: What is written in a spec for its readers.
_EXAMPLES = frozenset({"example", "examples", "$comment"})

#: Words of requests and replies besides those of the specs and of the ways to sign in: HTTP, our own names.
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
    """Words that are nobody's secret, in lower case; `parts` are all pieces of them that are `_PART` letters long."""

    words: frozenset[str]
    text: str
    parts: frozenset[str]

    @classmethod
    def of(cls, words: Iterable[str]) -> Public:
        """These words, without regard to case; each also without anything but letters and digits."""
        lower = {word.lower() for word in words}
        lower |= {"".join(filter(str.isalnum, word)) for word in lower}
        parts = {word[at : at + _PART] for word in lower for at in range(len(word) - _PART + 1)}
        return cls(frozenset(word for word in lower if len(word) >= _WORD), "\n".join(sorted(lower)), frozenset(parts))

    def own(self, text: str) -> bytes:
        """A byte for each character of a text: 1 where it is its own, 0 where it belongs to a public word in it."""
        lower = text.lower()
        if len(lower) != len(text):
            lower = text  # a few letters are longer in lower case; no public word has them
        result = bytearray(b"\1" * len(text))
        for size, known in ((_PART, self.parts), *((size, self.words) for size in range(_WORD, _PART))):
            for at in range(len(lower) - size + 1):
                if lower[at : at + size] in known:
                    result[at : at + size] = bytes(size)
        return bytes(result)

    def is_ordinary(self, value: str) -> bool:
        """Whether a value stands in a public word, or is too easy to guess but for the public words in it."""
        if value.lower() in self.text:
            return True
        own = self.own(value)
        left = [letter for letter, is_own in zip(value, own, strict=True) if is_own and letter not in _SEPARATORS]
        return _bits(left) < _LEAST_BITS


def public_words(dialect: str, profile: str) -> Public:
    """All that the specs of a dialect name, what every request holds, and the words of the ways to sign in."""
    return _public_words(dialect, profile, ways())


@cache
def _public_words(dialect: str, profile: str, kinds: tuple[type[Auth], ...]) -> Public:
    found = set(_EVERYWHERE.split()).union(*(kind.public_words() for kind in kinds))
    if dialect in specs.dialects():
        found |= set(_names(Api.of(dialect, profile).document))
        found |= set(_names(specs.facts(dialect, profile)))
    return Public.of(found)


def _names(node: Any) -> Iterator[str]:  # noqa: ANN401 - any part of a document
    """The keys of a document, and the texts in it that are names: those without blanks."""
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
    """How many random bits so many of such letters can hold at most."""
    if _HEX.issuperset(letters):
        size = 16 if set(letters) - set(string.digits) else 10
    else:
        size = sum(len(alphabet) for alphabet in _ALPHABETS if not set(alphabet).isdisjoint(letters))
        size += _OTHERS if set(letters) - set("".join(_ALPHABETS)) else 0
    return len(letters) * math.log2(size)
