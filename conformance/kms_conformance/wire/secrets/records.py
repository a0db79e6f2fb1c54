"""Redaction by name: secret headers, parameters and fields of exchange records, and the format of marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from kms_conformance.wire.credentials import CredentialPlaces, credential_places
from kms_conformance.wire.messages import Headers, Reply
from kms_conformance.wire.secrets.search import Span

#: Fields that hold decrypted plaintexts in replies, where they are redacted. In requests they hold plaintexts that this
#: suite has made up. These stay, so that the request can be repeated.
_PLAINTEXTS = ("Plaintext", "plain_text")
_PLAINTEXT_WORDS = tuple(name.lower().encode() for name in _PLAINTEXTS)

Pattern = tuple[re.Pattern[bytes], str]


def label_of(name: str) -> str:
    """The name of a secret as it appears in a mark."""
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def mark(label: str) -> str:
    """The text that replaces a secret."""
    return f"[redacted:{label}]"


def _patterns(names: Iterable[str]) -> Iterator[Pattern]:
    """For each name: its value as a parameter, a JSON string, a JSON string within a JSON string, and XML text.

    Every pattern takes linear time, also on texts made to slow it down.
    """
    for name in names:
        word = re.escape(name.encode())
        for form in (
            rb"(?<![A-Za-z0-9_])" + word + rb"=((?:[^&\s\"'<>#\\]|\\[^\"'])+)",
            rb"\"" + word + rb"\"\s*:\s*\"((?:[^\"\\]|\\.)+)",
            rb"\\\"" + word + rb"\\\"\s*:\s*\\\"([^\"\\]+)",
            rb"<" + word + rb">([^<]+)<",
        ):
            yield re.compile(form, re.IGNORECASE), label_of(name)


def _header_lines(names: Iterable[str]) -> Iterator[Pattern]:
    for name in names:
        yield (
            re.compile(rb"^" + re.escape(name.encode()) + rb":[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE),
            label_of(name),
        )


IN_PLAINTEXTS = tuple(_patterns(_PLAINTEXTS))
_SIGNATURES = tuple(_patterns(["Signature"]))
_SIGNED = re.compile(r"Signature=([^,\s]+)")
#: Marks that replace plaintexts.
PLAINTEXT_MARKS = tuple(sorted({mark(label_of(name)) for name in _PLAINTEXTS}))


@dataclass(frozen=True)
class NamedSecrets:
    """The secrets that are recognised by the names before them, not by their values.

    - patterns: find the values in requests. In replies, `IN_PLAINTEXTS` are searched for, too.
    - labels: the names as marks show them, including those of plaintexts.
    - words: the names in lower case, including those of plaintexts.
    """

    patterns: tuple[Pattern, ...]
    labels: frozenset[str]
    words: tuple[bytes, ...]


def named_secrets() -> NamedSecrets:
    """The named secrets of all registered ways to sign in."""
    return _named_secrets_of(credential_places())


@cache
def _named_secrets_of(places: CredentialPlaces) -> NamedSecrets:
    names = (*places.headers, *places.parameters, *_PLAINTEXTS)
    return NamedSecrets(
        (*_patterns(places.parameters), *_header_lines(places.headers)),
        frozenset(map(label_of, names)),
        tuple(name.lower().encode() for name in names),
    )


def names_a_secret(text: bytes) -> bool:
    """Whether the text contains the name of a secret header, parameter or field, and so may contain a secret value."""
    lower = text.lower()
    return any(word in lower for word in named_secrets().words)


def spans_by_name(text: bytes, patterns: Iterable[Pattern]) -> Iterator[Span]:
    """The spans of secret values that follow their names in the text, with labels; spans may overlap."""
    for pattern, label in patterns:
        for found in pattern.finditer(text):
            yield *found.span(1), label


def plaintext_spans(text: bytes) -> list[tuple[int, int]]:
    """Spans of the values of plaintext fields, in order and without overlap."""
    found = {match.span(1) for pattern, _ in IN_PLAINTEXTS for match in pattern.finditer(text)}
    places: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not places or start >= places[-1][1]:
            places.append((start, end))
    return places


def plaintexts_in(body: bytes) -> set[str]:
    """Values of the plaintext fields of a body."""
    named = any(name in body.lower() for name in _PLAINTEXT_WORDS)
    return _values(body, IN_PLAINTEXTS) if named else set()


def signatures_in(url: str, headers: Headers) -> set[str]:
    """Signatures of a request, in its URL or its Authorization header, as written."""
    signed = [value for name, value in headers if name.lower() == "authorization"]
    named = "signature" in url.lower()
    in_url = _values(url.encode("utf-8", "surrogatepass"), _SIGNATURES) if named else set()
    return in_url | {found for value in signed for found in _SIGNED.findall(value)}


def tokens_in(headers: Headers) -> list[str]:
    """Tokens in the headers of a request."""
    names = credential_places().token_headers
    return [value for name, value in headers if name.lower() in names]


def tokens_of(reply: Reply) -> list[str]:
    """Tokens in the headers of a reply."""
    names = credential_places().reply_headers
    return [value for name in names for value in reply.header_values(name)]


def is_secret_header(name: str) -> bool:
    """Whether a header holds credentials; its whole value is then hidden."""
    return name.lower() in credential_places().lower_headers


def hidden(name: str, value: str) -> str:
    """The value of a header, or a mark if the header holds credentials."""
    return mark(label_of(name)) if value and is_secret_header(name) else value


def joined(headers: Headers, body: bytes = b"", *texts: str) -> bytes:
    """All parts that may hold secrets as one text, so that one search can show that none of them does."""
    others = ("\n".join(pair) for pair in headers if not is_secret_header(pair[0]))
    return "\n".join((*texts, *others)).encode(errors="surrogatepass") + b"\n" + body


def _values(text: bytes, patterns: Iterable[Pattern]) -> set[str]:
    return {found[1].decode("utf-8", "replace") for pattern, _ in patterns for found in pattern.finditer(text)}
