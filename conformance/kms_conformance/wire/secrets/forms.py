"""Encoded forms in which a secret is searched for: plain, with plus for blank, in base64 and in hex."""

from __future__ import annotations

import base64
import re

#: Fewest bytes of a form of decoded data. Shorter ones occur in texts by chance.
_MIN_DECODED = 24
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def forms_of(raw: bytes, *, decoded: bool = False) -> tuple[bytes, ...]:
    """All forms of a value; some may be equal.

    Their number, order and lengths depend only on the length and kind of the value. With `decoded`, a value in hex or
    base64 is also searched for by the data that it encodes, because a reply may contain the data in the other encoding.
    """
    data = data_in(raw) if decoded else None
    forms = (raw, raw.replace(b" ", b"+"), *_base64_forms(raw), *_hex_forms(raw))
    if data is None:
        return forms
    again = (form for form in (*_hex_forms(data), *_base64_forms(data)) if len(form) >= _MIN_DECODED)
    return (*forms, *again)


def data_in(text: bytes) -> bytes | None:
    """The bytes encoded by a text in hex or base64; None for other texts."""
    if _HEXADECIMAL.fullmatch(text):
        return bytes.fromhex(text.decode())
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def _hex_forms(raw: bytes) -> tuple[bytes, ...]:
    lower = raw.hex().encode()
    return lower, lower.upper()


def _base64_forms(raw: bytes) -> tuple[bytes, ...]:
    """The base64 of the value by itself, with and without padding, and within other bytes.

    Within other bytes, the value starts at one of three alignments. The first and last characters are left out if they
    also encode bits of the neighbouring bytes.
    """
    whole = base64.b64encode(raw)
    within = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        within.append(encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6])
    standard = (whole, whole.rstrip(b"="), *within)
    return (*standard, *(form.translate(_URL_SAFE) for form in standard))
