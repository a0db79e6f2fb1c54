"""Canonical forms of path, query and headers for signatures, computed from the request that is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kms_conformance.wire.messages import Request

Pair = tuple[bytes, bytes]


def pieces(encoded: str) -> list[str]:
    """The parameters of a query, still encoded, without empty ones."""
    return [piece for piece in encoded.split("&") if piece]


def pair(piece: bytes) -> Pair:
    """Name and value of an encoded parameter, decoded like a server: `+` is a blank, an invalid `%` is kept."""
    name, _, value = piece.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def query_pairs(request: Request) -> list[Pair]:
    """The parameters in the request's query."""
    return [pair(piece.encode()) for piece in pieces(request.query)]


def form_pairs(request: Request) -> list[Pair]:
    """The parameters in the request's body; none if the body is not a form."""
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return []
    return [pair(piece) for piece in request.body.split(b"&") if piece]


def quoted(raw: bytes) -> str:
    """The bytes percent-encoded, except for the unreserved characters of RFC 3986."""
    return quote(raw, safe="~")


def parameters(pairs: Iterable[Pair]) -> str:
    """The pairs, sorted by name and then by value as bytes, encoded and joined."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(pairs))


def query(request: Request) -> str:
    """The canonical form of the request's query."""
    return parameters(query_pairs(request))


def path(request: Request) -> str:
    """The request's path, decoded, split into segments, and each segment encoded.

    Decoding comes before the split, as in the vendors' clients, so an encoded slash becomes a separator.
    """
    return "/".join(quoted(segment) for segment in unquote_to_bytes(request.path).split(b"/"))


def headers(request: Request, *, signs: Callable[[str], bool]) -> tuple[str, str]:
    """Returns the canonical headers and the names of the signed headers.

    The host is signed, and each header whose name in lower case `signs` selects. Headers that occur twice and headers
    with non-ASCII values are not signed, because servers read them differently.
    """
    found = {"host": request.header("Host") or request.authority}
    names = [name.lower() for name, _ in request.headers]
    for name, value in request.headers:
        if names.count(name.lower()) == 1 and value.isascii() and signs(name.lower()):
            found[name.lower()] = value.strip()
    lines = "".join(f"{name}:{found[name]}\n" for name in sorted(found))
    return lines, ";".join(sorted(found))
