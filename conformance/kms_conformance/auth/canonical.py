"""The canonical forms that signatures are made of, computed from a request as it is sent, not as it was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kms_conformance.wire.messages import Request

Pair = tuple[bytes, bytes]


def pieces(encoded: str) -> list[str]:
    """The parameters of a query as they stand in it, still encoded; empty ones are none."""
    return [piece for piece in encoded.split("&") if piece]


def pair(piece: bytes) -> Pair:
    """Name and value of an encoded parameter, as a server reads it: `+` is a blank, a stray `%` stands for itself."""
    name, _, value = piece.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(name), unquote_to_bytes(value)


def query_pairs(request: Request) -> list[Pair]:
    """The parameters in the request's query."""
    return [pair(piece.encode()) for piece in pieces(request.query)]


def form_pairs(request: Request) -> list[Pair]:
    """The parameters in the request's body; none if it is not a form."""
    media_type = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        return []
    return [pair(piece) for piece in request.body.split(b"&") if piece]


def quoted(raw: bytes) -> str:
    """Percent-encoded but for RFC 3986's unreserved characters."""
    return quote(raw, safe="~")


def parameters(pairs: Iterable[Pair]) -> str:
    """The pairs sorted by the bytes of their names, then of their values, encoded, and joined."""
    return "&".join(f"{quoted(name)}={quoted(value)}" for name, value in sorted(pairs))


def query(request: Request) -> str:
    """The canonical form of the request's query."""
    return parameters(query_pairs(request))


def path(request: Request) -> str:
    """The request's path, decoded and encoded again segment by segment.

    Decoded as a whole before it is split, as the vendors' clients do it: an encoded slash becomes one that separates.
    """
    return "/".join(quoted(segment) for segment in unquote_to_bytes(request.path).split(b"/"))


def headers(request: Request, *, signs: Callable[[str], bool]) -> tuple[str, str]:
    """(canonical headers, names of the signed ones): the host and those that `signs` picks by their lower-case names.

    A header that two servers may read differently - it stands twice, or is not ASCII - is not signed.
    """
    found = {"host": request.header("Host") or request.authority}
    names = [name.lower() for name, _ in request.headers]
    for name, value in request.headers:
        if names.count(name.lower()) == 1 and value.isascii() and signs(name.lower()):
            found[name.lower()] = value.strip()
    lines = "".join(f"{name}:{found[name]}\n" for name in sorted(found))
    return lines, ";".join(sorted(found))
