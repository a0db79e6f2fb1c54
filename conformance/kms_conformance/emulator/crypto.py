"""Authenticated encryption with the standard library only, for the emulator; not for real secrets.

Encrypt-then-MAC: the keystream is HMAC-SHA256 over nonce and counter; the tag is HMAC-SHA256 over the ciphertext and
the caller's encryption context. Only the same key decrypts a ciphertext, and only if it is unaltered.
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
# With a nonce of 64 bytes, a ciphertext is 140 bytes longer than its plaintext. So plaintexts of 1 to 4096 bytes have
# ciphertexts of 188 to 5648 Base64 characters, the lengths in the Huawei documents.
_NONCE = 64
_TAG = 32
_HEAD = len(_MAGIC) + _ID + _NONCE
OVERHEAD = _HEAD + _TAG


def seal(key: Key, plain: bytes, context: bytes = b"") -> bytes:
    """Encrypt `plain`; only the same `context` decrypts the ciphertext.

    The ciphertext contains the key id, and is `OVERHEAD` bytes longer than `plain`.
    """
    head = _MAGIC + key.id.encode() + secrets.token_bytes(_NONCE)
    sealed = head + _masked(key, head, plain)
    return sealed + _tag(key, sealed, context)


def key_id_of(sealed: bytes) -> str:
    """The key id in a ciphertext; raises `Refused` for bytes that `seal` did not make."""
    if len(sealed) <= OVERHEAD or not sealed.startswith(_MAGIC):
        raise Refused("invalid_parameter", "The ciphertext is not one of this service.")
    return sealed[len(_MAGIC) : len(_MAGIC) + _ID].decode("ascii", "replace")


def unseal(key: Key, sealed: bytes, context: bytes = b"") -> bytes:
    """Decrypt a ciphertext of `seal`; raises `Refused` for an altered ciphertext or another context."""
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
