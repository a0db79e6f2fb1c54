"""What stands for plaintexts that replies bring, so that these can be judged again as they were.

A reply to decrypt is right if it gives back what was encrypted, and a data key must have its length. What we had
encrypted ourselves is no secret and stands for itself. Anything else gets a stand-in of the same form: the same for the
same plaintext within a run, made by a key that is never stored. Wherever the plaintext stands, and in whatever
encoding, its stand-in takes its place in that encoding, so that what is worked out from one agrees with the other.
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

    from kms_conformance.wire.messages import Exchange, Reply, Request

# What is shorter stands in texts by chance; it is replaced where a name stands before it, and nowhere else.
_MIN_SOUGHT = 24
# Of one run, and of one reply: the longest run known has 400, and a documented reply one. Each is compared with every
# text that holds any of them, so an endpoint must not make us look for as many as it likes.
_MOST = 1_000
_MOST_OF_A_REPLY = 8
_ALPHANUMERIC = string.ascii_letters + string.digits
_KEPT = " +/=-_.:"
# The last digit before the padding of a text in base64, whose lowest bits are none of the data's.
_BEFORE_PADDING = {1: "AEIMQUYcgkosw048", 2: "AQgw"}
# One of four texts of 32 bytes has neither of the other characters of base64, one of 15 000 of 300 bytes.
_TRIES = 500
_X = ord("x")
_WIDE = {2: "\u00e9", 3: "\u4e00", 4: "\U0001f511"}


class StandIns:
    """Knows what this run had encrypted, and makes stand-ins for everything else."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._own: set[str] = set()
        self._pairs: dict[str, tuple[tuple[bytes, bytes], ...]] = {}
        self._sought = SecretSearch()

    def exchange(self, exchange: Exchange) -> Exchange:
        """The exchange with stand-ins for all plaintexts that this run has seen so far."""
        self.learn(exchange.request)
        request = self._request(exchange.request)
        reply = None if exchange.reply is None else self._reply(exchange.reply)
        failure = exchange.failure and replace(exchange.failure, text=self.text(exchange.failure.text))
        return replace(exchange, request=request, reply=reply, failure=failure)

    def learn(self, request: Request) -> None:
        """Take note of the plaintexts that a request brings."""
        for text in (request.body, request.url.encode("utf-8", "surrogatepass")):
            for start, end in plaintext_spans(text):
                written = text[start:end].decode("utf-8", "replace")
                self._own |= {_unescaped(unquote(written)), _unescaped(written)}

    def of(self, body: bytes) -> bytes:
        """The body of a reply with its stand-ins; what it names as plaintexts is looked for from now on."""
        result, last = bytearray(), 0
        most = min(_MOST, len(self._pairs) + _MOST_OF_A_REPLY)
        for start, end in plaintext_spans(body):
            written = body[start:end].decode("utf-8", "surrogateescape")
            text = _unescaped(written)
            if text in self._own:
                continue
            stand_in = self._stand_in(text)
            result += body[last:start] + _escaped(written, stand_in).encode("utf-8", "surrogateescape")
            last = end
            if len(self._pairs) < most:
                self._seek(text, stand_in)
        return self._replaced(bytes(result + body[last:]))

    def _seek(self, text: str, stand_in: str) -> None:
        raw, other = (value.encode("utf-8", "surrogateescape") for value in (text, stand_in))
        if len(raw) < _MIN_SOUGHT or text in self._pairs:
            return
        pairs = zip(forms_of(raw, decoded=True), forms_of(other, decoded=True), strict=False)
        self._pairs[text] = tuple((ours, theirs) for ours, theirs in pairs if len(ours) == len(theirs))
        self._sought.add(text, PLAINTEXT, decoded=True)

    # --- where they are put -------------------------------------------------------------------------------------------

    def _request(self, request: Request) -> Request:
        if not self._pairs:
            return request
        headers = tuple((name, self.text(value)) for name, value in request.headers)
        body = self._replaced(request.body, in_form=not request.body.lstrip().startswith((b"{", b"[")))
        return replace(request, url=self.text(request.url, in_form=True), headers=headers, body=body)

    def _reply(self, reply: Reply) -> Reply:
        body = self.of(reply.body)
        if not self._pairs:
            return replace(reply, body=body)
        headers = tuple((name, self.text(value)) for name, value in reply.headers)
        return replace(reply, reason=self.text(reply.reason), headers=headers, body=body)

    def text(self, text: str, *, in_form: bool = False) -> str:
        """The text with stand-ins for all plaintexts that this run has seen so far; see `_replaced`."""
        data = text.encode("utf-8", "surrogatepass")
        found = self._replaced(data, in_form=in_form)
        return text if found is data else found.decode("utf-8", "surrogatepass")

    def _replaced(self, text: bytes, *, in_form: bool = False) -> bytes:
        """The text with stand-ins for what is sought; `in_form` is one in which `+` and `/` must be escaped."""
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
        """The text with x for each letter and digit of plaintexts in forms for which there is no stand-in."""
        if not self._sought.hides_in(text):
            return text
        result = bytearray(text)
        for start, end, _ in self._sought.spans(text):
            result[start:end] = bytes(_X if bytes([byte]).isalnum() else byte for byte in text[start:end])
        return bytes(result)

    # --- what they are ------------------------------------------------------------------------------------------------

    def _stand_in(self, text: str) -> str:
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
        return "".join(kept if kept in "+/=" else digit for kept, digit in zip(text, digits, strict=True))

    def _plain_in_base64(self, text: bytes, size: int) -> bytes:
        """Bytes whose base64 has letters and digits only, so that it is the same in each of its alphabets."""
        tries = (self._stream(b"%d %s" % (number, text), size) for number in range(_TRIES))
        plain = (made for made in tries if base64.b64encode(made).rstrip(b"=").isalnum())
        return next(plain, None) or self._stream(text, size)

    def _stream(self, text: bytes, size: int) -> bytes:
        return hashlib.shake_256(hmac.digest(self._key, text, "sha256")).digest(size)


def _found(reading: Reading, ours: bytes, theirs: bytes) -> Iterator[list[tuple[int, int, int]]]:
    """Each place in the original where a form stands: (start, end, new byte, 0 for one that stays) for each byte."""
    start = reading.text.find(ours)
    while start >= 0:
        places = [reading.at(place) for place in range(start, start + len(ours) + 1)]
        changed = (new if new != old else 0 for old, new in zip(ours, theirs, strict=True))
        pieces = zip(places, places[1:], changed, strict=False)
        yield [(first, last, new) for first, last, new in pieces if first < last]
        start = reading.text.find(ours, start + len(ours))


def _as(piece: bytes, byte: int, *, in_form: bool) -> bytes:
    """A byte, written as what stands in its place: only letters and digits need no escape anywhere."""
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
    """What a text in JSON or XML says."""
    try:
        return str(json.loads(f'"{written}"'))
    except ValueError:
        return html.unescape(written)


def _escaped(written: str, stand_in: str) -> str:
    """A stand-in, written where this text stood."""
    return stand_in if _unescaped(written) == written else json.dumps(stand_in)[1:-1]
