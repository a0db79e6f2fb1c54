"""Placeholders that replace plaintexts in recorded replies and keep their format.

Checks compare decrypted texts with the texts that were encrypted, and judge the length of data keys. Plaintexts that
this run has encrypted are no secrets and stay. Each other plaintext gets a placeholder of the same form. Within a run,
equal plaintexts get equal placeholders. They are derived from a key that is never stored. A placeholder replaces its
plaintext everywhere and in every encoding. So a check that converts one encoding into another finds no difference.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import secrets
import string
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kms_conformance.wire.secrets.forms import data_in, forms_of
from kms_conformance.wire.secrets.readings import Reading, readings
from kms_conformance.wire.secrets.records import plaintext_spans
from kms_conformance.wire.secrets.redactor import PLAINTEXT
from kms_conformance.wire.secrets.search import SecretSearch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kms_conformance.wire.messages import Exchange, Headers, Reply, Request

# Fewest characters of a plaintext that is searched for in all texts. Shorter ones occur in texts by chance, and are
# replaced only as values of plaintext fields.
_MIN_SOUGHT = 24
# Most plaintexts that are searched for in a run, and most that one reply can add. The longest run has 400, and a
# documented reply has one. Endpoints must not be able to add any number, because each plaintext is searched for in
# every text that may contain it.
_MOST = 1_000
_MOST_OF_A_REPLY = 8
_ALPHANUMERIC = string.ascii_letters + string.digits
_KEPT = " +/=-_.:"
# Base64 digits that may precede the padding: their lowest bits are zero.
_BEFORE_PADDING = {1: "AEIMQUYcgkosw048", 2: "AQgw"}
# Attempts to find bytes whose base64 has letters and digits only. Of random texts, one in four of 32 bytes has such a
# base64, and one in 15,000 of 300 bytes.
_TRIES = 500
_X = ord("x")
_WIDE = {2: "\u00e9", 3: "\u4e00", 4: "\U0001f511"}


class Placeholders:
    """Knows the plaintexts that this run has encrypted, and makes placeholders for all others."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._own: set[str] = set()
        self._pairs: dict[str, tuple[tuple[bytes, bytes], ...]] = {}
        self._sought = SecretSearch()

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange with placeholders for all plaintexts that this run has seen so far."""
        self.learn(exchange.request)
        request = self._request(exchange.request)
        reply = None if exchange.reply is None else self._reply(exchange.reply)
        failure = exchange.failure and replace(exchange.failure, text=self.text(exchange.failure.text))
        return replace(exchange, request=request, reply=reply, failure=failure)

    def learn(self, request: Request) -> None:
        """Learn the plaintexts in a request. This run has made them up, so they stay in replies."""
        for text in (request.body, request.url.encode("utf-8", "surrogatepass")):
            for start, end in plaintext_spans(text):
                written = text[start:end].decode("utf-8", "replace")
                self._own |= {_unescaped(unquote(written)), _unescaped(written)}

    def reply_body(self, body: bytes) -> bytes:
        """The body of a reply with placeholders. From now on, its plaintexts are searched for in all texts."""
        result, last = bytearray(), 0
        most = min(_MOST, len(self._pairs) + _MOST_OF_A_REPLY)
        for start, end in plaintext_spans(body):
            written = body[start:end].decode("utf-8", "surrogateescape")
            text = _unescaped(written)
            if text in self._own:
                continue
            placeholder = self._placeholder(text)
            result += body[last:start] + _escaped(written, placeholder).encode("utf-8", "surrogateescape")
            last = end
            if len(self._pairs) < most:
                self._seek(text, placeholder)
        return self._replaced(bytes(result + body[last:]) if last else body)

    def _seek(self, text: str, placeholder: str) -> None:
        raw, other = (value.encode("utf-8", "surrogateescape") for value in (text, placeholder))
        if len(raw) < _MIN_SOUGHT or text in self._pairs:
            return
        pairs = zip(forms_of(raw, decoded=True), forms_of(other, decoded=True), strict=False)
        self._pairs[text] = tuple((ours, theirs) for ours, theirs in pairs if len(ours) == len(theirs))
        self._sought.add(text, PLAINTEXT, decoded=True)

    # --- replacement --------------------------------------------------------------------------------------------------

    def _request(self, request: Request) -> Request:
        if not self._hides_in(request.headers, request.body, request.url):
            return request
        headers = tuple((name, self.text(value)) for name, value in request.headers)
        body = self._replaced(request.body, in_form=not request.body.lstrip().startswith((b"{", b"[")))
        return replace(request, url=self.text(request.url, in_form=True), headers=headers, body=body)

    def _reply(self, reply: Reply) -> Reply:
        body = self.reply_body(reply.body)
        if not self._hides_in(reply.headers, b"", reply.reason):
            return reply if body is reply.body else replace(reply, body=body)
        headers = tuple((name, self.text(value)) for name, value in reply.headers)
        return replace(reply, reason=self.text(reply.reason), headers=headers, body=body)

    def _hides_in(self, headers: Headers, body: bytes, text: str) -> bool:
        """Whether any plaintext occurs in these parts: one search of all instead of one for each."""
        if not self._pairs:
            return False
        lines = "\n".join((text, *(value for _, value in headers)))
        return self._sought.hides_in(lines.encode("utf-8", "surrogatepass") + b"\n" + body)

    def text(self, text: str, *, in_form: bool = False) -> str:
        """The text with placeholders for all plaintexts seen so far. `in_form`: `+` and `/` must be escaped in it."""
        data = text.encode("utf-8", "surrogatepass")
        found = self._replaced(data, in_form=in_form)
        return text if found is data else found.decode("utf-8", "surrogatepass")

    def _replaced(self, text: bytes, *, in_form: bool = False) -> bytes:
        """The text with placeholders. `in_form`: `+` and `/` must be escaped in this text."""
        if not self._sought.hides_in(text):
            return text
        edits: dict[tuple[int, int], bytes] = {}
        taken: set[int] = set()
        for reading in readings(text):
            for value in self._sought.likely_in(reading.text):
                for ours, theirs in self._pairs[value.text]:
                    for pieces in _found(reading, ours, theirs):
                        places = {place for start, end, _ in pieces for place in range(start, end)}
                        if taken.isdisjoint(places):
                            new = {(s, e): _as(text[s:e], byte, in_form=in_form) for s, e, byte in pieces if byte}
                            edits |= new
                            taken |= places
        result, last = bytearray(), 0
        for (start, end), edited in sorted(edits.items()):
            result += text[last:start] + edited
            last = end
        return self._blurred(bytes(result + text[last:]))

    def _blurred(self, text: bytes) -> bytes:
        """The text with x for each letter and digit of a plaintext whose form has no placeholder."""
        if not self._sought.hides_in(text):
            return text
        result = bytearray(text)
        for start, end, _ in self._sought.spans(text):
            result[start:end] = bytes(_X if bytes([byte]).isalnum() else byte for byte in text[start:end])
        return bytes(result)

    # --- creation -----------------------------------------------------------------------------------------------------

    def _placeholder(self, text: str) -> str:
        raw = text.encode("utf-8", "surrogateescape")
        data = data_in(raw)
        stream = self._stream(raw, len(raw))
        if data is None:
            return "".join(_alike(character, chance) for character, chance in zip(text, stream, strict=False))
        if data.hex() == text.lower():
            made = self._plain_in_base64(raw, len(data)).hex()
            return made.upper() if text.isupper() else made
        padding = len(text) - len(text.rstrip("="))
        digits = [_ALPHANUMERIC[chance % len(_ALPHANUMERIC)] for chance in stream]
        if padding:
            last = _BEFORE_PADDING[padding]
            digits[-padding - 1] = last[stream[-padding - 1] % len(last)]
        return "".join(digits[: len(text) - padding]) + "=" * padding

    def _plain_in_base64(self, text: bytes, size: int) -> bytes:
        """Bytes whose base64 has letters and digits only, so that the base64 is the same in all base64 alphabets."""
        tries = (self._stream(b"%d %s" % (number, text), size) for number in range(_TRIES))
        plain = (made for made in tries if base64.b64encode(made).rstrip(b"=").isalnum())
        return next(plain, None) or self._stream(text, size)

    def _stream(self, text: bytes, size: int) -> bytes:
        return hashlib.shake_256(hmac.digest(self._key, text, "sha256")).digest(size)


def _found(reading: Reading, ours: bytes, theirs: bytes) -> Iterator[list[tuple[int, int, int]]]:
    """For each occurrence of a form, (start, end, new byte) for each of its bytes in the original text.

    If the new byte is 0, the byte is kept.
    """
    start = reading.text.find(ours)
    while start >= 0:
        places = [reading.at(place) for place in range(start, start + len(ours) + 1)]
        changed = (new if new != old else 0 for old, new in zip(ours, theirs, strict=True))
        pieces = zip(places, places[1:], changed, strict=False)
        yield [(first, last, new) for first, last, new in pieces if first < last]
        start = reading.text.find(ours, start + len(ours))


def _as(piece: bytes, byte: int, *, in_form: bool) -> bytes:
    """A byte in the notation of the text that it replaces. Letters and digits never need an escape."""
    if chr(byte) in _ALPHANUMERIC:
        return bytes([byte])
    if piece.startswith(b"%") or (in_form and chr(byte) in "+/="):
        return b"%%%02X" % byte
    if piece.startswith(b"\\"):
        return b"\\u%04x" % byte
    return b"&#%d;" % byte if piece.startswith(b"&") and len(piece) > 1 else bytes([byte])


def _alike(character: str, chance: int) -> str:
    for kind in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if character in kind:
            return kind[chance % len(kind)]
    size = len(character.encode("utf-8", "surrogateescape"))
    return character if character in _KEPT else _WIDE.get(size, "x")


def _unescaped(written: str) -> str:
    """The text without its JSON or XML escapes."""
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:
        return html.unescape(written)


def _escaped(written: str, placeholder: str) -> str:
    """A placeholder in the notation of the text that it replaces."""
    return placeholder if _unescaped(written) == written else json.dumps(placeholder)[1:-1]
