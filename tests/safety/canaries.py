"""Secrets that can be recognised again, in every form in which they may come out."""

from __future__ import annotations

import base64
import html
import json
import random
import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import quote, quote_plus, unquote

_RANDOM = random.Random(20261122)  # noqa: S311 - repeatable, and they open nothing


def canary(*, header: bool = True) -> str:
    """32 random letters and digits around what encodings change; nothing that a header cannot carry."""
    letters = "".join(_RANDOM.choice(string.ascii_letters + string.digits) for _ in range(32))
    return f"{letters[:16]}/+%&<41>=\"'{letters[16:]}" if not header else f"{letters[:16]}/+%{letters[16:]}"


def spelt(text: str) -> str:
    """The text as JSON escapes, character by character; none of these is beyond U+FFFF."""
    return "".join(f"\\u{ord(character):04x}" for character in text)


#: How an endpoint may repeat a secret: all forms that docs/safety.md promises to find.
ENCODINGS: Mapping[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "percent": lambda text: quote(text, safe=""),
    "percent, lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "percent, every character": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "form": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 within": lambda text: base64.b64encode(b"is:" + text.encode() + b".").decode(),
    "base64 within, after one byte": lambda text: base64.b64encode(b"." + text.encode() + b".").decode(),
    "base64 within, after two bytes": lambda text: base64.b64encode(b"=:" + text.encode() + b".").decode(),
    "base64url": lambda text: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "base64, percent-encoded": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "JSON escapes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON escapes, every character": spelt,
    "JSON escapes, quoted": lambda text: json.dumps(spelt(text))[1:-1],
    "XML": html.escape,
    "XML numbers": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "XML hex numbers": lambda text: "".join(f"&#x{ord(character):X};" for character in text),
}
#: Forms that stand in a JSON document as they are: its own escapes undo them.
IN_JSON = frozenset({"JSON escapes", "JSON escapes, every character", "JSON escapes, quoted"})
#: The same of an XML document.
IN_XML = frozenset({"XML", "XML numbers", "XML hex numbers"})

# A run has a thousand signatures, and megabytes of files: a few characters of every text are looked at first.
_GRAM, _STEP = 8, 12

#: How an endpoint may hide a secret from the search, as docs/safety.md says. The value stands in a JSON document.
NOT_SEARCHED: Mapping[str, Callable[[str], object]] = {
    "percent three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "JSON in JSON in JSON": lambda text: json.dumps(json.dumps({"said": f'"{text}"'})),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "lines": lambda text: "\n".join(re.findall(".{1,9}", text)),
    "base64 lines": lambda text: "\r\n".join(re.findall(".{1,20}", base64.encodebytes(text.encode()).decode())),
    "halves": lambda text: {"first": text[: len(text) // 2], "second": text[len(text) // 2 :]},
    "letters": list,
}


def said_in_json(encoding: str, secret: str) -> bytes:
    """A JSON document that says a secret in one of the `ENCODINGS`."""
    said = ENCODINGS[encoding](secret)
    return f'{{"x": "{said}"}}'.encode() if encoding in IN_JSON else json.dumps({"x": said}).encode()


def leaks(data: bytes, secrets: Mapping[str, str], *, whole: bool = False) -> Iterator[str]:
    """Which of the secrets, by name, stand in the files, in any of the forms, under all escapes that our files add.

    With `whole`, only as they are: for those of which there are many.
    """
    texts = {_without_blanks(text) for text in set(_readings(data.decode("utf-8", "replace")))}
    sampled = {text[at : at + _GRAM] for text in texts for at in range(0, len(text), _STEP)}
    for name, secret in secrets.items():
        for form in [secret] if whole else _forms(secret):
            if _may_stand(form, sampled) and any(form in text for text in texts):
                yield f"{name}: {form[:12]}..."
                break


def _may_stand(form: str, sampled: Collection[str]) -> bool:
    """False if a long form stands nowhere: wherever it stood, a sample would lie within its first characters."""
    return len(form) < _GRAM + _STEP - 1 or any(form[at : at + _GRAM] in sampled for at in range(_STEP))


def _readings(text: str) -> Iterator[str]:
    """The text, and its readings with one to three layers of escapes undone."""
    for undo in (unquote, _unescaped, html.unescape):
        known = text
        for _ in range(5):
            yield known
            known = undo(known)
    # A JSON document within an HTML page, and percent-encoding within both.
    for inner in (html.unescape(_unescaped(text)), _unescaped(html.unescape(text))):
        yield inner
        yield unquote(inner)
        yield unquote(unquote(inner))


def _unescaped(text: str) -> str:
    spelt = re.sub(r"\\{1,2}u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return spelt.replace("\\n", "").replace("\\r", "").replace('\\"', '"').replace("\\\\", "\\").replace("\\/", "/")


def _without_blanks(text: str) -> str:
    # The terminal breaks lines.
    return "".join(text.split())


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
