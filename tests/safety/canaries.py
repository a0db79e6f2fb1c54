"""Secrets that can be recognised again, in every form in which they may come out."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

_RANDOM = random.Random(20261122)  # noqa: S311 - repeatable, and they open nothing


def canary(*, header: bool = True) -> str:
    """32 random letters and digits around what encodings change; nothing that a header cannot carry."""
    letters = "".join(_RANDOM.choice(string.ascii_letters + string.digits) for _ in range(32))
    return f"{letters[:16]}/+%&<41>=\"'{letters[16:]}" if not header else f"{letters[:16]}/+%{letters[16:]}"


def _spelt(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


#: How an endpoint may say a secret. The value is what stands in a JSON document, unless it is a mapping of fields.
ENCODINGS: Mapping[str, Callable[[str], object]] = {
    "raw": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 within": lambda text: base64.b64encode(b"is:" + text.encode() + b".").decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "unicode escapes": _spelt,
    "html": html.escape,
    "html numbers": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "lines": lambda text: "\n".join(re.findall(".{1,9}", text)),
    "base64 lines": lambda text: "\r\n".join(re.findall(".{1,20}", base64.encodebytes(text.encode()).decode())),
    "json in json": lambda text: json.dumps(json.dumps({"said": text})),
    "two fields": lambda text: {"first": text[: len(text) // 2], "second": text[len(text) // 2 :]},
    "list": list,
}


def leaks(data: bytes, secrets: Mapping[str, str], *, whole: bool = False) -> Iterator[str]:
    """Which of the secrets, by name, stand in what was written, whole or by halves, in whatever form.

    With `whole`, only as they are: for those of which there are many.
    """
    texts = {_without_blanks(text) for text in _readings(data.decode("utf-8", "replace"))}
    for name, secret in secrets.items():
        for form in [secret] if whole else _forms(secret):
            pieces = (form,) if whole else (form[: len(form) // 2], form[-(len(form) // 2) :])
            if any(piece in text for text in texts for piece in pieces):
                yield f"{name}: {form[:12]}..."
                break


def _readings(text: str) -> Iterator[str]:
    """The text, and what it says when one to three layers of escapes are undone."""
    for undo in (unquote, _unescaped, html.unescape):
        known = text
        for _ in range(3):
            yield known
            known = undo(known)
    yield unquote(html.unescape(_unescaped(text)))
    # Spelt letter by letter.
    yield re.sub(r"[\"',\\]", "", text)


def _unescaped(text: str) -> str:
    spelt = re.sub(r"\\{1,2}u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return spelt.replace("\\n", "").replace("\\r", "").replace('\\"', '"').replace("\\\\", "\\").replace("\\/", "/")


def _without_blanks(text: str) -> str:
    return re.sub(r"\s", "", text)


def _forms(secret: str) -> Iterator[str]:
    yield secret
    raw = secret.encode()
    yield raw.hex()
    yield raw.hex().upper()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        # The rims are made of other bytes as well.
        inner = encoded[4:-4]
        yield inner
        yield inner.translate(str.maketrans("+/", "-_"))
