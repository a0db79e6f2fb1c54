"""Encryption from the standard library alone: authenticated, and good enough for an emulator, not for real secrets.

Encrypt-then-MAC: a keystream of HMAC-SHA256 over nonce and counter, and an HMAC-SHA256 tag over all that is sent and
the caller's context. It shows what a caller can observe of a KMS: only this key opens it, and only unaltered.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from kms_conformance.emulator.refusals import Refused

if TYPE_CHECKING:
    from kms_conformance.emulator.keys import Key

_MAGIC = b"KMSCEMU1"
_ID = 36
# As long as makes the overhead 140 bytes: then 1..4096 bytes become 188..5648 characters of Base64, the length that one
# of the services documents for its ciphertexts.
_NONCE = 64
_TAG = 32
_HEAD = len(_MAGIC) + _ID + _NONCE
OVERHEAD = _HEAD + _TAG


def seal(key: Key, plain: bytes, context: bytes = b"") -> bytes:
    """Encrypt `plain`; the result names the key, is `OVERHEAD` bytes longer, and opens with the same `context` only."""
    head = _MAGIC + key.id.encode() + secrets.token_bytes(_NONCE)
    sealed = head + _masked(key, head, plain)
    return sealed + _tag(key, sealed, context)


def key_id_of(sealed: bytes) -> str:
    """The id of the key that a ciphertext names; raises `Refused` for what is no ciphertext of this emulator."""
    if len(sealed) <= OVERHEAD or not sealed.startswith(_MAGIC):
        raise Refused("invalid_parameter", "The ciphertext is not one of this service.")
    return sealed[len(_MAGIC) : len(_MAGIC) + _ID].decode("ascii", "replace")


def unseal(key: Key, sealed: bytes, context: bytes = b"") -> bytes:
    """Decrypt what `seal` made; raises `Refused` for an altered ciphertext or another context."""
    body, tag = sealed[:-_TAG], sealed[-_TAG:]
    if not hmac.compare_digest(tag, _tag(key, body, context)):
        raise Refused("invalid_parameter", "The ciphertext was altered, or has another context.")
    return _masked(key, body[:_HEAD], body[_HEAD:])


def _masked(key: Key, head: bytes, data: bytes) -> bytes:
    secret = hmac.digest(key.material, b"encrypt", "sha256")
    blocks = (hmac.digest(secret, head + count.to_bytes(8), "sha256") for count in range(-(-len(data) // 32)))
    stream = b"".join(blocks)[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(stream)).to_bytes(len(data))


def _tag(key: Key, body: bytes, context: bytes) -> bytes:
    secret = hmac.digest(key.material, b"authenticate", "sha256")
    return hmac.digest(secret, len(body).to_bytes(8) + body + context, "sha256")
