"""Lenient parsing of requests: all names, values and words that any server could read in them.

Servers differ: some take the first of two equal names, some the last, some repair broken JSON. So every possible
reading is collected.
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

# Layers of percent-encoding that are undone: one by the sender, one by a proxy, one in reserve.
_LAYERS = 3
# Up to this many names, searching for each of them is faster than looking at each position.
_FEW = 16
# For text that is not JSON: a name, punctuation, and a possible value. Names without a value match too, so that no
# character is scanned twice.
_LOOSE = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*+)(?:[\"'>]?\s*+[:=>]\s*+[\"'\[{(]*+([^\s\"'<>&,;{}\[\]()]++))?")


@dataclass(frozen=True)
class Field:
    """One named value: its name in lower case, and every text in its value at any depth. Numbers count as text."""

    name: str
    texts: tuple[str, ...]


def fields(request: Request) -> tuple[Field, ...]:
    """All named values of the query and of the body, at any depth."""
    return _fields(request.query, request.body)


def words(request: Request) -> frozenset[str]:
    """All path segments, and all values of the query, the headers and the body, in lower case."""
    # Headers with credentials are left out, because their signatures and tokens are random.
    credentials = credential_places().lower_signing_headers
    headers = (value.lower() for name, value in request.headers if name.lower() not in credentials)
    return _words(request.path, request.query, request.body).union(headers)


def text_of(request: Request) -> str:
    """The URL, the body and the headers in one case-folded text, decoded as far as possible."""
    body = request.body.decode("utf-8", "replace")
    told = (text for field in fields(request) for text in field.texts)
    credentials = credential_places().lower_signing_headers
    headers = (value for name, value in request.headers if name.lower() not in credentials)
    return "\n".join((_decoded(request.url), _decoded(body), *told, *headers)).casefold()


class CaselessNames:
    """A case-insensitive search for many names, at a cost independent of their number.

    An account may list 10,000 keys.
    """

    def __init__(self) -> None:
        self._by_length: dict[int, dict[str, str]] = {}

    def add(self, names: Iterable[str]) -> None:
        """Add names to search for; empty ones are skipped."""
        for name in filter(None, names):
            folded = name.casefold()
            self._by_length.setdefault(len(folded), {})[folded] = name

    def found_in(self, text: str) -> Iterator[str]:
        """Names in a case-folded text: one look-up at each position for each length of names, or one for each name."""
        for length, names in self._by_length.items():
            if len(names) <= _FEW and not any(name in text for name in names):
                continue
            for start in range(len(text) - length + 1):
                if (name := names.get(text[start : start + length])) is not None:
                    yield name


# The headers of a request change when it is signed and traced; its query and body stay. So these results are kept for
# each query and body: a request is looked at several times.


@lru_cache(maxsize=8)
def _fields(query: str, content: bytes) -> tuple[Field, ...]:
    named = _pairs(query)
    body = content.decode("utf-8", "replace")
    if not body.strip():
        return tuple(named)
    try:
        return (*named, *_members(json.loads(body, object_pairs_hook=_Pairs)))
    except (ValueError, RecursionError):
        # Names of keys and aliases have no percent sign, so the decoded value is the only reading that names one.
        loose = (Field(name.lower(), (_decoded(value),)) for name, value in _LOOSE.findall(body) if value)
        return (*named, *_pairs(body), *loose)


@lru_cache(maxsize=64)
def _words(path: str, query: str, content: bytes) -> frozenset[str]:
    segments = (segment for segment in _decoded(path).split("/") if segment)
    texts = (text for field in _fields(query, content) for text in field.texts)
    return frozenset(text.lower() for text in (*segments, *texts))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as pairs, with repeated names."""


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
