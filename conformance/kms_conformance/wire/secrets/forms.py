"""The forms in which a value is searched for: as it is, with plus for blank, in base64 and in hex."""

from __future__ import annotations

import base64
import re

#: The shortest form of decoded data that is searched for, in bytes: shorter ones stand in texts by chance.
_MIN_DECODED = 24
_HEXADECIMAL = re.compile(rb"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def forms_of(raw: bytes, *, decoded: bool = False) -> tuple[bytes, ...]:
    """All forms of a value; some may be equal. Their number, order and lengths depend on its length and kind alone.

    With `decoded`, a value in hex or base64 is also searched for by its data: a reply may give the same bytes in the
    other encoding.
    """
    data = data_in(raw) if decoded else None
    forms = (raw, raw.replace(b" ", b"+"), *_base64_forms(raw), *_hex_forms(raw))
    if data is None:
        return forms
    again = (form for form in (*_hex_forms(data), *_base64_forms(data)) if len(form) >= _MIN_DECODED)
    return (*forms, *again)


def data_in(text: bytes) -> bytes | None:
    """The bytes that a text in hex or base64 encodes; None for any other text."""
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
    """The value encoded by itself, with and without padding, and encoded within other bytes.

    Within other bytes the value begins at one of three alignments. The characters at its rims may hold bits of its
    neighbours too: they are left out.
    """
    whole = base64.b64encode(raw)
    within = []
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw)
        within.append(encoded[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6])
    standard = (whole, whole.rstrip(b"="), *within)
    return (*standard, *(form.translate(_URL_SAFE) for form in standard))
