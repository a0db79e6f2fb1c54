"""What stands for plaintexts that are hidden in replies, so that these can be judged again as they were.

A reply to decrypt is right if it gives back what was encrypted, and a data key must have its length. What we had
encrypted ourselves is no secret and stands for itself. Anything else gets a stand-in of the same form: the same for the
same plaintext within a run, made by a key that is never stored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import re
import secrets
import string
from typing import TYPE_CHECKING
from urllib.parse import unquote

from conformance.wire.redact import PLAINTEXT_MARKS, plaintexts_in

if TYPE_CHECKING:
    from conformance.wire.messages import Request

_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_MARK = re.compile("|".join(map(re.escape, PLAINTEXT_MARKS)))


class StandIns:
    """Knows what this run had encrypted, and makes stand-ins for everything else."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._own: set[str] = set()

    def learn(self, request: Request) -> None:
        """Take note of the plaintexts that a request brings."""
        found = [*plaintexts_in(request.body), *plaintexts_in(request.url.encode("utf-8", "surrogatepass"))]
        self._own.update(_unescaped(unquote(text)) for text in found)
        self._own.update(_unescaped(text) for text in found)

    def of(self, body: bytes, redacted: bytes) -> list[str] | None:
        """Stand-ins for the marks of plaintexts in a redacted body; None where it cannot be told which is which."""
        marks = len(_MARK.findall(redacted.decode("latin-1")))
        if not marks:
            return []
        found = plaintexts_in(body)
        return [self._stand_in(text) for text in found] if len(found) == marks else None

    def _stand_in(self, written: str) -> str:
        text = _unescaped(written)
        if text in self._own:
            return written
        decoded = _base64(text)
        if _HEX.fullmatch(text):
            made = self._stream(text, len(text) // 2).hex()
            return made.upper() if text.isupper() else made
        if decoded is not None:
            return base64.b64encode(self._stream(text, len(decoded))).decode()
        stream = self._stream(text, len(text))
        return "".join(_alike(character, chance) for character, chance in zip(text, stream, strict=True))

    def _stream(self, text: str, size: int) -> bytes:
        key = hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256")
        return hashlib.shake_256(key).digest(size)


def _alike(character: str, chance: int) -> str:
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in kind:
            return kind[chance % len(kind)]
    return character if character in " +/=-_.:" else "x"


def _base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _unescaped(written: str) -> str:
    """What a text in JSON or XML says."""
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:
        return html.unescape(written)
