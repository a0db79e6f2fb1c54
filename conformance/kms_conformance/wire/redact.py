"""The one place where exchanges lose their secrets: what leaves it may be stored, shown and sent to anybody."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from kms_conformance.target.ordinary import Public, public_words
from kms_conformance.wire.credentials import CredentialPlaces, credential_places
from kms_conformance.wire.disguises import MIN_LENGTH, hides_any, spans, views_and_bare
from kms_conformance.wire.messages import Headers, Reply, Request
from kms_conformance.wire.passing import PLAINTEXT, Passing

if TYPE_CHECKING:
    from kms_conformance.target import Target

#: What endpoints decrypt for us. In requests it is what we made up ourselves, and needed to repeat them.
_PLAINTEXTS = ("Plaintext", "plain_text")
#: A fuzzer's short values in place of a token would blank out half of a report.
_MIN_TOKEN = 16
_MAX_TOKENS = 16
#: What is good for one exchange: of the last ones, because a judgement is worded right after what it is about.
_MAX_PASSING = 48
#: What we had encrypted ourselves is shorter, and comes back as it went.
_MIN_PLAINTEXT = 24
_MIN_SIGNATURE = 8
_MAX_PASSES = 8

Span = tuple[int, int, str]


class Redactor:
    """Replaces secrets by `[redacted:NAME]`. Doing it twice is the same as doing it once.

    Values that are shorter than 4 characters are not searched for; they only go where the header or the parameter that
    they stand in is known to hold secrets. `too_short` counts them.
    """

    def __init__(
        self,
        secrets: Iterable[str],
        labels: Mapping[str, str] | None = None,
        *,
        public: Public | None = None,
        plaintexts: bool = True,
    ) -> None:
        """`labels` names secrets: `[redacted:KMS_TOKEN]` says more than `[redacted:SECRET]`.

        What a secret has in common with a `public` word makes no piece of it. Without `plaintexts`, what an endpoint
        decrypted for us stays: something else has been put in its place.
        """
        names = labels or {}
        places = credential_places()
        self._public = public
        all_secrets = sorted(set(secrets))
        self._lock = threading.Lock()
        self._names = {
            secret: _label(names.get(secret, "SECRET")) for secret in all_secrets if len(secret) >= MIN_LENGTH
        }
        self._tokens: dict[str, None] = {}
        self._passing = Passing(_MAX_PASSING)
        self.too_short = len(all_secrets) - len(self._names)
        known = {*self._names.values(), *map(_label, (*places.headers, *places.parameters, *_PLAINTEXTS)), "TOKEN"}
        self._marks = re.compile("|".join(re.escape(_mark(label)) for label in sorted(known)).encode())
        self._in_requests = (*_patterns(places.parameters), *_header_lines(places.headers))
        self._plaintexts = plaintexts
        self._in_replies = (*self._in_requests, *(_IN_PLAINTEXTS if plaintexts else ()))

    @classmethod
    def of(cls, target: Target, *, plaintexts: bool = True) -> Redactor:
        """The redactor of a target: its secrets are searched for, but for those that are ordinary words."""
        public = public_words(target.dialect, target.profile)
        return cls(target.secrets - target.ordinary, target.labels, public=public, plaintexts=plaintexts)

    def text(self, text: str) -> str:
        """The text without secrets, by value and by the names that stand before them."""
        return self._text(text, self._in_replies)

    def data(self, data: bytes) -> bytes:
        """The same for bytes, whatever they are."""
        return self._redacted(data, self._in_replies)

    def request(self, request: Request) -> Request:
        """The request without secrets, in all its parts."""
        self.learn(request)
        whole = _joined(request.headers, request.body, request.method, request.url)
        by_value = self._hides_a_secret(whole)
        if not by_value and not _names_a_secret(whole):
            return replace(request, headers=_without_values(request.headers))
        return replace(
            request,
            method=self._text(request.method, self._in_requests, by_value=by_value),
            url=self._text(request.url, self._in_requests, by_value=by_value),
            headers=self._headers(request.headers, self._in_requests, by_value=by_value),
            body=self._redacted(request.body, self._in_requests, by_value=by_value),
        )

    def reply(self, reply: Reply) -> Reply:
        """The reply without secrets, in all its parts."""
        whole = _joined(reply.headers, reply.body, reply.reason)
        by_value = self._hides_a_secret(whole)
        if not by_value and not _names_a_secret(whole):
            return replace(reply, headers=_without_values(reply.headers))
        return replace(
            reply,
            reason=self._text(reply.reason, self._in_replies, by_value=by_value),
            headers=self._headers(reply.headers, self._in_replies, by_value=by_value),
            body=self._redacted(reply.body, self._in_replies, by_value=by_value),
        )

    def learn(self, request: Request, reply: Reply | None = None) -> None:
        """Remember what an exchange shows of secrets that no target file names: other replies may repeat them.

        These are tokens, that may have been fetched, and for a while the signature and what was decrypted for us.
        """
        token_headers = credential_places().token_headers
        carried = [value for name, value in request.headers if name.lower() in token_headers]
        signed = [value for name, value in request.headers if name.lower() == "authorization"]
        signatures = _values(request.url.encode("utf-8", "surrogatepass"), _SIGNATURES)
        signatures |= {found for value in signed for found in _SIGNED.findall(value)}
        known = {unquote(value): "SIGNATURE" for value in signatures if len(value) >= _MIN_SIGNATURE}
        self._remember(carried, known)
        if reply is not None:
            self.learn_from(reply)

    def learn_from(self, reply: Reply) -> None:
        """The same of a reply alone."""
        plaintexts: set[str] = set()
        if self._plaintexts and any(name in reply.body.lower() for name in _PLAINTEXT_WORDS):
            plaintexts = _values(reply.body, _IN_PLAINTEXTS)
        known = dict.fromkeys((value for value in plaintexts if len(value) >= _MIN_PLAINTEXT), PLAINTEXT)
        names = credential_places().reply_headers
        self._remember([value for name in names for value in reply.header_values(name)], known)

    def _remember(self, tokens: Iterable[str], passing: Mapping[str, str]) -> None:
        new = {token for token in tokens if len(token) >= _MIN_TOKEN} - self._names.keys()
        if self._public is not None:
            # An endpoint that calls a token like a parameter does not take that from the records.
            new = {token for token in new if not self._public.is_ordinary(token)}
            passing = {value: label for value, label in passing.items() if not self._public.is_ordinary(value)}
        if not new and not passing:
            return
        with self._lock:
            for token in new - self._tokens.keys():
                self._tokens = dict.fromkeys([*self._tokens, token][-_MAX_TOKENS:])
            self._passing.learn(passing)

    def _headers(self, headers: Headers, patterns: tuple[_Pattern, ...], *, by_value: bool) -> Headers:
        joined = _joined(headers)
        by_value = by_value and self._hides_a_secret(joined)
        if not by_value and not _names_a_secret(joined):
            return _without_values(headers)
        return tuple(
            (
                self._text(name, patterns, by_value=by_value),
                _hidden(name, value) if _is_secret(name) else self._text(value, patterns, by_value=by_value),
            )
            for name, value in headers
        )

    def _text(self, text: str, patterns: tuple[_Pattern, ...], *, by_value: bool = True) -> str:
        data = text.encode(errors="surrogatepass")
        return self._redacted(data, patterns, by_value=by_value).decode(errors="surrogatepass")

    def _redacted(self, text: bytes, patterns: tuple[_Pattern, ...], *, by_value: bool = True) -> bytes:
        """The text without what stands after a name, and without what is known `by_value` unless that is not there."""
        # What stands next to a mark may only now follow a name; it takes a text made for it to come here three times.
        for _ in range(_MAX_PASSES):
            if not _names_a_secret(text) and not (by_value and self._hides_a_secret(text)):
                break
            redacted = self._pass(text, patterns, by_value=by_value)
            if redacted == text:
                break
            text = redacted
        return text

    def _hides_a_secret(self, text: bytes) -> bool:
        secrets = (*self._names, *self._tokens)
        blanks = any(" " in secret for secret in secrets)
        return hides_any(text, secrets, blanks=blanks, public=self._public) or self._passing.stand_in(text)

    def _pass(self, text: bytes, patterns: tuple[_Pattern, ...], *, by_value: bool) -> bytes:
        marks = [found.span() for found in self._marks.finditer(text)]
        found = [span for span in _by_name(text, patterns) if self._marks.sub(b"", text[span[0] : span[1]])]
        if by_value:
            found += _apart(self._values_in(text), marks)
        result, last = bytearray(), 0
        for start, end, label in _merged(found):
            result += text[last:start] + _mark(label).encode()
            last = end
        return bytes(result + text[last:])

    def _values_in(self, text: bytes) -> Iterator[Span]:
        names = self._names | dict.fromkeys(self._tokens, "TOKEN")
        seen = tuple(views_and_bare(text, blanks=any(" " in secret for secret in names)))
        for secret, label in names.items():
            yield from ((start, end, label) for start, end in spans(seen, secret, public=self._public))
        for secret, label in self._passing.labels.items():
            yield from (
                (start, end, label) for start, end in spans(seen, secret, in_pieces=False, said=label == PLAINTEXT)
            )


_Pattern = tuple[re.Pattern[bytes], str]


def _label(name: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", name.upper())


def _mark(label: str) -> str:
    return f"[redacted:{label}]"


def _hidden(name: str, value: str) -> str:
    return _mark(_label(name)) if value and _is_secret(name) else value


def _joined(headers: Headers, body: bytes = b"", *texts: str) -> bytes:
    """All that is to be searched in one: what is clean as a whole is so in its parts, and takes one look, not seven."""
    others = ("\n".join(pair) for pair in headers if not _is_secret(pair[0]))
    return "\n".join((*texts, *others)).encode(errors="surrogatepass") + b"\n" + body


def _without_values(headers: Headers) -> Headers:
    """Headers in which nothing but the known ones holds a secret."""
    return tuple((name, _hidden(name, value)) for name, value in headers)


def _patterns(names: Iterable[str]) -> Iterator[_Pattern]:
    """For each name: its value as a parameter, as a JSON string, as one in JSON in a JSON string, and as XML text.

    Each takes time in proportion to the text, also where an endpoint wrote it to make them take more.
    """
    for name in names:
        word = name.encode()
        for form in (
            rb"(?<![A-Za-z0-9_])" + word + rb"=([^&\s\"'<>#]+)",
            rb"\"" + word + rb"\"\s*:\s*\"((?:[^\"\\]|\\.)+)",
            rb"\\\"" + word + rb"\\\"\s*:\s*\\\"([^\"\\]+)",
            rb"<" + word + rb">([^<]+)<",
        ):
            yield re.compile(form, re.IGNORECASE), _label(name)


def _header_lines(names: Iterable[str]) -> Iterator[_Pattern]:
    for name in names:
        yield re.compile(rb"^" + name.encode() + rb":[ \t]*([^\r\n]+)", re.IGNORECASE | re.MULTILINE), _label(name)


_IN_PLAINTEXTS = tuple(_patterns(_PLAINTEXTS))
_SIGNATURES = tuple(_patterns(["Signature"]))
_PLAINTEXT_WORDS = tuple(name.lower().encode() for name in _PLAINTEXTS)
#: What stands in the places of plaintexts.
PLAINTEXT_MARKS = tuple(sorted({_mark(_label(name)) for name in _PLAINTEXTS}))
_SIGNED = re.compile(r"Signature=([^,\s]+)")


def _is_secret(header: str) -> bool:
    return header.lower() in credential_places().lower_headers


def _names_a_secret(text: bytes) -> bool:
    lower = text.lower()
    return any(word in lower for word in _words(credential_places()))


@cache
def _words(places: CredentialPlaces) -> tuple[bytes, ...]:
    return tuple(name.lower().encode() for name in (*places.headers, *places.parameters, *_PLAINTEXTS))


def _values(text: bytes, patterns: Iterable[_Pattern]) -> set[str]:
    return {found[1].decode("utf-8", "replace") for pattern, _ in patterns for found in pattern.finditer(text)}


def plaintext_spans(text: bytes) -> list[tuple[int, int]]:
    """Where a text names plaintexts, in their order; no two overlap."""
    found = {match.span(1) for pattern, _ in _IN_PLAINTEXTS for match in pattern.finditer(text)}
    places: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not places or start >= places[-1][1]:
            places.append((start, end))
    return places


def _by_name(text: bytes, patterns: Iterable[_Pattern]) -> Iterator[Span]:
    for pattern, label in patterns:
        for found in pattern.finditer(text):
            yield *found.span(1), label


def _apart(found: Iterable[Span], marks: Sequence[tuple[int, int]]) -> Iterator[Span]:
    """The spans, in their order, that overlap none of the marks; these are in order and do not overlap."""
    at = 0
    for span in sorted(found):
        # No later span begins before this one, so a mark that ends before it is done with.
        while at < len(marks) and marks[at][1] <= span[0]:
            at += 1
        if at == len(marks) or span[1] <= marks[at][0]:
            yield span


def _merged(found: Iterable[Span]) -> list[Span]:
    """The spans in order, with those that overlap made one that bears the first one's name."""
    result: list[Span] = []
    for start, end, label in sorted(found, key=lambda span: (span[0], -span[1])):
        if result and start < result[-1][1]:
            result[-1] = (result[-1][0], max(result[-1][1], end), result[-1][2])
        else:
            result.append((start, end, label))
    return result
