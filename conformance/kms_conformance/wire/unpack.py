"""Unpacks a compressed body, and never more of it than a cap: 200 kB of gzip can hold 200 MB."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from kms_conformance.wire.failures import HttpError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_MEMBERS = 16
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # window bits, as zlib.decompressobj takes them


def unpack(body: bytes, encodings: Sequence[str], cap: int) -> bytes:
    """The body without its content encoding.

    Only a single gzip or deflate is known; what is packed otherwise stays as it came, and its reader will say so.
    Raises `HttpError` where it unpacks to more than `cap` bytes, is cut short, or is broken.
    """
    names = [name.strip().lower() for value in encodings for name in value.split(",") if name.strip()]
    if not body or names in ([], ["identity"]):
        return body
    if names in (["gzip"], ["x-gzip"]):
        return _inflated(body, _GZIP, cap)
    if names == ["deflate"]:
        # The standard means zlib's format; some servers send the bare one. A zlib stream's first byte says which.
        return _inflated(body, _ZLIB if body[0] & 0x0F == 8 else _RAW_DEFLATE, cap)
    return body


def _inflated(body: bytes, window_bits: int, cap: int) -> bytes:
    result = bytearray()
    for _ in range(_MAX_MEMBERS):
        stream = zlib.decompressobj(window_bits)
        try:
            result += stream.decompress(body, cap + 1 - len(result))
        except zlib.error as error:
            raise HttpError("bad_http", "the compressed body is broken") from error
        if len(result) > cap:
            raise HttpError("too_large", f"the body unpacks to more than {cap} bytes")
        if not stream.eof:
            raise HttpError("truncated", "the compressed body ended early")
        body = stream.unused_data  # the next member, where gzip has several
        if not body:
            return bytes(result)
    raise HttpError("bad_http", f"the compressed body has more than {_MAX_MEMBERS} members")
