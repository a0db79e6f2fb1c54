"""What a request says, taken apart without regard to what its reader would make of it: names, values, words.

Readers differ: one takes the first of two equal names, the next the last, a third repairs broken JSON. So everything is
collected that any of them could see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_plus

from kms_conformance.wire.credentials import credential_places

if TYPE_CHECKING:
    from kms_conformance.wire.messages import Request

# How often a text is taken to be percent-encoded: once by its sender, once by a proxy, once more for safety.
_LAYERS = 3
# In what is no JSON: a name, some punctuation, and what could be its value. A name without one is found as well:
# so no letter is looked at twice.
_LOOSE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*+)(?:[\"'>]?\s*+[:=>]\s*+[\"'\[{(]*+([^\s\"'<>&,;{}\[\]()]++))?")


@dataclass(frozen=True)
class Field:
    """One named value: its name in lower case, and every text that it is or holds. Numbers count as their text."""

    name: str
    texts: tuple[str, ...]


@lru_cache(maxsize=8)
def fields(request: Request) -> tuple[Field, ...]:
    """Every named value of the query and of the body, at any depth."""
    query = _pairs(request.query)
    body = request.body.decode("utf-8", "replace")
    if not body.strip():
        return tuple(query)
    try:
        return (*query, *_members(json.loads(body, object_pairs_hook=_Pairs)))
    except (ValueError, RecursionError):
        loose = (Field(name.lower(), (value,)) for name, value in _LOOSE.findall(body) if value)
        return (*query, *_pairs(body), *loose)


@lru_cache(maxsize=64)
def words(request: Request) -> frozenset[str]:
    """Every segment of the path, and every value of the query, the headers and the body, in lower case."""
    found = {segment for segment in _decoded(request.path).split("/") if segment}
    found |= {text for field in fields(request) for text in field.texts}
    # Headers of credentials hold signatures and tokens, which are random.
    credentials = credential_places().lower_signing_headers
    found |= {value for name, value in request.headers if name.lower() not in credentials}
    return frozenset(text.lower() for text in found)


@lru_cache(maxsize=8)
def text_of(request: Request) -> str:
    """Everything that a request says, decoded as far as it can be, in one text to be searched, in lower case."""
    body = request.body.decode("utf-8", "replace")
    told = (text for field in fields(request) for text in field.texts)
    credentials = credential_places().lower_signing_headers
    headers = (value for name, value in request.headers if name.lower() not in credentials)
    return "\n".join((_decoded(request.url), _decoded(body), *told, *headers)).casefold()


class CaselessNames:
    """Names that are searched for without regard to case, at a cost that does not grow with their number.

    An account may list 10,000 keys.
    """

    def __init__(self) -> None:
        self._by_length: dict[int, dict[str, str]] = {}

    def add(self, names: Iterable[str]) -> None:
        """Look for these names as well; an empty one stands in no text."""
        for name in filter(None, names):
            folded = name.casefold()
            self._by_length.setdefault(len(folded), {})[folded] = name

    def found_in(self, text: str) -> Iterator[str]:
        """The names that stand in a case-folded text: one look at each place for each length that names have."""
        for length, names in self._by_length.items():
            for start in range(len(text) - length + 1):
                if (name := names.get(text[start : start + length])) is not None:
                    yield name


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with its repeated names."""


def _members(node: Any, name: str = "") -> Iterator[Field]:  # noqa: ANN401 - JSON
    if isinstance(node, _Pairs):
        for inner, value in node:
            yield Field(inner.lower(), tuple(_texts(value)))
            yield from _members(value, inner)
    elif isinstance(node, list):
        for value in node:
            yield from _members(value, name)


def _texts(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(node, _Pairs):
        for _, value in node:
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
    elif isinstance(node, (str, int, float)) and not isinstance(node, bool) and str(node):
        yield str(node)


def _pairs(text: str) -> list[Field]:
    pieces = (piece.partition("=") for piece in text.split("&") if piece)
    found = ((unquote_plus(name).lower(), unquote_plus(value)) for name, _, value in pieces)
    return [Field(name, (value,) if value else ()) for name, value in found]


def _decoded(text: str) -> str:
    for _ in range(_LAYERS):
        text = unquote(text)
    return text
